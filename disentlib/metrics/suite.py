"""All scores of one table of codes, and the rows they will read."""

from collections.abc import Callable, Iterable
from inspect import signature
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from disentlib.checks import instance, shown
from disentlib.metrics import batches, sampling
from disentlib.metrics.beta_vae import beta_vae_score
from disentlib.metrics.dci import (
    DCI,
    checked_estimators,
    checked_jobs,
    dci,
)
from disentlib.metrics.explicitness import explicitness
from disentlib.metrics.factor_vae import factor_vae_score, pruned_factor_vae_score
from disentlib.metrics.irs import irs
from disentlib.metrics.mutual_information import mig, modularity
from disentlib.metrics.posterior import (
    active_units,
    gaussian_total_correlation,
    kl_per_dimension,
)
from disentlib.metrics.sap import sap
from disentlib.sprites.grid import FactorGrid

THESIS_SCORES = ("beta_vae_score", "factor_vae_score", "dci")
# A score reads codes, the grid and a seed, and those settings of `score_all` that it
# names among its keywords.
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "beta_vae_score": beta_vae_score,
    "factor_vae_score": factor_vae_score,
    "dci": dci,
    "pruned_factor_vae_score": pruned_factor_vae_score,
    "mig": mig,
    "sap": sap,
    "modularity": modularity,
    "explicitness": explicitness,
    "irs": irs,
}
SCORES = tuple(_FUNCTIONS)


def plan(
    grid: FactorGrid,
    seed: int = 0,
    *,
    train: int = sampling.TRAIN,
    test: int = sampling.TEST,
    batch_size: int = sampling.BATCH_SIZE,
    scores: Iterable[str] = SCORES,
) -> NDArray[np.int64]:
    """The rows, sorted and each once, of which `score_all` will read some or all with
    the same arguments.

    Encode these and leave the others NaN. Without scores that test anything, the test
    images are among them all the same. At thesis size they are most of the grid; a
    small study reads far fewer. (`factor_vae_score(spread="table")` alone reads every
    row.) Raises `ValueError` for an unknown score and counts that the grid does not
    allow.
    """
    scores = _known(scores)
    instance("grid", grid, FactorGrid)
    parts = [sampling.both_rows(grid, seed, train, test)]
    if "beta_vae_score" in scores:
        parts.append(
            batches.shared_class_pairs(grid, seed, train, test, batch_size).rows
        )
    if {"factor_vae_score", "pruned_factor_vae_score"} & set(scores):
        parts.append(
            batches.shared_class_batches(grid, seed, train, test, batch_size).rows
        )
    read = np.zeros(grid.size, dtype=bool)
    for part in parts:
        read[part] = True
    return np.flatnonzero(read)


def score_all(
    codes: ArrayLike,
    grid: FactorGrid,
    seed: int = 0,
    *,
    train: int = sampling.TRAIN,
    test: int = sampling.TEST,
    batch_size: int = sampling.BATCH_SIZE,
    n_estimators: int = sampling.N_ESTIMATORS,
    n_jobs: int = -1,
    scores: Iterable[str] = SCORES,
) -> pd.DataFrame:
    """A table with columns score and value, one row a score, of `codes` (grid.size, D).

    Each number is the one that the function of that name gives with the same arguments;
    the three numbers of DCI are `dci_disentanglement`, `dci_completeness` and
    `dci_informativeness`. `scores` chooses among `SCORES`; `THESIS_SCORES` are the
    thesis' three. Each score has its own random stream, so that leaving one out changes
    no other. Raises `ValueError` for an unknown score and as the scores do.
    """
    return scores_and_importances(
        codes,
        grid,
        seed,
        train=train,
        test=test,
        batch_size=batch_size,
        n_estimators=n_estimators,
        n_jobs=n_jobs,
        scores=scores,
    )[0]


def scores_and_importances(
    codes: ArrayLike,
    grid: FactorGrid,
    seed: int = 0,
    *,
    train: int,
    test: int,
    batch_size: int,
    n_estimators: int,
    n_jobs: int,
    scores: Iterable[str] = SCORES,
) -> tuple[pd.DataFrame, NDArray[np.float64] | None]:
    """The table of `score_all`, and the importances (D, K) of its DCI, if asked for."""
    scores = _known(scores)
    settings = {
        "train": train,
        "test": test,
        "batch_size": batch_size,
        "n_estimators": checked_estimators(n_estimators),
        "n_jobs": checked_jobs(n_jobs),
    }
    rows: list[tuple[str, float]] = []
    importances = None
    for name in scores:
        function = _FUNCTIONS[name]
        taken = settings.keys() & signature(function).parameters
        value = function(codes, grid, seed, **{key: settings[key] for key in taken})
        if isinstance(value, DCI):
            importances = value.importances
            rows += [
                (f"dci_{part}", getattr(value, part))
                for part in ("disentanglement", "completeness", "informativeness")
            ]
        else:
            rows.append((name, value))
    return pd.DataFrame(rows, columns=["score", "value"]), importances


def score_posterior(
    mean: ArrayLike,
    logvar: ArrayLike,
    grid: FactorGrid,
    seed: int = 0,
    *,
    train: int = sampling.TRAIN,
    test: int = sampling.TEST,
) -> pd.DataFrame:
    """The same table for the scores without factors: `active_units`, `kl`, total
    correlation.

    From posterior means and log-variances (grid.size, D), on the sample that `plan`
    covers. `kl` is the sum of `kl_per_dimension` in nats, `gaussian_total_correlation`
    is in nats as well. Raises `ValueError` as these do, and for a `logvar` of -inf,
    which leaves no `kl`.
    """
    sampling.check_counts(grid, train, test, 1, 1)
    rows = sampling.both_rows(grid, seed, train, test)
    mean = sampling.look_up(sampling.checked_codes(mean, grid), rows)
    logvar = sampling.checked_codes(logvar, grid, "logvar")
    logvar = sampling.look_up(logvar, rows, "logvar")
    values = {
        "active_units": float(active_units(mean).sum()),
        "kl": float(kl_per_dimension(mean, logvar).sum()),
        "gaussian_total_correlation": gaussian_total_correlation(mean, logvar),
    }
    return pd.DataFrame(list(values.items()), columns=["score", "value"])


def _known(scores: Iterable[str]) -> tuple[str, ...]:
    try:
        scores = (scores,) if isinstance(scores, str) else tuple(scores)
    except TypeError:
        raise ValueError(f"scores={shown(scores)} must be names of scores") from None
    for name in scores:
        if not isinstance(name, str) or name not in SCORES:
            raise ValueError(
                f"unknown score {shown(name)}; give some of {', '.join(SCORES)}"
            )
    return scores
