"""Studies on one card in minutes: runs trained together, scored by the processor beside
it.

    python -m disentlib.study.card desk weights --precision auto --minutes 50

Runs that differ in seed and weights alone share every step (`training.together`), and
each snapshot is scored while the next is trained; what only trains alone (Muon, a
weight that moves) does so beside them. What there is not time for is left out: a run
ends at its last snapshot, since at a constant rate one run serves every budget. Folders
are as `make study` leaves and finds them, but without the checkpoints of what trained
together, pages and what the reader sees in the pictures. SIGTERM is time that is up:
what is scored by then is kept. The precision is the study's, unless one is asked for;
auto is what is fastest here.
Seconds and joules of a run are its part of the card's, as if as many stacks as
`--at-once` had trained from the first to the last; what trains alone counts all.
"""

import argparse
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from disentlib.checks import number, whole_number
from disentlib.commands import run_command
from disentlib.files import scratch_folder
from disentlib.sprites.table import Sprites, load_sprites
from disentlib.study.card_scores import Scorer
from disentlib.study.card_training import (
    Job,
    score_what_is_left,
    stacks,
    train_alone,
    train_stack,
    trains_in_stacks,
)
from disentlib.study.plan import check_folders, load_study
from disentlib.training.configuration import check_device
from disentlib.training.machine import chosen_precision
from disentlib.training.sigterm import noticing_sigterm

SPOOL = Path("/dev/shm")  # where codes wait to be scored: memory, where it is there


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
    end, over = time.monotonic() + 60 * minutes, threading.Event()
    on_card = load_sprites().to(jobs[0][1].config.device)
    queue: SimpleQueue[list[Job]] = SimpleQueue()
    for stack in stacks(jobs):
        queue.put(stack)
    at_once = max(1, min(at_once, queue.qsize()))
    failed: list[str] = []

    def work(scorer: Scorer, is_over: Callable[[], bool]) -> None:
        while not is_over():
            try:
                stack = queue.get_nowait()
            except Empty:
                return
            try:
                timed(stack, on_card, scorer, is_over, 1 / at_once)
            except Exception as error:  # of whatever kind: other stacks go on
                names = ", ".join(run.key for _, run in stack)
                failed.append(names)
                print(f"one of {names}: {error}", file=sys.stderr, flush=True)

    with noticing_sigterm() as sigterm, scratch_folder(SPOOL) as spool:

        def is_over() -> bool:
            return sigterm.is_set() or over.is_set() or time.monotonic() >= end

        scorer, threads = Scorer(on_card, workers, spool), ThreadPoolExecutor(at_once)
        try:
            score_what_is_left(jobs, scorer, is_over)
            wait([threads.submit(work, scorer, is_over) for _ in range(at_once)])
        except BaseException:  # Ctrl-C
            patience = 0.0
            raise
        finally:
            over.set()
            threads.shutdown()
            scorer.finish(0.0 if sigterm.is_set() else patience)
            told = f"{scorer.scored} snapshots scored, {scorer.left} not"
            print(told, flush=True)
    if failed:
        raise RuntimeError(f"{len(failed)} of the stacks failed, see above")


def timed(
    stack: list[Job],
    sprites: Sprites,
    scorer: Scorer,
    is_over: Callable[[], bool],
    share: float,
) -> None:
    """Train a stack, or what trains alone, and say how long it took."""
    started = time.monotonic()
    if trains_in_stacks(stack[0]):
        train_stack(stack, sprites, scorer, is_over, share)
    else:
        train_alone(stack[0], sprites, scorer, is_over)
    took = time.monotonic() - started
    name = f"{stack[0][0].name} {stack[0][1].key} and {len(stack) - 1} more"
    print(f"{name}: {took:.0f} s", flush=True)


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
    words.add_argument(
        "--patience", type=float, default=60.0, help="seconds of scoring"
    )
    words.add_argument("--device", default="cuda", help="such as cuda:1")
    words.add_argument("--precision", help="in place of the study's, such as auto")
    return words


def machine(given: argparse.Namespace) -> dict[str, Any]:
    """The settings of a study that the command decides."""
    settings = {"device": given.device, "compile": given.device != "cpu"}
    if given.precision:  # else the study's own, which one may be about
        auto = given.precision == "auto"
        chosen = chosen_precision(given.device) if auto else given.precision
        settings["precision"] = chosen
    return settings


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""

    def act() -> None:
        given = parser().parse_args(arguments)
        number("minutes", given.minutes, 0)
        number("patience", given.patience, 0)
        whole_number("at-once", given.at_once, 1)
        whole_number("workers", given.workers, 1)
        check_device(given.device)
        studies = [load_study(name, **machine(given)) for name in given.studies]
        for study in studies:
            check_folders(study)
        jobs = [(study, run) for study in studies for run in study.runs]
        train_on_card(jobs, given.minutes, given.at_once, given.workers, given.patience)

    return run_command(act)


if __name__ == "__main__":
    sys.exit(main())
