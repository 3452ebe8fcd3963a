"""Scores of snapshots, taken by the processor while the card trains on."""

import shutil
import sys
import tempfile
import time
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from disentlib.models.networks import VAE
from disentlib.scoring.codes import Posterior, encode
from disentlib.scoring.pictures import take_pictures
from disentlib.scoring.run import (
    Scored,
    keep_scores,
    of_training,
    planned_rows,
    score_codes,
)
from disentlib.scoring.sizes import Scoring
from disentlib.sprites.table import GRID, Sprites
from disentlib.training.folder import RunFolder, configuration_of, load_model

SPOOL = Path("/dev/shm")  # where codes wait to be scored: memory, where it is there


class Scorer:
    """Scores snapshots in other processes, from codes that the card encodes."""

    def __init__(self, sprites: Sprites, workers: int) -> None:
        context = get_context("spawn")
        self._pool = ProcessPoolExecutor(workers, mp_context=context)
        self._sprites, self._pictured = sprites, sprites.to("cpu")
        self._rows: dict[Scoring, NDArray[np.int64]] = {}
        folder = SPOOL if SPOOL.is_dir() else None
        self._spool = Path(tempfile.mkdtemp(prefix="disentlib-", dir=folder))
        self.waiting: list[tuple[Path, int, Future[Scored]]] = []

    def score(self, folder: Path, step: int, network: VAE, sizes: Scoring) -> None:
        """Encode a network now; its scores follow."""
        if sizes not in self._rows:
            self._rows[sizes] = planned_rows(GRID, sizes)
        device = next(network.parameters()).device
        rows = self._rows[sizes]
        posterior = encode(network, self._sprites, rows, device=device)
        path = self._spool / f"{len(self.waiting)}-{time.monotonic_ns()}.npy"
        np.save(path, np.stack([posterior.mean[rows], posterior.logvar[rows]]))
        job = self._pool.submit(scored_from, path, sizes, configuration_of(folder).seed)
        self.waiting.append((folder, step, job))

    def finish(self, seconds: float) -> int:
        """Write `scores.csv` of every run whose snapshots are scored in time; returns
        how many jobs were not. A job that fails is named and costs the others nothing.
        """
        end, left = time.monotonic() + seconds, 0
        tables: dict[Path, list[tuple[int, Scored]]] = {}
        try:
            for folder, step, job in self.waiting:
                try:
                    scored = job.result(max(0.0, end - time.monotonic()))
                    tables.setdefault(folder, []).append((step, scored))
                except Exception as error:  # of whatever kind: the others go on
                    left += 1
                    if not isinstance(error, TimeoutError):
                        words = f"{folder}, step {step}: not scored, {error!r}"
                        print(words, file=sys.stderr, flush=True)
            for folder, parts in tables.items():
                write_scores(RunFolder(folder), parts, self._pictured)
        finally:
            self._pool.shutdown(wait=False, cancel_futures=True)
            shutil.rmtree(self._spool, ignore_errors=True)
        return left


def scored_from(path: Path, sizes: Scoring, run: int) -> Scored:
    """`score_codes` of a posterior that lies in a file, which goes away."""
    rows = planned_rows(GRID, sizes)
    content = np.load(path)
    tables = np.full((2, GRID.size, content.shape[2]), np.nan, np.float32)
    tables[:, rows] = content
    path.unlink()
    return score_codes(Posterior(*tables), GRID, sizes, n_jobs=1, run=run)


def write_scores(
    files: RunFolder, parts: list[tuple[int, Scored]], sprites: Sprites
) -> None:
    """The table and the pictures of one run as `scoring.score_run` has them, from the
    scores of its snapshots, in any order, but without what the reader sees.
    """
    tables = []
    for step, scored in sorted(parts, key=lambda part: part[0]):
        name = step if files.model(step).exists() else None
        tables += [scored.table.assign(step=step), of_training(files, name, step)]
    shown = take_pictures(load_model(files.path, name), sprites, scored.importances)
    keep_scores(files, tables, shown)
