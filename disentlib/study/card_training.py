"""Training on a card: runs in stacks or alone, scored while the next ones train."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

from disentlib.files import write_json
from disentlib.models.networks import VAE
from disentlib.scoring.table import models_of
from disentlib.sprites.table import Sprites, train_test_split
from disentlib.study.card_scores import Scorer, steps_scored
from disentlib.study.plan import Run, Study
from disentlib.training import history
from disentlib.training.configuration import TrainingConfig
from disentlib.training.evaluation import held_out_index, held_out_losses
from disentlib.training.folder import RunFolder, finished_steps, locked
from disentlib.training.loop import train
from disentlib.training.machine import prepare_torch
from disentlib.training.outcome import keep_result
from disentlib.training.same import STEPS_MATTER
from disentlib.training.stack import stackable, without_free
from disentlib.training.state import State
from disentlib.training.together import train_together
from disentlib.training.trained import load_model

MOST = 16  # runs of a stack
Job = tuple[Study, Run]


def stacks(jobs: Sequence[Job]) -> Iterator[list[Job]]:
    """Jobs that can train together, in the order in which their first one is asked
    for; one that only trains alone is a stack of its own, those done are left out.
    """
    groups: dict[tuple[str, bool, TrainingConfig], list[Job]] = {}
    for study, run in jobs:
        if finished_steps(RunFolder(study.folder(run))) >= run.config.steps:
            continue
        alike = without_free(run.config)
        together = trains_in_stacks((study, run))
        groups.setdefault((study.name, together, alike), []).append((study, run))
    for (_, together, _), group in groups.items():
        most = MOST if together else 1
        for first in range(0, len(group), most):
            yield group[first : first + most]


def trains_in_stacks(job: Job) -> bool:
    """Whether a run can be one of a stack, each of whose snapshots is a run planned
    that long: not on a schedule that depends on the number of steps, nor where it can
    go on from a checkpoint of its own.
    """
    study, run = job
    begun = any(RunFolder(study.folder(run)).checkpoints.glob("step-*"))
    ends = run.config.schedule in STEPS_MATTER and run.config.snapshots
    return stackable([run.config]) and not ends and not begun


def train_stack(
    jobs: list[Job],
    sprites: Sprites,
    scorer: Scorer,
    is_over: Callable[[], bool],
    share: float,
) -> None:
    """Train one stack, leaving a finished run behind at each snapshot."""
    configs = [run.config for _, run in jobs]
    prepare_torch(configs[0])
    _, test_index = train_test_split(configs[0].split_seed, size=sprites.grid.size)
    held_out = held_out_index(test_index, configs[0])

    lost: list[str] = []

    def keep(i: int, state: State, network: VAE, source: str) -> None:
        study, run = jobs[i]
        files = RunFolder(study.folder(run))
        try:
            if state.step <= finished_steps(files):
                return  # an earlier session went as far
            judge = state.discriminator
            losses = held_out_losses(network, judge, sprites, held_out, run.config)
            evaluated, besides = (network, losses), {"together": len(jobs)}
            with locked(files.path):
                if not keep_as_finished(
                    files, state, run.config, evaluated, source, besides
                ):
                    return
        except (RuntimeError, ValueError, OSError, ArithmeticError) as error:
            # A full disk, say, or no more numbers: the others go on.
            lost.append(f"{study.name} {run.key} is not kept at step {state.step}")
            print(f"{lost[-1]}: {error}", file=sys.stderr, flush=True)
            return
        scorer.score(study, run, state.step, network)

    with closing(train_together(configs, sprites, keep, share)) as steps:
        for step in steps:
            if is_over():
                name = f"{jobs[0][0].name} {jobs[0][1].key}"
                print(f"{name}: time is up at {step}", flush=True)
                break
    if lost:
        raise RuntimeError("; ".join(lost))


def keep_as_finished(
    files: RunFolder,
    state: State,
    config: TrainingConfig,
    evaluated: tuple[VAE, dict[str, Any]],
    source: str,
    besides: dict[str, Any],
) -> bool:
    """Leave in the folder what `train` leaves of a run planned for as many steps as the
    state has; False where another process has come as far meanwhile.

    Whose folder it is was looked at before. Each file takes the place of an earlier one
    once it is whole, the result last.
    """
    stands = finished_steps(files)
    if state.step <= stands:
        return False
    if not stands or not files.scored_how.exists():
        files.scores.unlink(missing_ok=True)  # nobody knows of which model
    for step, path in files.kept_on_the_way().items():
        if step > stands:  # of a training that was given up: it has no checkpoint
            path.unlink()
    reached = shortened(config, state.step)
    write_json(files.configuration, reached.to_dict())
    history.write_history(files.history, state.records, config.D)
    keep_result(state, files, reached, evaluated, source, besides)
    return True


def train_alone(
    job: Job, sprites: Sprites, scorer: Scorer, is_over: Callable[[], bool]
) -> None:
    """Train one run by itself, as `make study` does, and have its snapshots scored."""
    study, run = job
    files, config = RunFolder(study.folder(run)), run.config
    for record in train(config, sprites, files.path):
        if is_over() and record["step"] < config.steps:
            left = "goes on from its last checkpoint, if it has one"
            print(f"{study.name} {run.key}: time is up; it {left}", flush=True)
            return
    score_snapshots(study, run, scorer)


def score_what_is_left(
    jobs: Sequence[Job], scorer: Scorer, is_over: Callable[[], bool]
) -> None:
    """Have scored what an earlier session trained and did not score; a run that cannot
    be read is named and costs the others nothing.
    """
    for study, run in jobs:
        if is_over():
            return
        try:
            if finished_steps(RunFolder(study.folder(run))):
                score_snapshots(study, run, scorer)
        except (ValueError, OSError) as error:
            print(f"not scored: {error}", file=sys.stderr, flush=True)


def score_snapshots(study: Study, run: Run, scorer: Scorer) -> None:
    """Have those snapshots of a finished run scored, and its end, whose scores are not
    in its table.
    """
    files = RunFolder(study.folder(run))
    there = steps_scored(files, study.scoring)
    for step, name in models_of(files):
        if step not in there:
            network = load_model(files.path, name).to(run.config.device)
            scorer.score(study, run, step, network)


def shortened(config: TrainingConfig, step: int) -> TrainingConfig:
    """The configuration of the same run planned for `step` steps."""
    kept = tuple(s for s in config.snapshots if s <= step)
    return replace(config, steps=step, snapshots=kept)
