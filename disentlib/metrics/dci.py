"""DCI: disentanglement, completeness and informativeness from the importances of
boosted trees.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from joblib import Parallel, delayed
from numpy.typing import ArrayLike, NDArray
from scipy.stats import entropy

from disentlib.arrays import Floats
from disentlib.checks import whole_number
from disentlib.metrics.boosting import boosted_trees
from disentlib.metrics.sampling import (
    N_ESTIMATORS,
    TEST,
    TRAIN,
    checked_codes,
    labelled_samples,
)
from disentlib.metrics.scales import ranked
from disentlib.seeds import stream
from disentlib.sprites.grid import FactorGrid


@dataclass(frozen=True)
class DCI:
    """The three scores, what they are made of, and the matrix they come from."""

    disentanglement: float
    completeness: float
    informativeness: float
    # Columns sum to 1, or to 0 where no tree split.
    importances: Float64[Floats, "D K"]
    dimension_scores: Float64[Floats, " D"]  # 1 - entropy of a row to base K
    dimension_weights: Float64[Floats, " D"]  # share of all importance
    factor_scores: Float64[Floats, " K"]  # 1 - entropy of a column to base D
    accuracies: Float64[Floats, " K"]  # on test images


def dci(
    codes: ArrayLike,
    grid: FactorGrid,
    seed: int = 0,
    *,
    train: int = TRAIN,
    test: int = TEST,
    n_estimators: int = N_ESTIMATORS,
    n_jobs: int = -1,
) -> DCI:
    """Disentanglement, completeness and informativeness of `codes` (grid.size, D).

    Equations `eq-dci-disentanglement`, `eq-dci-completeness` and
    `eq-dci-informativeness` in the book, section 3.5.3 of the thesis. For each factor,
    gradient-boosted trees predict its class from the codes of `train` images; their
    importances make the matrix R (D, K).

    Settings: the trees of scikit-learn's `GradientBoostingClassifier` (found faster,
    see `boosting`) with `n_estimators=10` (thesis 4.1) and else its defaults; Locatello
    et al. 2019 take its default of 100, the paper Lasso and random forests on
    standardised codes. Trees see an order only, and get it as ranks (`scales.ranked`),
    exact for any shift and scale of a dimension. Informativeness is the mean accuracy
    on `test` images; the paper reports an error. The trees of the factors are fitted in
    `n_jobs` threads (-1: one a core), with the same result for any number, since each
    has its own stream.

    Range [0, 1] each. Codes without information: importances of noise (or all zero), a
    disentanglement near (or exactly) 0, an informativeness at chance, and above it
    where many test images are training images too (`test_rows`). Raises `ValueError`
    for codes that do not match the grid or are not finite, and for too few training
    images. Source: Eastwood and Williams 2018, section 2.
    """
    codes = checked_codes(codes, grid)
    n_estimators, n_jobs = checked_estimators(n_estimators), checked_jobs(n_jobs)
    z, labels, z_test, labels_test = labelled_samples(codes, grid, seed, train, test)
    ranks, ranks_test = ranked(z, z_test)
    # The largest job first, so that the last thread to end is not the one that started
    # last.
    order = np.argsort([-size for size in grid.sizes], kind="stable")
    # Trees are built without the interpreter's lock: threads save the start of
    # processes.
    fitted = Parallel(n_jobs=min(n_jobs, len(order)), prefer="threads")(
        delayed(boosted_trees)(
            ranks,
            labels[:, k],
            ranks_test,
            labels_test[:, k],
            n_estimators,
            stream(seed, "scores: ties of trees", int(k)),
        )
        for k in order
    )
    importances = np.empty((z.shape[1], len(order)))
    accuracies = np.empty(len(order))
    for k, (importance, accuracy) in zip(order, fitted):
        importances[:, k], accuracies[k] = importance, accuracy
    return from_importances(importances, accuracies)


def from_importances(
    importances: Float64[Floats, "D K"], accuracies: Float64[Floats, " K"]
) -> DCI:
    """The scores of a matrix of importances (D, K) and the accuracies (K,).

    A row (or column) of zeros has no distribution: its score is 0, and so is its
    weight. With D = 1 there is one place to be, and completeness is 1 for every factor
    that was found at all.
    """
    dimension_scores = concentration(importances, axis=1)
    factor_scores = concentration(importances, axis=0)
    weights = importances.sum(axis=1)
    weights = (
        weights / weights.sum() if weights.sum() > 0 else np.zeros(len(importances))
    )
    return DCI(
        # The weights sum to 1 but for rounding.
        disentanglement=min(1.0, float(weights @ dimension_scores)),
        completeness=float(factor_scores.mean()),
        informativeness=float(np.mean(accuracies)),
        importances=importances,
        dimension_scores=dimension_scores,
        dimension_weights=weights,
        factor_scores=factor_scores,
        accuracies=np.asarray(accuracies),
    )


def concentration(importances: Float64[Floats, "D K"], axis: int) -> Floats:
    """1 - entropy along `axis`, to the base of the number of entries; 0 for entries all
    zero.
    """
    found: NDArray[np.bool_] = importances.sum(axis=axis) > 0
    if importances.shape[axis] == 1:
        return found.astype(np.float64)
    safe = np.where(np.expand_dims(found, axis), importances, 1.0)
    scores = np.clip(
        1 - entropy(safe, axis=axis, base=importances.shape[axis]), 0.0, 1.0
    )
    kept: Floats = np.where(found, scores, 0.0)
    return kept


def checked_estimators(n_estimators: int) -> int:
    """`n_estimators` if it is a number of rounds, else `ValueError`."""
    return whole_number("n_estimators", n_estimators, 1, 10_000)


def checked_jobs(n_jobs: int) -> int:
    """`n_jobs` if it is -1 (one a core) or a number of threads, else `ValueError`."""
    jobs = whole_number("n_jobs", n_jobs, -1)
    if jobs == 0:
        raise ValueError("n_jobs=0 leaves no thread; give a number, or -1, one a core")
    return jobs
