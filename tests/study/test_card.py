"""Studies on a card: what is grouped, shortened, written and refused, without a card."""

import multiprocessing
import os
import signal
import time
from concurrent.futures import Future
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from small_runs import config, run
from small_runs import small as small

from disentlib.files import read_json, write_json
from disentlib.models.networks import VAE
from disentlib.scoring import Scored, Scoring, score_run
from disentlib.scoring.codes import encode
from disentlib.scoring.run import planned_rows, score_codes
from disentlib.scoring.table import models_of
from disentlib.sprites.grid import GRID
from disentlib.sprites.table import load_sprites
from disentlib.study import card, card_scores, card_training, plan
from disentlib.study.card import main
from disentlib.study.card_scores import sizes_at, write_scores
from disentlib.study.card_training import (
    MOST,
    score_what_is_left,
    shortened,
    stacks,
    train_alone,
    train_stack,
    trains_in_stacks,
)
from disentlib.study.collecting import check_scoring, has_scores
from disentlib.study.plan import Run, Study
from disentlib.training.energy import open_meter
from disentlib.training.folder import RunFolder, finished_steps
from disentlib.training.loop import train
from disentlib.training.trained import load_model


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "RUNS", tmp_path)
    return tmp_path


def jobs_of(*configs, name="one"):
    own = tuple(Run(f"v{i}", one) for i, one in enumerate(configs))
    study = Study(name, name, "", own, Scoring())
    return [(study, one) for one in own]


def scored(value, spread=np.nan):
    """Scores of a model of three dimensions: one row."""
    row = {"codes": "mean", "measure": "mig", "value": value, "spread": spread}
    return Scored(pd.DataFrame([row]), np.full((3, 5), 1 / 3))


def seeds_of(found):
    return [[one.config.seed for _, one in stack] for stack in found]


def test_stacks_differ_in_seed_and_weights_alone(runs):
    first, other, muon = config(seed=1), config(seed=1, D=4), config(optimizer="muon")
    alike = [replace(first, seed=2), replace(first, seed=3, beta=9.0, gamma=7.0)]
    jobs = jobs_of(first, other, muon, *alike) + jobs_of(first, name="two")
    assert seeds_of(stacks(jobs)) == [[1, 2, 3], [1], [0], [1]]
    found = list(stacks(jobs))
    assert found[1][0][1].config.D == 4 and found[3][0][0].name == "two"
    assert found[2][0][1].config.optimizer == "muon"


def test_what_only_trains_alone_is_a_stack_of_its_own(runs):
    jobs = jobs_of(*(config(optimizer="muon", seed=seed) for seed in range(3)))
    assert seeds_of(stacks(jobs)) == [[0], [1], [2]]


class Scorer:
    """Takes note of what it is to score."""

    scored = left = 0

    def __init__(self):
        self.asked = []

    def finish(self, seconds):
        pass

    def score(self, study, run, step, network):
        sizes = sizes_at(step, run.config, study)
        self.asked.append((step, network.D, sizes.score_seeds))


def test_a_run_that_trains_alone_is_scored_at_its_snapshots(runs, small):
    scorer, one = Scorer(), config(optimizer="muon", snapshots=(2,))
    (job,) = jobs_of(one)
    train_alone(job, small, scorer, is_over=lambda: False)
    assert scorer.asked == [(2, one.D, 1), (one.steps, one.D, 3)]


def test_a_run_that_trains_alone_keeps_a_checkpoint_when_time_is_up(
    runs, small, capsys
):
    scorer, one = Scorer(), config(optimizer="muon", checkpoint_every=2, log_every=2)
    (job,) = jobs_of(one)
    train_alone(job, small, scorer, is_over=lambda: True)
    assert "time is up" in capsys.readouterr().out and not scorer.asked
    files = RunFolder(job[0].folder(job[1]))
    assert not files.result.exists() and any(files.checkpoints.iterdir())
    train_alone(job, small, scorer, is_over=lambda: False)  # it goes on
    assert scorer.asked == [(one.steps, one.D, 3)]


def test_stacks_leave_out_what_is_done_and_stay_small(runs):
    jobs = jobs_of(*(config(seed=seed) for seed in range(MOST + 3)))
    for (study, one), step in zip(jobs[1:3], (7, 6)):  # of 7 steps
        write_json(RunFolder(study.folder(one)).result, {"step": step})
        RunFolder(study.folder(one)).model().touch()
    seeds = [0, *range(2, MOST + 3)]
    assert seeds_of(stacks(jobs)) == [seeds[:MOST], seeds[MOST:]]


def test_a_shortened_run_is_the_run_planned_that_long():
    long = config(steps=20, snapshots=(2, 5, 10))
    assert shortened(long, 5) == config(steps=5, snapshots=(2, 5))
    assert shortened(long, 20) == long


def test_scores_are_written_as_score_run_has_them(runs, small):
    (job,) = jobs_of(config(snapshots=(2,)))
    files = RunFolder(job[0].folder(job[1]))
    run(job[1].config, small, files.path)
    half, end = scored(0.25), scored(0.5, 0.1)
    write_scores(*job, [(7, end), (2, half)], small)
    table = pd.read_csv(files.scores, keep_default_na=False)
    assert list(table.columns) == ["step", "codes", "measure", "value", "spread"]
    mig = table[table["measure"] == "mig"]
    assert [*zip(mig["step"], mig["value"], mig["spread"])] == [
        (2, 0.25, ""),
        (7, 0.5, "0.1"),
    ]
    kl = table[table["measure"] == "held_out_kl"]
    assert list(kl["step"]) == [2, 7] and kl["value"].nunique() == 2
    assert files.pictures.exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["desk", "--minutes", "-1"], "minutes=-1.0 must be"),
        (["desk", "--at-once", "0"], "at-once=0 must be"),
        (["desk", "--patience", "-1"], "patience=-1.0 must be"),
        (["desk", "--workers", "0"], "workers=0 must be"),
        (["desk", "--device", "cuda:999"], "'cuda:999' is not here"),
        (["desks", "--device", "cpu"], "study 'desks' is unknown"),
    ],
)
def test_bad_words_end_in_one_line(words, message, capsys):
    assert main(words) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1 and said.startswith("error: ")


def test_the_precision_is_the_studys_unless_one_is_asked_for(monkeypatch):
    monkeypatch.setattr(card, "chosen_precision", lambda device: "bfloat16")
    found = {}
    for words in ([], ["--precision", "auto"], ["--precision", "tf32"]):
        settings = card.machine(card.parser().parse_args(["desk", *words]))
        found[" ".join(words)] = settings.get("precision")
        assert plan.load_study("desk", **settings).runs[0].config.compile
    assert [*found.values()] == [None, "bfloat16", "tf32"]


@pytest.fixture
def scorer(small, tmp_path):
    (tmp_path / "spool").mkdir()
    one = card_scores.Scorer(small, 1, tmp_path / "spool")
    yield one
    one.finish(0.0)


TINY = Scoring(
    train=20, test=10, batch_size=2, n_estimators=1, score_seeds=1, rotations=1
)


def wait_for(condition):
    end = time.monotonic() + 200
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def of_tiny_scores(**changes):
    """A run whose seed, which decides the rotations, is not the first."""
    one = Run("v0", config(D=2, seed=5, batch_norm=False, **changes))
    return Study("one", "one", "", (one,), TINY), one


def test_codes_that_the_card_encoded_are_scored_as_the_posterior_is(runs, tmp_path):
    sprites, network = load_sprites(), VAE(2, batch_norm=False).eval()
    with torch.no_grad():  # dimensions in use, whose scores rotations change
        network.mean.weight *= 1000
    scorer, done = card_scores.Scorer(sprites, 1, tmp_path), Future()
    scorer._pool = SimpleNamespace(submit=lambda job: done.set_result(job()) or done)
    scorer.score(*of_tiny_scores(steps=1), 1, network)
    posterior = encode(network, sprites, planned_rows(GRID, TINY))
    want = score_codes(posterior, GRID, TINY, run=5)
    ((*_, got),) = scorer._waiting
    pd.testing.assert_frame_equal(got.result().table, want.table)
    assert np.array_equal(got.result().importances, want.importances)
    assert not [*tmp_path.glob("*.npy")]


@pytest.mark.slow
def test_a_session_leaves_the_scores_that_score_run_does(runs, tmp_path):
    sprites, (study, one) = load_sprites(), of_tiny_scores(steps=1)
    folder = study.folder(one)
    run(one.config, sprites, folder)
    want = score_run(folder, TINY, sprites)
    RunFolder(folder).scores.unlink()
    scorer = card_scores.Scorer(sprites, 1, tmp_path)
    scorer.score(study, one, 1, load_model(folder))
    scorer.finish(300.0)
    assert (scorer.scored, scorer.left) == (1, 0)
    got = pd.read_csv(RunFolder(folder).scores).fillna({"codes": ""})
    kinds = ["step", "codes", "measure"]
    both = want.merge(got, on=kinds, suffixes=("", "_got"))
    assert len(both) == len(got) > 40  # all but what the reader sees
    np.testing.assert_allclose(both["value_got"], both["value"], rtol=1e-5)


def test_a_session_that_ends_stops_its_own_workers_alone(scorer):
    """Not those of another pool of the process."""
    process = multiprocessing.get_context("spawn").Process
    (other := process(target=time.sleep, args=(300,))).start()
    scorer._pool.submit(time.sleep, 300)
    (worker,) = scorer._pool._processes.values()
    scorer.finish(0.0)
    worker.join(60)
    other.join(0.5)  # longer than a signal takes
    assert not worker.is_alive() and other.is_alive()
    other.kill()
    other.join()


def test_a_score_that_fails_costs_the_others_nothing(scorer, runs, monkeypatch, capsys):
    done, broken, written = Future(), Future(), []
    done.set_result("scored")
    broken.set_exception(MemoryError("no room"))

    def write(study, run, parts, sprites):
        if run.config.seed == 1:
            raise OSError("no space left")
        written.append(parts)

    monkeypatch.setattr(card_scores, "write_scores", write)
    jobs = jobs_of(*(config(seed=seed) for seed in range(3)))
    ends = zip(jobs, (broken, done, done))
    scorer._waiting = [(*job, 2, end) for job, end in ends]
    scorer.finish(1.0)
    assert (scorer.scored, scorer.left, written) == (1, 2, [[(2, "scored")]])
    said = capsys.readouterr().err
    assert "seed0, step 2: not scored, MemoryError" in said
    assert "seed1: not scored, OSError" in said


def test_a_dead_worker_is_replaced_and_training_goes_on(
    scorer, runs, monkeypatch, capsys
):
    monkeypatch.setattr(scorer, "_encoded", lambda *_: runs / "not there")
    (job,) = jobs_of(config())
    scorer._pool.submit(os.kill, 0, 0).result()
    (worker,) = scorer._pool._processes.values()
    dead = scorer._pool
    worker.kill()
    wait_for(lambda: dead._broken)
    scorer.score(*job, 7, None)
    assert scorer._pool is not dead and len(scorer._waiting) == 1

    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr(scorer, "_encoded", full)
    scorer.score(*job, 7, None)
    assert scorer.left == 1 and "seed0, step 7: not scored" in capsys.readouterr().err


def test_a_stack_that_fails_stops_no_other_and_ends_in_an_error(
    runs, small, monkeypatch, capsys
):
    trained = []

    def fails_once(stack, *_):
        trained.append(stack)
        if len(trained) == 1:
            raise OSError("no space left")

    monkeypatch.setattr(card, "Scorer", lambda *_: Scorer())
    monkeypatch.setattr(card, "load_sprites", lambda: small)
    monkeypatch.setattr(card, "train_stack", fails_once)
    jobs = jobs_of(config(), config(D=4))
    with pytest.raises(RuntimeError, match="1 of the stacks failed"):
        card.train_on_card(jobs, minutes=1.0, at_once=1, workers=1)
    assert len(trained) == 2
    assert "one of v0/" in capsys.readouterr().err


def test_a_session_trains_for_as_many_minutes_as_it_is_given(runs, small, monkeypatch):
    """By a clock that the first of two stacks moves."""
    clock, trained = [1000.0], []

    def told(stack, *_):
        trained.append(stack)
        clock[0] += 61.0

    monkeypatch.setattr(card.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(card, "Scorer", lambda *_: Scorer())
    monkeypatch.setattr(card, "load_sprites", lambda: small)
    monkeypatch.setattr(card, "train_stack", told)
    jobs = jobs_of(config(), config(D=4))
    for minutes, stacks_trained in ((0.0, 0), (1.0, 1), (2.0, 2)):
        trained.clear()
        card.train_on_card(jobs, minutes, at_once=1, workers=1)
        assert len(trained) == stacks_trained


def test_time_is_up_when_sigterm_comes_and_what_is_scored_is_kept(
    runs, small, monkeypatch
):
    seen, given = [], []

    class Quiet(Scorer):
        def finish(self, seconds):
            seen.append(seconds)

    def told(stack, sprites, scorer, is_over, share):
        os.kill(os.getpid(), signal.SIGTERM)
        wait_for(is_over)

    monkeypatch.setattr(card, "Scorer", lambda *_: Quiet())
    monkeypatch.setattr(card, "load_sprites", lambda: small)
    monkeypatch.setattr(card, "train_stack", told)
    before = signal.signal(signal.SIGTERM, lambda *_: given.append(1))
    try:
        jobs = jobs_of(config(), config(D=4))
        card.train_on_card(jobs, minutes=1.0, at_once=1, workers=1)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert seen == [0.0] and given == [1]


def test_a_stack_leaves_runs_of_its_own_that_say_where_their_joules_are_from(
    runs, small
):
    first = config(batch_norm=False, snapshots=(3,), steps=5)
    jobs, scorer = jobs_of(first, replace(first, seed=1)), Scorer()
    score_what_is_left(jobs, scorer, lambda: False)
    assert scorer.asked == []
    train_stack(jobs, small, scorer, lambda: False, 1.0)
    assert scorer.asked == [(3, 3, 1), (3, 3, 1), (5, 3, 3), (5, 3, 3)]
    for study, one in jobs:
        folder = study.folder(one)
        assert finished_steps(RunFolder(folder)) == 5 and load_model(folder, 3).D == 3
        result = read_json(RunFolder(folder).result)
        assert result["energy_source"] == f"{open_meter()[0]}, shared"
        assert result["together"] == 2
    RunFolder(study.folder(jobs[0][1])).scores.write_text("step\n3\n5\n")
    RunFolder(study.folder(jobs[1][1])).scores.write_text("step\n3\n")
    scorer = Scorer()
    # Of a session that ended before all was scored.
    score_what_is_left(jobs, scorer, lambda: False)
    assert scorer.asked == [(5, 3, 3)] and not list(stacks(jobs))


def test_a_session_that_comes_less_far_takes_nothing_back(runs, small, capsys):
    one = config(batch_norm=False, snapshots=(3, 5), steps=7, log_every=1)
    jobs = jobs_of(one, replace(one, seed=1))
    for most in (5, 3):
        over = iter([False] * (most - 1) + [True])
        train_stack(jobs, small, Scorer(), over.__next__, 1.0)
        for study, own in jobs:
            files = RunFolder(study.folder(own))
            assert read_json(files.result)["step"] == 5
            assert [step for step, _ in models_of(files)] == [3, 5]


def test_a_cycle_with_snapshots_trains_alone(runs):
    """Half of a cycle is no run planned that long."""
    cycle = config(schedule="one_cycle", batch_norm=False)
    whole, cut = jobs_of(cycle, replace(cycle, snapshots=(3,)))
    assert trains_in_stacks(whole) and not trains_in_stacks(cut)


def test_a_run_that_was_begun_alone_goes_on_alone(runs, small):
    one = config(batch_norm=False, checkpoint_every=2, log_every=2, steps=4)
    jobs = jobs_of(one, replace(one, seed=1), replace(one, seed=2))
    study, begun = jobs[1]
    for record in train(begun.config, small, study.folder(begun)):
        if record["step"] == 2:
            break
    assert seeds_of(stacks(jobs)) == [[0, 2], [1]]


def test_a_run_that_cannot_be_read_costs_no_other_its_scores(runs, small, capsys):
    first = config(batch_norm=False, steps=2)
    jobs, scorer = jobs_of(first, replace(first, seed=1)), Scorer()
    train_stack(jobs, small, scorer, lambda: False, 1.0)
    study, one = jobs[0]
    RunFolder(study.folder(one)).model().write_bytes(b"damaged")
    scorer = Scorer()
    score_what_is_left(jobs, scorer, lambda: False)
    assert scorer.asked == [(2, 3, 3)]
    assert "not scored: " in capsys.readouterr().err


def test_a_session_that_goes_further_keeps_what_was_scored(runs, small):
    """Rows, models and the running study's right to know what is not scored yet."""
    one = config(batch_norm=False, snapshots=(3,), steps=5)
    (job,) = jobs = jobs_of(one)
    files = RunFolder(job[0].folder(job[1]))
    train_stack(jobs, small, Scorer(), lambda: False, 1.0)
    part = scored(0.5)
    write_scores(*job, [(3, part), (5, part)], small)
    assert has_scores(files)
    (later,) = further = jobs_of(replace(one, steps=7, snapshots=(3, 5)))
    scorer = Scorer()
    train_stack(further, small, scorer, lambda: False, 1.0)
    assert scorer.asked == [(7, 3, 3)] and not has_scores(files)
    assert [step for step, _ in models_of(files)] == [3, 5, 7]
    scorer = Scorer()
    score_what_is_left(further, scorer, lambda: False)
    assert scorer.asked == [(7, 3, 3)]
    write_scores(*later, [(7, part)], small)
    assert has_scores(files)
    mig = pd.read_csv(files.scores).query("measure == 'mig'")
    assert list(mig["step"]) == [3, 5, 7] and set(mig["codes"]) == {"mean"}
    write_scores(*later, [(5, part), (6, part)], small)  # 6 is of no model
    assert has_scores(files) and set(pd.read_csv(files.scores)["step"]) == {3, 5, 7}
    check_scoring(*job)
    more = replace(job[0], scoring=Scoring(train=900))  # scored otherwise: rows go
    write_scores(more, later[1], [(7, part)], small)
    assert set(pd.read_csv(files.scores)["step"]) == {7}
    with pytest.raises(ValueError, match="not scored as study one says"):
        check_scoring(*job)


def test_where_time_ended_at_a_snapshot_its_scores_say_that_they_are_of_one_draw(
    runs, small
):
    """The study's settings stand beside: collecting and later sessions ask for those."""
    one = config(batch_norm=False, snapshots=(3,), steps=5, log_every=1)
    (job,) = jobs = jobs_of(one)
    over = iter([False, False, True])
    train_stack(jobs, small, Scorer(), over.__next__, 1.0)
    write_scores(*job, [(3, scored(0.5))], small)
    said = read_json(RunFolder(job[0].folder(job[1])).scored_how)
    assert said["scoring"]["score_seeds"] == 3
    assert (said["end"]["score_seeds"], said["end"]["rotations"]) == (1, 0)
    check_scoring(*job)


def test_scores_that_could_not_be_written_are_none(runs, small, monkeypatch):
    one = config(batch_norm=False, steps=3)
    (job,) = jobs = jobs_of(one)
    files = RunFolder(job[0].folder(job[1]))
    train_stack(jobs, small, Scorer(), lambda: False, 1.0)
    part = scored(0.5)
    write_scores(*job, [(3, part)], small)
    (later,) = further = jobs_of(replace(one, steps=5))
    train_stack(further, small, Scorer(), lambda: False, 1.0)

    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr("disentlib.scoring.table.save_pictures", full)
    with pytest.raises(OSError, match="no space left"):
        write_scores(*later, [(5, part)], small)
    assert not has_scores(files) and set(pd.read_csv(files.scores)["step"]) == {3}


def test_a_snapshot_of_a_training_that_was_given_up_is_replaced(runs, small):
    one = config(batch_norm=False, snapshots=(3,), steps=5)
    (job,) = jobs = jobs_of(one)
    files = RunFolder(job[0].folder(job[1]))
    files.path.mkdir(parents=True)
    files.model(3).write_bytes(b"another's")
    train_stack(jobs, small, Scorer(), lambda: False, 1.0)
    assert load_model(files.path, 3).D == 3


def test_what_cannot_be_kept_is_named_and_an_error_in_the_end(
    runs, small, monkeypatch, capsys
):
    one = config(batch_norm=False, snapshots=(3,), steps=5)
    jobs = jobs_of(one, replace(one, seed=1))

    def full(files, *_):
        if files.path.name == "seed1":
            raise OSError("no space left")
        return True

    monkeypatch.setattr(card_training, "keep_as_finished", full)
    scorer = Scorer()
    with pytest.raises(
        RuntimeError, match=r"seed1 is not kept at step 3; one v1.*at step 5"
    ):
        train_stack(jobs, small, scorer, lambda: False, 1.0)
    assert [step for step, *_ in scorer.asked] == [3, 5]
    assert "seed1 is not kept at step 3: no space left" in capsys.readouterr().err


def test_scores_of_snapshots_alone_are_not_taken_for_the_runs(runs, small):
    jobs = jobs_of(config(batch_norm=False, snapshots=(3,), steps=5))
    train_stack(jobs, small, Scorer(), lambda: False, 1.0)
    files = RunFolder(jobs[0][0].folder(jobs[0][1]))
    part = scored(0.5)
    write_scores(*jobs[0], [(3, part)], small)
    assert not has_scores(files) and not files.pictures.exists()


def test_a_damaged_result_ends_in_one_line_before_anything_is_trained(
    runs, small, monkeypatch
):
    jobs = jobs_of(config(), config(D=4))
    files = RunFolder(jobs[0][0].folder(jobs[0][1]))
    write_json(files.result, {"step": "x"})
    files.model().touch()
    monkeypatch.setattr(card, "load_sprites", lambda: small)
    with pytest.raises(ValueError, match=r"result\.json: step 'x' is none"):
        card.train_on_card(jobs, minutes=1.0, at_once=2, workers=1)


def test_ctrl_c_stops_the_stacks_too(runs, small, monkeypatch):
    ended = []

    def told(stack, sprites, scorer, is_over, share):
        time.sleep(0.2)  # until the main thread waits
        os.kill(os.getpid(), signal.SIGINT)
        wait_for(is_over)
        ended.append(share)

    monkeypatch.setattr(card, "Scorer", lambda *_: Scorer())
    monkeypatch.setattr(card, "load_sprites", lambda: small)
    monkeypatch.setattr(card, "train_stack", told)
    jobs = jobs_of(config(), config(D=4))
    with pytest.raises(KeyboardInterrupt):
        card.train_on_card(jobs[:1], minutes=1.0, at_once=2, workers=1)
    assert ended == [1.0]  # one stack has the card for itself
