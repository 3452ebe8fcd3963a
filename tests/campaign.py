"""A campaign of kills: `python tests/campaign.py [--kills 500] [--minutes 60]`.

Runs, pages, their kernels, Snakemake's head and whole groups are ended by kill -9 and
SIGTERM at random moments of training, scoring, collecting, building and rendering, and
started again. What must hold after each start that was left alone: every finished run
ends in the bits of its twin, no finished file has changed, and nothing half-written is
left. The tests run a few of these; this prints how many were survived.
"""

import argparse
import collections
import hashlib
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil
from small_runs import attempt, config, outcome

from disentlib.files import MARK
from disentlib.paths import ROOT

STUDY = """title: Mini
grid: {model: [beta_vae], D: [2], seed: [0, 1]}
training: {steps: 6, batch_size: 8, log_every: 2, evaluation_images: 32, batch_norm: false, checkpoint_every: 2}
scoring: {train: 60, test: 30, batch_size: 4, n_estimators: 1, score_seeds: 1}
"""
RENDER = "from disentlib.sprites.table import load_sprites; load_sprites()"
NUMBERS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM)


def strays(*folders: Path) -> list[Path]:
    """Half-written files and scratch folders of ours."""
    return [path for folder in folders for path in folder.rglob(f"*{MARK}*")]


def digests(folder: Path) -> dict[str, str]:
    """What a run's folder holds that cost time, by its bytes; marks and words aside."""
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*.safetensors")
        if path.name == "model.safetensors"
        and path.with_name("result.json").exists()
        and MARK not in path.name
    }


def one_run(dice: random.Random, place: Path, settings: dict) -> Iterator[str]:
    """One run in a process of its own, hit until it is done: yields each kill."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torch._dynamo", "disentlib.training.loop"])
    folder, twin = place / "run", place / "twin"
    chosen = config(**settings)
    child = context.Process(target=attempt, args=(chosen.to_dict(), twin))
    began = time.monotonic()
    child.start()
    child.join()
    life, wanted, kills = time.monotonic() - began, end_of(twin), 0
    while True:
        slowed = dice.choice((0, 0.02))
        child = context.Process(target=attempt, args=(chosen.to_dict(), folder, slowed))
        child.start()
        if kills < 40:
            child.join(dice.uniform(0, life))
            number = dice.choice(NUMBERS)
            with suppress(ProcessLookupError):
                os.kill(child.pid, number)
        child.join(300)
        if child.exitcode == 0:
            break
        kills += 1
        yield f"run: {signal.Signals(abs(child.exitcode) % 128).name}"
    if end_of(folder) != wanted:
        raise AssertionError(f"{folder} is not its twin {twin}")
    if left := strays(folder):
        raise AssertionError(f"left behind: {left}")


def end_of(folder: Path) -> dict:
    """All that a run left, but for the words on where it was made."""
    found = outcome(folder)
    del found["result"]["provenance"]
    return found


def hit_tree(dice: random.Random, process: subprocess.Popen) -> str:
    """End the head, the kernel, something below, or all of it at once."""
    head = psutil.Process(process.pid)
    below = head.children(recursive=True)
    whom = dice.choice(("head", "below", "kernel", "group"))
    kernels = [p for p in below if "ipykernel_launcher" in " ".join(p.cmdline())]
    aims = {"head": [head], "group": [head, *below]}
    aims |= {"below": below and [dice.choice(below)], "kernel": kernels[:1]}
    aims = aims[whom] or [head]
    number = dice.choice(NUMBERS)
    for aim in aims:
        with suppress(psutil.NoSuchProcess):
            aim.send_signal(number)
    return f"{whom}: {signal.Signals(number).name}"


def commands(
    dice: random.Random,
    what: str,
    command: list[str],
    folder: Path,
    environment: dict[str, str],
    done: Callable[[], bool],
    kills: int,
) -> Iterator[str]:
    """A command, started and hit `kills` times, and then left alone to its end."""
    life, kept = 30.0, digests(folder)
    for number in range(kills + 8):
        with (folder / "words.log").open("ab") as words:
            process = subprocess.Popen(
                command, cwd=folder, env=environment, stdout=words, stderr=words
            )
        began = time.monotonic()
        if number < kills:
            with suppress(subprocess.TimeoutExpired):
                process.wait(dice.uniform(0.5, life))
            if process.poll() is None:
                with suppress(psutil.NoSuchProcess):
                    yield f"{what}, {hit_tree(dice, process)}"
        process.wait()
        orphans_end(folder)
        for path, digest in kept.items():
            if hashlib.sha256(Path(path).read_bytes()).hexdigest() != digest:
                raise AssertionError(f"{path} has changed")
        kept = digests(folder)
        if process.returncode == 0:
            life = max(5.0, time.monotonic() - began)
            if number >= kills and done():
                return
        unlock = [sys.executable, "-m", "snakemake", "--unlock", "-c1"]
        if "snakemake" in command:
            subprocess.run(
                [*unlock, "--config", "study=mini"],
                cwd=folder, env=environment, capture_output=True,
            )  # fmt: skip
    raise AssertionError(f"{what} does not end: see {folder / 'words.log'}")


def orphans_end(folder: Path) -> None:
    """Wait for what a killed head has left at work in `folder`."""
    while True:
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                words = " ".join(process.cmdline())
                if process.cwd() == str(folder) and "disentlib" in words:
                    found.append(process)
        if not found:
            return
        time.sleep(0.2)


def repository(place: Path) -> Path:
    """A copy of what a sweep needs."""
    folder = place / "a repository"
    folder.mkdir()
    for name in ("disentlib", "notebooks", "book", "studies"):
        hide = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=hide)
    for name in ("Snakefile", "_config.yml", "_toc.yml"):
        shutil.copy(ROOT / name, folder / name)
    (folder / "studies" / "mini.yml").write_text(STUDY)
    return folder


def sweep(dice: random.Random, place: Path, kills: int) -> Iterator[str]:
    """Snakemake over a study of two runs: training, scoring and collecting."""
    folder = repository(place)
    environment = surroundings(place, folder)
    command = [sys.executable, "-m", "snakemake", "table", "-c1", "--rerun-incomplete"]
    command += ["--config", "study=mini"]
    table = folder / "results" / "mini" / "table.csv"
    yield from commands(
        dice, "sweep", command, folder, environment, table.exists, kills
    )
    if left := strays(folder, place / "temporary"):
        raise AssertionError(f"left behind: {left}")


def render(dice: random.Random, place: Path, kills: int) -> Iterator[str]:
    """The rendering of the sprites into their cache, 377 MB."""
    folder = place / "render"
    folder.mkdir()
    environment = surroundings(place, ROOT) | {"DISENTLIB_CACHE": str(folder / "cache")}
    command = [sys.executable, "-c", RENDER]
    whole = lambda: len([*(folder / "cache").glob("dsprites-*.npy")]) == 1  # noqa: E731
    yield from commands(dice, "render", command, folder, environment, whole, kills)
    if left := strays(folder):
        raise AssertionError(f"left behind: {left}")


def surroundings(place: Path, library: Path) -> dict[str, str]:
    """The environment of a command, whose temporary files are looked at afterwards."""
    (place / "temporary").mkdir(exist_ok=True)
    own = {"PYTHONPATH": str(library), "TMPDIR": str(place / "temporary")}
    return os.environ | own | {"OMP_NUM_THREADS": "1"}


def campaign(
    kills: int, minutes: float, seed: int = 0, only: str = ""
) -> collections.Counter[str]:
    """So many kills, or as many as the minutes allow; how many of each kind."""
    dice, counts, end = random.Random(seed), collections.Counter(), None
    end = time.monotonic() + 60 * minutes
    runs = [{}, {"model": "factor_vae", "steps": 5}]
    runs += [{"snapshots": (3, 6), "average": 0.9}]
    named: list[tuple[str, Callable[[Path], Iterator[str]]]] = [
        *(("run", partial(one_run, dice, settings=settings)) for settings in runs),
        ("sweep", partial(sweep, dice, kills=12)),
        ("render", partial(render, dice, kills=6)),
    ]
    kinds = [kind for name, kind in named if only in ("", name)]
    rounds = 0
    while counts.total() < kills and time.monotonic() < end:
        kind = kinds[rounds % len(kinds)]
        rounds += 1
        with tempfile.TemporaryDirectory(prefix="campaign-") as place:
            for hit in kind(Path(place).resolve()):
                counts[hit] += 1
                print(f"{counts.total():4d} {hit}", flush=True)
    return counts


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--only", choices=("run", "sweep", "render"), default="")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    counts = campaign(given.kills, given.minutes, given.seed, given.only)
    for hit, count in sorted(counts.items()):
        print(f"{count:5d} {hit}")
    print(f"{counts.total()} kills survived")


if __name__ == "__main__":
    main()
