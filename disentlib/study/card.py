"""Studies on one card in minutes: runs trained together, scored by the processor beside
it.

    python -m disentlib.study.card desk weights --minutes 50

Runs that differ in seed and weights alone share every step (`training.together`). Each
snapshot is scored while the next is trained. What there is not time for is left out: a
run ends at its last snapshot, since at a constant rate one run serves every budget.
Folders are as `make study` leaves and finds them, but for checkpoints, of which there
are none.
"""

import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from disentlib.files import atomic_write, write_json
from disentlib.models.networks import VAE
from disentlib.scoring.codes import Posterior, encode
from disentlib.scoring.run import (
    COLUMNS,
    Scored,
    of_training,
    planned_rows,
    score_codes,
)
from disentlib.scoring.sizes import Scoring
from disentlib.sprites.table import GRID, Sprites, load_sprites, train_test_split
from disentlib.study.plan import Run, Study
from disentlib.training import history
from disentlib.training.configuration import TrainingConfig
from disentlib.training.evaluation import held_out_index, held_out_losses
from disentlib.training.folder import RunFolder, claim
from disentlib.training.loop import result_of, save_model
from disentlib.training.machine import prepare_torch
from disentlib.training.state import State
from disentlib.training.together import FREE, stackable, train_together

SPOOL = Path("/dev/shm")  # where codes wait to be scored: memory, where it is there
MOST = 16  # runs of a stack
Job = tuple[Study, Run]


def stacks(jobs: Sequence[Job]) -> Iterator[list[Job]]:
    """Jobs that can train together, in the order in which their first one is asked
    for; those done, and those that only train alone, left out.
    """
    groups: dict[tuple, list[Job]] = {}
    for study, run in jobs:
        if RunFolder(study.folder(run)).result.exists():
            continue
        alike = replace(run.config, **{name: 1 for name in FREE})
        groups.setdefault((study.name, alike), []).append((study, run))
    for group in groups.values():
        for first in range(0, len(group), MOST):
            part = group[first : first + MOST]
            if stackable([run.config for _, run in part]):
                yield part


class Scorer:
    """Scores snapshots in other processes, from codes that the card encodes."""

    def __init__(self, sprites: Sprites, workers: int) -> None:
        context = get_context("spawn")
        self._pool = ProcessPoolExecutor(workers, mp_context=context)
        self._sprites, self._rows = sprites, {}
        folder = SPOOL if SPOOL.is_dir() else None
        self._spool = Path(tempfile.mkdtemp(prefix="disentlib-", dir=folder))
        self.waiting: list[tuple[Path, int, Future]] = []

    def score(self, folder: Path, step: int, network: VAE, sizes: Scoring) -> None:
        """Encode a network now; its scores follow."""
        if sizes not in self._rows:
            self._rows[sizes] = planned_rows(GRID, sizes)
        device = next(network.parameters()).device
        rows = self._rows[sizes]
        posterior = encode(network, self._sprites, rows, device=device)
        path = self._spool / f"{len(self.waiting)}-{time.monotonic_ns()}.npy"
        np.save(path, np.stack([posterior.mean[rows], posterior.logvar[rows]]))
        job = self._pool.submit(scored_from, path, sizes)
        self.waiting.append((folder, step, job))

    def finish(self, seconds: float) -> int:
        """Write `scores.csv` of every run whose snapshots are scored in time; returns
        how many jobs were not.
        """
        end, tables, left = time.monotonic() + seconds, {}, 0
        for folder, step, job in self.waiting:
            try:
                scored = job.result(max(0.0, end - time.monotonic()))
                tables.setdefault(folder, []).append((step, scored))
            except TimeoutError:
                left += 1
        for folder, parts in tables.items():
            write_scores(RunFolder(folder), sorted(parts, key=lambda part: part[0]))
        self._pool.shutdown(wait=False, cancel_futures=True)
        shutil.rmtree(self._spool, ignore_errors=True)
        return left


def scored_from(path: Path, sizes: Scoring) -> Scored:
    """`score_codes` of a posterior that lies in a file, which goes away."""
    rows = planned_rows(GRID, sizes)
    content = np.load(path)
    tables = np.full((2, GRID.size, content.shape[2]), np.nan, np.float32)
    tables[:, rows] = content
    path.unlink()
    return score_codes(Posterior(*tables), GRID, sizes, n_jobs=1)


def write_scores(files: RunFolder, parts: list[tuple[int, Scored]]) -> None:
    """The table of one run as `scoring.score_run` has it."""
    tables = []
    for step, scored in parts:
        name = step if files.model(step).exists() else None
        tables += [scored.table.assign(step=step), of_training(files, name, step)]
    with atomic_write(files.scores) as temporary:
        table = pd.concat(tables, ignore_index=True)[COLUMNS]
        table.to_csv(temporary, index=False, float_format="%.6g")


def train_stack(
    jobs: list[Job], sprites: Sprites, scorer: Scorer, end: float, share: float
) -> None:
    """Train one stack, leaving a finished run behind at each snapshot."""
    configs = [run.config for _, run in jobs]
    prepare_torch(configs[0])
    # Held-out losses and codes: a rounding of 2^-11 is far below the posterior's width.
    torch.backends.cudnn.allow_tf32 = True
    torch.set_float32_matmul_precision("high")
    _, test_index = train_test_split(configs[0].split_seed, size=sprites.grid.size)
    held_out = held_out_index(test_index, configs[0])

    def keep(i: int, state: State, network: VAE) -> None:
        study, run = jobs[i]
        files, config = RunFolder(study.folder(run)), configs[i]
        last = state.step == config.steps
        judge = state.discriminator
        losses = held_out_losses(network, judge, sprites, held_out, config)
        files.path.mkdir(parents=True, exist_ok=True)
        reached = shortened(config, state.step)
        claim(files.path, reached)
        history.write_history(files.history, state.records, config.D)
        save_model(
            files.model(None if last else state.step), network, state.step, losses
        )
        if not last:
            save_model(files.model(), network, state.step, losses)
        content = result_of(state, network, losses, reached, "measured: NVML, shared")
        content["together"] = len(jobs)
        write_json(files.result, content)
        sizes = study.scoring if last else replace(study.scoring, score_seeds=1)
        scorer.score(files.path, state.step, network, sizes)

    for step in train_together(configs, sprites, keep, share):
        if time.monotonic() > end and step not in configs[0].snapshots:
            print(
                f"{jobs[0][0].name} {jobs[0][1].key}: time is up at {step}", flush=True
            )
            return


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
    sprites = load_sprites()
    scorer = Scorer(sprites, workers)
    on_card = sprites.to(jobs[0][1].config.device)
    scorer._sprites = on_card
    queue, lock = stacks(jobs), threading.Lock()

    def work() -> None:
        while time.monotonic() < end:
            with lock:
                stack = next(queue, None)
            if stack is None:
                return
            started = time.monotonic()
            try:
                train_stack(stack, on_card, scorer, end, 1 / at_once)
            except (FloatingPointError, RuntimeError) as error:
                print(f"{stack[0][1].key}: {error}", file=sys.stderr, flush=True)
            took = time.monotonic() - started
            name = f"{stack[0][0].name} {stack[0][1].key} and {len(stack) - 1} more"
            print(f"{name}: {took:.0f} s", flush=True)

    threads = [threading.Thread(target=work) for _ in range(at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    left = scorer.finish(patience)
    print(f"{len(scorer.waiting) - left} snapshots scored, {left} not", flush=True)
