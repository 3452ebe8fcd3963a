"""Studies on one card in minutes: runs trained together, scored by the processor beside
it.

    python -m disentlib.study.card desk weights --minutes 50

Runs that differ in seed and weights alone share every step (`training.together`), and
each snapshot is scored while the next is trained; what only trains alone (Muon) does
so beside them. What there is not time for is left out: a run ends at its last snapshot,
since at a constant rate one run serves every budget. Folders are as `make study` leaves
and finds them, but without the checkpoints of what trained together, pages and what the
reader sees in the pictures. SIGTERM is time that is up: what is scored by then is kept.
"""

import argparse
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from disentlib.checks import number, whole_number
from disentlib.commands import run_command
from disentlib.files import write_json
from disentlib.models.networks import VAE
from disentlib.scoring.run import snapshots
from disentlib.scoring.sizes import Scoring
from disentlib.sprites.table import Sprites, load_sprites, train_test_split
from disentlib.study.card_scores import Scorer
from disentlib.study.plan import Run, Study, check_folders, load_study
from disentlib.training import history
from disentlib.training.configuration import TrainingConfig
from disentlib.training.evaluation import held_out_index, held_out_losses
from disentlib.training.folder import RunFolder, claim, load_model, locked
from disentlib.training.loop import train
from disentlib.training.machine import check_device, chosen_precision, prepare_torch
from disentlib.training.outcome import result_of, save_model
from disentlib.training.sigterm import noticing_sigterm
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
        if RunFolder(study.folder(run)).result.exists():
            continue
        alike = without_free(run.config)
        groups.setdefault((study.name, alike), []).append((study, run))
    for group in groups.values():
        most = MOST if stackable([group[0][1].config]) else 1
        for first in range(0, len(group), most):
            yield group[first : first + most]


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
        last = state.step == config.steps
        judge = state.discriminator
        losses = held_out_losses(network, judge, sprites, held_out, config)
        reached = shortened(config, state.step)
        content = result_of(state, network, losses, reached, source)
        content["together"] = len(jobs)
        with locked(files.path):
            # Whose folder it is was looked at before; half a run is trained anew.
            files.result.unlink(missing_ok=True)
            files.configuration.unlink(missing_ok=True)
            claim(files.path, reached)
            history.write_history(files.history, state.records, config.D)
            model = (network, state.step, losses, reached)
            if not last:
                save_model(files.model(state.step), *model)
            save_model(files.model(), *model)
            write_json(files.result, content)
        sizes = sizes_at(state.step, config, study)
        scorer.score(files.path, state.step, network, sizes)

    for step in train_together(configs, sprites, keep, share):
        if is_over():
            print(
                f"{jobs[0][0].name} {jobs[0][1].key}: time is up at {step}", flush=True
            )
            return


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
    for step, name in snapshots(files):
        network = load_model(files.path, name).to(config.device)
        scorer.score(files.path, step, network, sizes_at(step, config, study))


def sizes_at(step: int, config: TrainingConfig, study: Study) -> Scoring:
    """How a snapshot is scored: by one draw on the way, by all of the study's last."""
    last = step == config.steps
    return study.scoring if last else replace(study.scoring, score_seeds=1)


def shortened(config: TrainingConfig, step: int) -> TrainingConfig:
    """The configuration of the same run planned for `step` steps."""
    kept = tuple(s for s in config.snapshots if s <= step)
    return replace(config, steps=step, snapshots=kept)


def train_on_card(
    jobs: Sequence[Job],
    minutes: float,
    at_once: int,
    workers: int,
    patience: float = 60.0,
) -> None:
    """Train as many of the jobs as there is time for, in their order, then wait up to
    `patience` seconds for their scores.
    """
    end = time.monotonic() + 60 * minutes
    on_card = load_sprites().to(jobs[0][1].config.device)
    scorer = Scorer(on_card, workers)
    queue, lock = stacks(jobs), threading.Lock()
    failed: list[str] = []

    def work(is_over: Callable[[], bool]) -> None:
        while not is_over():
            with lock:
                stack = next(queue, None)
            if stack is None:
                return
            started = time.monotonic()
            try:
                if stackable([run.config for _, run in stack]):
                    train_stack(stack, on_card, scorer, is_over, 1 / at_once)
                else:
                    train_alone(stack[0], on_card, scorer, is_over)
            except Exception as error:  # of whatever kind: other stacks go on
                names = ", ".join(run.key for _, run in stack)
                failed.append(names)
                print(f"one of {names}: {error}", file=sys.stderr, flush=True)
            took = time.monotonic() - started
            name = f"{stack[0][0].name} {stack[0][1].key} and {len(stack) - 1} more"
            print(f"{name}: {took:.0f} s", flush=True)

    with noticing_sigterm() as sigterm:

        def is_over() -> bool:
            return sigterm.is_set() or time.monotonic() > end

        threads = [
            threading.Thread(target=work, args=(is_over,)) for _ in range(at_once)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        left = scorer.finish(0.0 if sigterm.is_set() else patience)
        print(f"{len(scorer.waiting) - left} snapshots scored, {left} not", flush=True)
    if failed:
        raise RuntimeError(f"{len(failed)} of the stacks failed, see above")


def parser() -> argparse.ArgumentParser:
    """The words that the command knows."""
    words = argparse.ArgumentParser(
        prog="python -m disentlib.study.card",
        description="Train and score as much of studies on one card as time allows.",
        allow_abbrev=False,
    )
    words.add_argument("studies", nargs="+", metavar="STUDY", help="in this order")
    words.add_argument("--minutes", type=float, default=50.0, help="for training")
    words.add_argument("--at-once", type=int, default=2, help="stacks side by side")
    words.add_argument("--workers", type=int, default=8, help="processes that score")
    words.add_argument("--device", default="cuda", help="such as cuda:1")
    words.add_argument("--precision", default="auto", help="float32, to compare")
    return words


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""

    def act() -> None:
        given = parser().parse_args(arguments)
        number("minutes", given.minutes, 0)
        whole_number("at-once", given.at_once, 1)
        whole_number("workers", given.workers, 1)
        check_device(given.device)
        precision = given.precision
        if precision == "auto":
            precision = chosen_precision(given.device)
        machine = {
            "device": given.device,
            "precision": precision,
            "compile": given.device != "cpu",
        }
        studies = [load_study(name, **machine) for name in given.studies]
        for study in studies:
            check_folders(study)
        jobs = [(study, run) for study in studies for run in study.runs]
        train_on_card(jobs, given.minutes, given.at_once, given.workers)

    return run_command(act)


if __name__ == "__main__":
    sys.exit(main())
