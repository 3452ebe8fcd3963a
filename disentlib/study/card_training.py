"""Training on a card: runs in stacks or alone, scored while the next ones train."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from disentlib.files import write_json
from disentlib.models.networks import VAE
from disentlib.scoring.run import snapshots
from disentlib.scoring.sizes import Scoring
from disentlib.sprites.table import Sprites, train_test_split
from disentlib.study.card_scores import Scorer, steps_scored
from disentlib.study.plan import Run, Study
from disentlib.training import history
from disentlib.training.checkpoints import STEPS_MATTER
from disentlib.training.configuration import TrainingConfig
from disentlib.training.evaluation import held_out_index, held_out_losses
from disentlib.training.folder import (
    RunFolder,
    finished_steps,
    load_model,
    locked,
)
from disentlib.training.loop import train
from disentlib.training.machine import prepare_torch
from disentlib.training.outcome import keep_earlier_model, result_of, save_model
from disentlib.training.stack import stackable, without_free
from disentlib.training.state import State
from disentlib.training.together import train_together

MOST = 16  # runs of a stack
Job = tuple[Study, Run]


def stacks(jobs: Sequence[Job]) -> Iterator[list[Job]]:
    """Jobs that can train together, in the order in which their first one is asked
    for; one that only trains alone is a stack of its own, those done are left out.
    """
    groups: dict[tuple[str, TrainingConfig], list[Job]] = {}
    for study, run in jobs:
        if finished_steps(RunFolder(study.folder(run))) >= run.config.steps:
            continue
        alike = without_free(run.config)
        groups.setdefault((study.name, alike), []).append((study, run))
    for group in groups.values():
        most = MOST if trains_in_stacks(group[0][1].config) else 1
        for first in range(0, len(group), most):
            yield group[first : first + most]


def trains_in_stacks(config: TrainingConfig) -> bool:
    """Whether a run can be one of a stack, each of whose snapshots is a run planned
    that long: not on a schedule that depends on the number of steps.
    """
    ends = config.schedule in STEPS_MATTER and config.snapshots
    return stackable([config]) and not ends


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

    def keep(i: int, state: State, network: VAE, source: str) -> None:
        study, run = jobs[i]
        files, config = RunFolder(study.folder(run)), configs[i]
        try:
            if state.step <= finished_steps(files):
                return  # an earlier session went as far
            judge = state.discriminator
            losses = held_out_losses(network, judge, sprites, held_out, config)
            reached = shortened(config, state.step)
            content = result_of(state, network, losses, reached, source)
            content["together"] = len(jobs)
            model = network, state.step, losses, reached
            with locked(files.path):
                if not keep_as_finished(files, state, model, content):
                    return
        except (RuntimeError, ValueError, OSError, ArithmeticError) as error:
            # A full disk, say, or no more numbers: the others go on.
            print(f"{error}; step {state.step} is not kept", file=sys.stderr)
            return
        sizes = sizes_at(state.step, config, study)
        scorer.score(files.path, state.step, network, sizes)

    for step in train_together(configs, sprites, keep, share):
        if is_over():
            print(
                f"{jobs[0][0].name} {jobs[0][1].key}: time is up at {step}", flush=True
            )
            return


def keep_as_finished(
    files: RunFolder,
    state: State,
    model: tuple[VAE, int, dict[str, Any], TrainingConfig],
    content: dict[str, Any],
) -> bool:
    """Leave in the folder what `train` leaves of a run planned for as many steps as the
    state has: `model` as `save_model` takes it, `content` of the result. False where
    another process has come as far meanwhile.

    Whose folder it is was looked at before. Each file takes the place of an earlier one
    once it is whole, the result last.
    """
    stands = finished_steps(files)
    if state.step <= stands:
        return False
    if not stands or not files.scored_how.exists():
        files.scores.unlink(missing_ok=True)  # nobody knows of which model
    keep_earlier_model(files, state.step)
    config = model[-1]
    write_json(files.configuration, config.to_dict())
    history.write_history(files.history, state.records, config.D)
    save_model(files.model(), *model)
    write_json(files.result, content)
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
    there = steps_scored(files)
    for step, name in snapshots(files):
        if step in there:
            continue
        network = load_model(files.path, name).to(run.config.device)
        scorer.score(files.path, step, network, sizes_at(step, run.config, study))


def sizes_at(step: int, config: TrainingConfig, study: Study) -> Scoring:
    """How a snapshot is scored: on the way by one draw, then as the study says."""
    last = step == config.steps
    return study.scoring if last else replace(study.scoring, score_seeds=1, rotations=0)


def shortened(config: TrainingConfig, step: int) -> TrainingConfig:
    """The configuration of the same run planned for `step` steps."""
    kept = tuple(s for s in config.snapshots if s <= step)
    return replace(config, steps=step, snapshots=kept)
