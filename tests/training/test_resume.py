"""Runs that are stopped, killed, starved of disk or damaged end in the bits of their
twins.
"""

import itertools
import multiprocessing
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from small_runs import attempt, config, outcome, run, small_sprites, temporaries

from disentlib.files import read_json
from disentlib.sprites.grid import FactorGrid
from disentlib.sprites.table import Sprites
from disentlib.training import batches, checkpoints, loop
from disentlib.training.checkpoints import load_tensors
from disentlib.training.history import read_history
from disentlib.training.loop import train

RUNS = {
    "beta_vae": config(),
    "beta_vae, one cycle, no batch norm, snapshots": config(
        schedule="one_cycle", batch_norm=False, snapshots=(3, 6), learning_rate=1e-3
    ),
    "beta_vae, muon": config(optimizer="muon", log_every=2, checkpoint_every=3),
    "factor_vae": config(
        model="factor_vae",
        steps=6,
        snapshots=(2,),
        average=0.9,
        warmup=3,
        batch_norm=False,
    ),
    "beta_vae, its weight falls": config(steps=5, weight_start=3.0, weight_steps=4),
    "beta_vae, sgd, means normed": config(
        optimizer="sgd", mean_norm=True, batch_norm=False, steps=4
    ),
    "factor_vae, muon, one cycle, no batch norm": config(
        model="factor_vae",
        steps=5,
        optimizer="muon",
        schedule="one_cycle",
        batch_norm=False,
    ),
}


@pytest.fixture(scope="module")
def twins(tmp_path_factory):
    """What each run leaves when nothing happens to it."""
    folder, found = tmp_path_factory.mktemp("twins"), {}

    def twin(name):
        if name not in found:
            run(RUNS[name], small_sprites(), folder / name)
            found[name] = outcome(folder / name)
        return found[name]

    return twin


# Stopped


class Stopping(Sprites):
    """Sprites that send SIGTERM to this process with every batch that is trained on."""

    def to(self, device):
        return self

    def batch(self, index, device="cpu"):
        if len(index) == 8:  # held-out images come in other numbers
            os.kill(os.getpid(), signal.SIGTERM)
        return super().batch(index, device)


def stop_after_every_step(settings, sprites, folder, capsys):
    """One run that goes a single step at a time: each is stopped and kept, then gone on
    from.
    """
    before = signal.getsignal(signal.SIGTERM)
    sprites = Stopping(sprites.packed, sprites.grid)
    for step in range(1, settings.steps):
        with pytest.raises(SystemExit) as stop:
            run(settings, sprites, folder)
        assert stop.value.code == 143
        assert (
            capsys.readouterr().err
            == f"SIGTERM: stopped after step {step}, checkpoint kept\n"
        )
        latest = checkpoints.checkpoints(folder / "checkpoints")[0]
        assert load_tensors(latest)[1]["step"] == step
        assert not (folder / "result.json").exists()
    with pytest.raises(SystemExit):  # the last step is kept, its losses are not taken
        run(settings, sprites, folder)
    said = "SIGTERM: stopped before the last losses, checkpoint kept\n"
    assert capsys.readouterr().err == said
    run(settings, sprites, folder)  # only the losses are left
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.parametrize("name", RUNS)
def test_sigterm_after_every_step(name, twins, small, tmp_path, capsys):
    stop_after_every_step(RUNS[name], small, tmp_path / "run", capsys)
    assert outcome(tmp_path / "run") == twins(name)


def test_a_block_of_draws_is_gone_on_in_its_middle(
    small, tmp_path, capsys, monkeypatch
):
    """As on a card, where the draws of many steps are made at once."""
    monkeypatch.setitem(batches.BLOCK, "cpu", 4)
    run(RUNS["beta_vae"], small, tmp_path / "twin")
    stop_after_every_step(RUNS["beta_vae"], small, tmp_path / "run", capsys)
    assert outcome(tmp_path / "run") == outcome(tmp_path / "twin")


def test_sigterm_while_the_result_is_written_is_given_on(small, tmp_path, monkeypatch):
    """All is kept by then; who trains one run after another is to stop all the same."""
    given, write = [], loop.keep_result

    def told(*arguments):
        os.kill(os.getpid(), signal.SIGTERM)
        write(*arguments)

    monkeypatch.setattr(loop, "keep_result", told)
    before = signal.signal(signal.SIGTERM, lambda *_: given.append(1))
    try:
        run(config(steps=1), small, tmp_path)
        assert given == [1] and read_json(tmp_path / "result.json")["step"] == 1
    finally:
        signal.signal(signal.SIGTERM, before)


class StoppingLate(Sprites):
    """Sprites that send SIGTERM once the last losses are being taken."""

    def to(self, device):
        return self

    def batch(self, index, device="cpu"):
        if len(index) != 8:  # held-out images
            os.kill(os.getpid(), signal.SIGTERM)
            raise AssertionError("the evaluation went on")
        return super().batch(index, device)


def test_sigterm_during_the_evaluation_ends_it_at_once(twins, small, tmp_path, capsys):
    late = StoppingLate(small.packed, small.grid)
    with pytest.raises(SystemExit) as stop:
        run(RUNS["beta_vae"], late, tmp_path / "run")
    assert stop.value.code == 143
    said = "SIGTERM: stopped before the last losses, checkpoint kept\n"
    assert capsys.readouterr().err == said
    run(RUNS["beta_vae"], small, tmp_path / "run")
    assert outcome(tmp_path / "run") == twins("beta_vae")


def test_sigterm_after_every_step_of_three_epochs(tmp_path, capsys):
    packed = torch.from_numpy(
        np.random.default_rng(0).integers(0, 256, (40, 512), np.uint8)
    )
    tiny = Sprites(packed, FactorGrid(("a", "b"), (4, 10)))
    settings = config(
        model="autoencoder", steps=9
    )  # 28 rows to train on: 3 batches an epoch
    stop_after_every_step(settings, tiny, tmp_path / "run", capsys)
    run(settings, tiny, tmp_path / "twin")
    assert outcome(tmp_path / "run") == outcome(tmp_path / "twin")


@pytest.mark.parametrize("name", ["beta_vae", "factor_vae"])
def test_a_loop_that_is_left_goes_on_from_its_last_checkpoint(
    name, twins, small, tmp_path
):
    settings, seen = RUNS[name], []
    for record in train(settings, small, tmp_path / "run"):
        seen.append(record)
        break  # as a notebook's interrupted cell does
    assert [r["step"] for r in seen] == [3] and not (
        tmp_path / "run" / "result.json"
    ).exists()
    again = run(settings, small, tmp_path / "run")
    assert [r["step"] for r in again] == [3, 6, 7][: len(again)] and again[-1][
        "step"
    ] >= 6
    assert outcome(tmp_path / "run") == twins(name)


def test_sigterm_while_the_caller_holds_the_record(twins, small, tmp_path, capsys):
    """A signal between two steps loses none: the line tells of a checkpoint that is
    there.
    """
    settings = replace(RUNS["beta_vae"], checkpoint_every=100)
    with pytest.raises(SystemExit):
        for _ in train(settings, small, tmp_path):
            os.kill(os.getpid(), signal.SIGTERM)
    assert "after step 4, checkpoint kept" in capsys.readouterr().err
    assert (
        checkpoints.checkpoints(tmp_path / "checkpoints")[0].name
        == "step-000000004.safetensors"
    )
    run(settings, small, tmp_path)
    assert (
        read_json(tmp_path / "result.json")["digest"]
        == twins("beta_vae")["result"]["digest"]
    )


# Processes


@pytest.fixture(scope="module")
def processes():
    """Children forked from a server that has imported torch, all of it, and computed
    nothing.
    """
    return multiprocessing.get_context("forkserver")


def start(processes, settings, folder, slowed=0.0):
    child = processes.Process(target=attempt, args=(settings.to_dict(), folder, slowed))
    child.start()
    return child


def wait_for(condition, child, seconds=300):
    end = time.monotonic() + seconds
    while child.is_alive() and time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.001)
    return False


def test_sigterm_to_a_process(processes, twins, tmp_path):
    settings, folder = replace(RUNS["beta_vae"], checkpoint_every=1), tmp_path / "run"
    child = start(processes, settings, folder, slowed=0.05)
    assert wait_for(lambda: checkpoints.checkpoints(folder / "checkpoints"), child)
    child.terminate()
    child.join(300)
    assert child.exitcode == 143
    (line,) = folder.with_suffix(".log").read_text().splitlines()
    assert line.startswith("SIGTERM: stopped after step ") and line.endswith(
        ", checkpoint kept"
    )
    step = int(line.split()[4].rstrip(","))
    assert int(checkpoints.checkpoints(folder / "checkpoints")[0].stem[5:]) == step
    child = start(processes, settings, folder)
    child.join(300)
    assert child.exitcode == 0
    assert (
        read_json(folder / "result.json")["digest"]
        == twins("beta_vae")["result"]["digest"]
    )


def test_two_processes_on_one_folder(processes, twins, small, tmp_path):
    settings, folder = RUNS["beta_vae"], tmp_path / "run"
    child = start(processes, settings, folder, slowed=0.2)
    assert wait_for(lambda: checkpoints.checkpoints(folder / "checkpoints"), child)
    with pytest.raises(RuntimeError) as error:
        run(settings, small, folder)
    holder = f"{folder}: process {child.pid} on {socket.gethostname()} is at work here"
    assert str(error.value) == f"{holder}; wait for it or stop it"
    child.join(300)
    assert child.exitcode == 0 and outcome(folder) == twins("beta_vae")


def test_a_dead_process_holds_nothing(processes, twins, small, tmp_path):
    settings, folder = RUNS["beta_vae"], tmp_path / "run"
    child = start(processes, settings, folder, slowed=0.2)
    assert wait_for(lambda: checkpoints.checkpoints(folder / "checkpoints"), child)
    child.kill()
    child.join(300)
    words = (folder / ".lock").read_text()  # they stay, the lock does not
    assert words == f"{child.pid} on {socket.gethostname()}"
    run(settings, small, folder)
    assert outcome(folder) == twins("beta_vae")


KILLS = 13  # of each of these runs, 52 together
KILLED = ["beta_vae", "beta_vae, muon", "beta_vae, one cycle, no batch norm, snapshots"]
KILLED += ["factor_vae"]


def whole(folder):
    """Whatever has its final name can be read; what a killed write left has another."""
    for path in [
        *folder.glob("model*.safetensors"),
        *folder.glob("checkpoints/step-*"),
    ]:
        load_tensors(path)
    for path in folder.glob("[!.]*.json"):
        read_json(path)
    for path in folder.glob("history.csv"):
        assert all(record["step"] > 0 for record in read_history(path))


def is_half(path):
    try:
        load_tensors(path)
    except ValueError:
        return path.suffix == ".safetensors"
    return False


def kill(child, folder, dice, life):
    """kill -9 within a life of `life` seconds, or in one of the first writes of a file.

    Returns whether it hit, and the files that were being written then.
    """
    old, written = set(temporaries(folder)), set()

    def writes():
        return set(temporaries(folder)) - old

    if dice.random() < 0.5:
        count = dice.randrange(1, 6)
        wait_for(lambda: len(written.update(writes()) or written) >= count, child)
        time.sleep(dice.uniform(0, 0.02))
    else:
        child.join(dice.uniform(0, life))
    child.kill()
    child.join(300)
    return child.exitcode == -signal.SIGKILL, writes()


@pytest.mark.slow
def test_killed_at_random_moments(processes, twins, tmp_path):
    """kill -9, 52 times: while training and while files are being written."""
    dice, kills, torn, half, starts = random.Random(5), 0, [], 0, 0
    for name in KILLED:
        life, target = 1.0, kills + KILLS
        while (
            kills < target
        ):  # a run that ends before the last kill is followed by another
            folder, finished = tmp_path / f"{name} {starts}", False
            while not finished:
                starts, began = starts + 1, time.monotonic()
                child = start(
                    processes, RUNS[name], folder, slowed=dice.choice((0, 0.02, 0.02))
                )
                if kills < target:
                    hit, files = kill(child, folder, dice, life)
                    kills += hit
                    torn += [path.name for path in files if hit]
                    half += sum(is_half(path) for path in files if hit)
                child.join(120)
                words = folder.with_suffix(".log")
                assert child.exitcode in (0, -signal.SIGKILL), words.read_text()
                whole(folder)
                finished = child.exitcode == 0
                if finished:
                    life = time.monotonic() - began
            assert words.read_text() == ""  # no checkpoint was ever found damaged
            assert outcome(folder) == twins(name)
    print(
        f"{kills} kills in {starts} starts; {len(torn)} while a file was being written, "
        f"{half} of these leaving half a file of weights"
    )
    assert kills >= 50 and len(torn) >= 10 and half >= 3
    assert any(name.startswith(".step-") for name in torn)


class Died(BaseException):
    """The end of a process, as far as one process can play it."""


@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_end_at_every_single_write(moment, small, tmp_path, monkeypatch):
    """Death right before or right after each rename of a run's life, one
    life for each.
    """
    settings = config(steps=2, checkpoint_every=1, log_every=1, snapshots=(1,))
    run(settings, small, tmp_path / "twin")
    twin, rename, written = outcome(tmp_path / "twin"), os.replace, []
    for last in itertools.count(1):
        folder, calls = tmp_path / str(last), itertools.count(1)

        def dying(source, target, calls=calls, last=last):
            if (now := next(calls) == last) and moment == "before":
                raise Died
            rename(source, target)
            if now:
                written.append(target.name)
                raise Died

        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", dying)
            try:
                run(settings, small, folder)
                break  # no write was left to die at
            except Died:
                whole(folder)
        run(settings, small, folder)
        assert outcome(folder) == twin
    assert last == 9  # settings, twice history and checkpoint, snapshot, model, result
    if moment == "after":
        assert written[0] == "config.json" and written[-1] == "result.json"


# Disks


@pytest.fixture
def small_disk(tmp_path):
    """A function that mounts a tmpfs of so many MB, or mounts it again with other
    options.
    """
    folder, mounted = tmp_path / "disk", False
    folder.mkdir()

    def mount(options):
        nonlocal mounted
        options = f"remount,{options}" if mounted else options
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        try:
            done = subprocess.run(command, capture_output=True, text=True)
        except FileNotFoundError:
            pytest.skip("there is no mount command here")
        if done.returncode:
            pytest.skip(f"a tmpfs cannot be mounted here: {done.stderr.strip()}")
        mounted = True
        return folder

    yield mount
    if mounted:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk(small_disk, twins, small):
    """Room for two checkpoints, not for the next: they stay, and the run goes on from
    them.
    """
    folder = small_disk("size=12m") / "run"
    with pytest.raises(OSError) as error:
        run(RUNS["beta_vae"], small, folder)
    message = str(error.value)
    assert (
        "No space left on device" in message
        and str(folder) in message
        and "\n" not in message
    )
    assert temporaries(folder) == [] and not (folder / "result.json").exists()
    kept = checkpoints.checkpoints(folder / "checkpoints")
    assert [load_tensors(path)[1]["step"] for path in kept] == [4, 2]
    small_disk("size=200m")
    run(RUNS["beta_vae"], small, folder)
    assert outcome(folder) == twins("beta_vae")


def test_no_room_at_all(small_disk, small):
    folder = small_disk("size=4k") / "run"
    with pytest.raises(OSError, match="No space left on device") as error:
        run(RUNS["beta_vae"], small, folder)
    assert "\n" not in str(error.value) and str(folder) in str(error.value)


def test_a_read_only_folder(small_disk, twins, small):
    folder = small_disk("size=200m") / "run"
    for _ in train(RUNS["beta_vae"], small, folder):
        break
    small_disk("ro")
    with pytest.raises(OSError, match="Read-only file system") as error:
        run(RUNS["beta_vae"], small, folder)
    assert "\n" not in str(error.value) and str(folder) in str(error.value)
    small_disk("rw")
    run(RUNS["beta_vae"], small, folder)
    assert outcome(folder) == twins("beta_vae")


# Damage


def begun(settings, small, folder):
    """The two checkpoints of a run that was left, the latest first."""
    for _ in train(settings, small, folder):
        if len(kept := checkpoints.checkpoints(folder / "checkpoints")) == 2:
            return kept
    raise AssertionError("the run ended before it had two checkpoints")


def cut(path):
    os.truncate(path, path.stat().st_size // 3)


def empty(path):
    os.truncate(path, 0)


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 16
    path.write_bytes(content)


def replace_by_a_foreign_one(path):
    path.unlink()
    save_file({"weight": torch.ones(3)}, path)


@pytest.mark.parametrize(
    ("name", "damage", "damaged"),
    [
        ("beta_vae", cut, 1),
        ("beta_vae", empty, 1),
        ("beta_vae", flip_a_bit, 1),
        ("beta_vae", replace_by_a_foreign_one, 1),
        ("beta_vae", flip_a_bit, 2),
        ("factor_vae, muon, one cycle, no batch norm", flip_a_bit, 1),
    ],
)
def test_a_damaged_checkpoint_costs_its_steps_alone(
    name, damage, damaged, twins, small, tmp_path
):
    kept = begun(RUNS[name], small, tmp_path / "run")
    for path in kept[:damaged]:
        damage(path)
    with pytest.warns(UserWarning) as caught:
        run(RUNS[name], small, tmp_path / "run")
    words = [str(w.message) for w in caught]
    assert [line.split(": ")[0] for line in words] == [
        str(path) for path in kept[:damaged]
    ]
    assert "\n" not in "".join(words)
    assert outcome(tmp_path / "run") == twins(name)


def test_a_checkpoint_of_another_configuration_is_refused(small, tmp_path):
    kept = begun(RUNS["beta_vae"], small, tmp_path / "run")
    other = replace(RUNS["beta_vae"], beta=2.0)
    (tmp_path / "other" / "checkpoints").mkdir(parents=True)
    for path in kept:
        shutil.copy(path, tmp_path / "other" / "checkpoints")
    with pytest.raises(
        ValueError, match=r"another configuration \(beta 4.0, not 2.0\)"
    ) as error:
        run(other, small, tmp_path / "other")
    assert "\n" not in str(error.value)


def test_a_clock_that_is_set_back(twins, small, tmp_path, monkeypatch):
    """Files that claim to be of 1970 or of tomorrow, and a clock that runs backwards.

    Order comes from the steps in the names, durations from the monotonic clock.
    """
    older, latest = reversed(begun(RUNS["beta_vae"], small, tmp_path / "run"))
    os.utime(latest, (0, 0))
    os.utime(older, (time.time() + 86400,) * 2)
    clock = itertools.count(time.time(), -3600)
    monkeypatch.setattr(time, "time", lambda: next(clock))
    monkeypatch.setattr(time, "time_ns", lambda: int(1e9 * next(clock)))
    steps = []

    class Noting(Sprites):
        def to(self, device):
            return self

        def batch(self, index, device="cpu"):
            steps.append(len(index))
            return super().batch(index, device)

    run(RUNS["beta_vae"], Noting(small.packed, small.grid), tmp_path / "run")
    assert steps == [8, 16]  # step 7 alone, then the held-out images
    assert outcome(tmp_path / "run") == twins("beta_vae")
    seconds = [r["seconds"] for r in read_history(tmp_path / "run" / "history.csv")]
    assert seconds == sorted(seconds) and seconds[0] > 0
