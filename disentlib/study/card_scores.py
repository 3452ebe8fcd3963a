"""Scores of snapshots, taken by the processor while the card trains on."""

import multiprocessing
import signal
import sys
import time
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from disentlib.files import read_mapping, write_json
from disentlib.models.networks import VAE
from disentlib.scoring.codes import Posterior, encode
from disentlib.scoring.decoded import take_pictures
from disentlib.scoring.run import Scored, planned_rows, score_codes
from disentlib.scoring.sizes import Scoring
from disentlib.scoring.table import COLUMNS, keep_scores, models_of, of_training
from disentlib.sprites.grid import GRID
from disentlib.sprites.table import Sprites
from disentlib.study.collecting import scored_how
from disentlib.study.plan import Run, Study
from disentlib.study.results import read_table
from disentlib.training.configuration import TrainingConfig
from disentlib.training.folder import RunFolder, locked
from disentlib.training.trained import load_model


class Scorer:
    """Scores snapshots in other processes, from codes that the card encodes.

    What fails on the way is named and stops nothing: the next session scores what is
    left, also what waited for a process that was killed.
    """

    def __init__(self, sprites: Sprites, workers: int, spool: Path) -> None:
        self._workers, self._spool = workers, spool
        self._pool = self._new_pool()
        self._sprites, self._pictured = sprites, sprites.to("cpu")
        self._rows: dict[Scoring, NDArray[np.int64]] = {}
        self.scored, self.left = 0, 0
        self._waiting: list[tuple[Study, Run, int, Future[Scored]]] = []

    def _new_pool(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")
        # Ctrl-C reaches them too, from a terminal: it is for their parent to answer.
        return ProcessPoolExecutor(
            self._workers, context, signal.signal, (signal.SIGINT, signal.SIG_IGN)
        )

    def score(self, study: Study, run: Run, step: int, network: VAE) -> None:
        """Encode a network now; its scores follow."""
        try:
            sizes = sizes_at(step, run.config, study)
            path = self._encoded(network, sizes)
            job = partial(scored_from, path, sizes, run.config.seed)
            try:
                future = self._pool.submit(job)
            except BrokenProcessPool:  # a worker was killed, as where memory ends
                self._pool = self._new_pool()
                future = self._pool.submit(job)
            self._waiting.append((study, run, step, future))
        except Exception as error:  # of whatever kind: training goes on
            self._not_scored(f"{study.folder(run)}, step {step}", error)

    def _encoded(self, network: VAE, sizes: Scoring) -> Path:
        """A file with the posterior of the rows that scores of these sizes read."""
        if sizes not in self._rows:
            self._rows[sizes] = planned_rows(GRID, sizes)
        device = next(network.parameters()).device
        rows = self._rows[sizes]
        posterior = encode(network, self._sprites, rows, device=device)
        path = self._spool / f"{time.monotonic_ns()}-{id(network)}.npy"
        np.save(path, np.stack([posterior.mean[rows], posterior.logvar[rows]]))
        return path

    def finish(self, seconds: float) -> None:
        """Write `scores.csv` of every run whose snapshots are scored in time; `scored`
        and `left` are how many were and were not.
        """
        end = time.monotonic() + seconds
        tables: dict[tuple[Study, Run], list[tuple[int, Scored]]] = {}
        try:
            for study, run, step, job in self._waiting:
                try:
                    scored = job.result(max(0.0, end - time.monotonic()))
                    tables.setdefault((study, run), []).append((step, scored))
                except Exception as error:
                    self._not_scored(f"{study.folder(run)}, step {step}", error)
            for (study, run), parts in tables.items():
                try:
                    write_scores(study, run, parts, self._pictured)
                    self.scored += len(parts)
                except Exception as error:
                    self._not_scored(str(study.folder(run)), error, len(parts))
        finally:
            # From Python 3.14 on, this is the pool's terminate_workers().
            workers = [*(self._pool._processes or {}).values()]
            self._pool.shutdown(wait=False, cancel_futures=True)
            for worker in workers:
                worker.terminate()  # Python would wait for their jobs before it ends

    def _not_scored(self, what: str, error: Exception, count: int = 1) -> None:
        self.left += count
        if not isinstance(error, TimeoutError):
            print(f"{what}: not scored, {error!r}", file=sys.stderr, flush=True)


def scored_from(path: Path, sizes: Scoring, run: int) -> Scored:
    """`score_codes` of a posterior that lies in a file, which goes away."""
    rows = planned_rows(GRID, sizes)
    content = np.load(path)
    tables = np.full((2, GRID.size, content.shape[2]), np.nan, np.float32)
    tables[:, rows] = content
    path.unlink()
    return score_codes(Posterior(*tables), GRID, sizes, n_jobs=1, run=run)


def sizes_at(step: int, config: TrainingConfig, study: Study) -> Scoring:
    """How a snapshot is scored: on the way by one draw, then as the study says."""
    last = step == config.steps
    return study.scoring if last else replace(study.scoring, score_seeds=1, rotations=0)


def steps_scored(files: RunFolder, scoring: Scoring) -> set[int]:
    """The steps whose scores are in a run's table, none if it was scored otherwise."""
    otherwise = scored_how(files).get("scoring", asdict(scoring)) != asdict(scoring)
    if otherwise or not files.scores.exists():
        return set()
    return set(read_table(files.scores, ["step"])["step"])


def write_scores(
    study: Study, run: Run, parts: list[tuple[int, Scored]], sprites: Sprites
) -> None:
    """Put the scores of snapshots, in any order, into the table of their run, and what
    `scoring.score_run` leaves besides, but without what the reader sees.

    Rows of other steps stay, if they were scored alike. `scored.json` is as it was
    until the model at the end is scored; then it has the study's settings, and as "end"
    those of that model, which may be a snapshot that the time ended at.
    """
    files, scoring = RunFolder(study.folder(run)), study.scoring
    with locked(files.path):
        names = dict(models_of(files))  # a model may have gone meanwhile
        given = {step: scored for step, scored in parts if step in names}
        if not given:
            return
        how = scored_how(files) or {"digest": None}
        before = steps_scored(files, scoring) - given.keys()
        tables = []
        if before:
            old = read_table(files.scores, COLUMNS).fillna({"codes": ""})
            tables.append(old[old["step"].isin(before)])
        for step, scored in sorted(given.items(), key=lambda part: part[0]):
            own = of_training(files, names[step], step)
            tables += [scored.table.assign(step=step), own]
        end, shown = [*names][-1], None
        if end in given:
            model = load_model(files.path)
            shown = take_pictures(model, sprites, given[end].importances)
            digest = read_mapping(files.result).get("digest")
            how = {"digest": digest, "scoring": asdict(scoring)}
            how["end"] = asdict(sizes_at(end, run.config, study))
        table = pd.concat(tables, ignore_index=True)
        keep_scores(files, [table.sort_values("step", kind="stable")], shown)
        write_json(files.scored_how, how)
