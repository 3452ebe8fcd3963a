"""Scoring a run: every model in its folder encoded once, scored several times."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from disentlib import metrics
from disentlib.arrays import Floats
from disentlib.checks import checked_path, instance
from disentlib.files import write_json
from disentlib.metrics.dci import checked_jobs
from disentlib.metrics.rotations import rotated_within
from disentlib.metrics.sampling import both_rows, checked_codes, look_up
from disentlib.metrics.suite import scores_and_importances
from disentlib.scoring.codes import Posterior, checked_posterior, encode, sample
from disentlib.scoring.decoded import take_pictures
from disentlib.scoring.kept import (
    made_by,
    scores_of_weights,
    weights_of,
)
from disentlib.scoring.reader import summary, with_reading
from disentlib.scoring.sizes import EXCESS, Scoring, what_is_scored
from disentlib.scoring.table import (
    keep_scores,
    measured,
    models_of,
    of_training,
)
from disentlib.sprites.grid import GRID, FactorGrid
from disentlib.sprites.table import Sprites, load_sprites
from disentlib.training.configuration import check_device
from disentlib.training.folder import RunFolder, configuration_of, locked
from disentlib.training.history import IN_USE_NATS
from disentlib.training.trained import load_model


@dataclass(frozen=True)
class Scored:
    """Scores of one model, and the importances (D, K) of DCI on its sampled codes."""

    table: pd.DataFrame  # columns codes, measure, value, spread
    importances: NDArray[np.float64]


def score_run(
    folder: str | Path,
    sizes: Scoring,
    sprites: Sprites | None = None,
    device: str = "cpu",
    n_jobs: int = -1,
) -> pd.DataFrame:
    """Score all models of a trained run, snapshots that this library has scored so once
    only; written are `scores.csv`, `pictures.npz`, and in `scored.json` how.

    Columns `table.COLUMNS`, one row a snapshot, kind of codes ("sampled", "mean"; empty
    for what needs none) and measure: `value` is the mean over the score seeds, `spread`
    their standard deviation, empty for one seed. The snapshots' held-out losses are
    among the measures, and, of dSprites, what the reader sees in the last traversals.
    `device` encodes; trees grow in `n_jobs` threads. Raises `FileNotFoundError` for a
    run that is not trained, `ValueError` for damaged files, `RuntimeError` where
    another process is at work in the folder.
    """
    files = RunFolder(checked_path("folder", folder))
    instance("sizes", sizes, Scoring)
    sprites = instance(
        "sprites", load_sprites() if sprites is None else sprites, Sprites
    )
    check_device(device)
    checked_jobs(n_jobs)
    list(models_of(files))  # what is no trained run is refused before a lock makes it
    rows = planned_rows(sprites.grid, sizes)
    with locked(files.path):
        models = list(models_of(files))  # as they are now that nobody replaces them
        how, parts = what_is_scored(files, sizes) | made_by(sprites), []
        before, how["weights"] = scores_of_weights(files, sizes, sprites), {}
        seed = configuration_of(files.path).seed
        for step, path in models:
            vae, own = load_model(files.path, path), of_training(files, path, step)
            how["weights"][str(step)] = weights = weights_of(vae)
            if path is not None and weights in before:
                there = before[weights]
                table = there[~there["measure"].isin(own["measure"])]
            else:  # pictures show what the last model's scores say of it
                posterior = encode(vae, sprites, rows, device=device)
                scored = score_codes(posterior, sprites.grid, sizes, n_jobs, seed)
                table = scored.table.assign(step=step)
            parts += [table, own]
        shown = take_pictures(load_model(files.path), sprites, scored.importances)
        if sprites.grid.names == GRID.names:  # the reader knows no other factors
            shown = with_reading(shown, sprites)
            parts.append(measured(summary(shown), step))
        table = keep_scores(files, parts, shown)
        write_json(files.scored_how, how)
    return table


def planned_rows(grid: FactorGrid, sizes: Scoring) -> NDArray[np.int64]:
    """The rows that any of the score seeds reads, sorted and each once."""
    instance("grid", grid, FactorGrid)
    instance("sizes", sizes, Scoring)
    read = np.zeros(grid.size, dtype=bool)
    for seed in sizes.seeds:
        read[metrics.plan(grid, seed, **sizes.counts)] = True
    return np.flatnonzero(read)


def score_codes(
    posterior: Posterior,
    grid: FactorGrid = GRID,
    sizes: Scoring | None = None,
    n_jobs: int = 1,
    run: int = 0,
) -> Scored:
    """All scores of one model from its posterior alone: a pool of processes can score
    what a card has encoded.

    Sampled codes and means, `metrics.score_posterior`, and, with `rotations`, the
    excess of each score over rotations among the dimensions in use, those whose KL
    divergence exceeds `IN_USE_NATS`. Models of different `run`, their seed of training,
    have rotations of their own.
    """
    sizes = Scoring() if sizes is None else instance("sizes", sizes, Scoring)
    checked_posterior(posterior)
    instance("grid", grid, FactorGrid)
    checked_codes(posterior.mean, grid)
    checked_codes(posterior.logvar, grid, "logvar")
    tables: list[pd.DataFrame] = []
    importances: Floats | None = None
    for seed in sizes.seeds:
        rows = both_rows(grid, seed, sizes.train, sizes.test)
        used = which_in_use(posterior, rows)
        for kind in ("sampled", "mean"):
            codes = sample(posterior, seed) if kind == "sampled" else posterior.mean
            own, found = _scores(codes, grid, seed, sizes, n_jobs)
            importances = found if importances is None else importances
            tables.append(own.assign(codes=kind))
            if sizes.rotations:
                over = _excess(own, codes, used, grid, seed, sizes, n_jobs, run)
                tables.append(over.assign(codes=kind))
        pair = posterior.mean, posterior.logvar
        companions = metrics.score_posterior(
            *pair, grid, seed, train=sizes.train, test=sizes.test
        )
        tables.append(companions.assign(codes=""))
    together = pd.concat(tables).rename(columns={"score": "measure"})
    grouped = together.groupby(["codes", "measure"], sort=False)["value"]
    assert importances is not None  # there is a seed
    return Scored(grouped.agg(value="mean", spread="std").reset_index(), importances)


def which_in_use(posterior: Posterior, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which dimensions (D,) carry more than `IN_USE_NATS` on average over `rows`."""
    mean, logvar = look_up(posterior.mean, rows), posterior.logvar
    kl = metrics.kl_per_dimension(mean, look_up(logvar, rows, "logvar"))
    return kl > IN_USE_NATS


def _scores(
    codes: NDArray[np.float32], grid: FactorGrid, seed: int, sizes: Scoring, n_jobs: int
) -> tuple[pd.DataFrame, Floats]:
    table, importances = scores_and_importances(
        codes,
        grid,
        seed,
        **sizes.counts,
        n_estimators=sizes.n_estimators,
        n_jobs=n_jobs,
    )
    assert importances is not None  # DCI is among all scores
    return table, importances


def _excess(
    own: pd.DataFrame,
    codes: NDArray[np.float32],
    used: NDArray[np.bool_],
    grid: FactorGrid,
    seed: int,
    sizes: Scoring,
    n_jobs: int,
    run: int,
) -> pd.DataFrame:
    """Each score less the mean of that of the rotations, under `<score>_excess`.

    One dimension has no rotation but its sign: the excess is 0.
    """
    if used.sum() < 2:
        return own.assign(score=own["score"] + EXCESS, value=0.0)
    rotations = [
        _scores(rotated_within(codes, seed, r, used, run), grid, seed, sizes, n_jobs)[0]
        for r in range(sizes.rotations)
    ]
    without = np.mean([table["value"] for table in rotations], axis=0)
    return own.assign(score=own["score"] + EXCESS, value=own["value"] - without)
