"""Mutual information between dimensions and factors, and two scores made of it."""

import numpy as np
from jaxtyping import Float64, Int64
from numpy.typing import ArrayLike
from scipy.stats import entropy
from sklearn.feature_selection import mutual_info_classif

from disentlib.arrays import Floats, Integers
from disentlib.checks import one_of, whole_number
from disentlib.metrics.sampling import (
    TRAIN,
    checked_codes,
    look_up,
    refuse_one_class,
    training_rows,
)
from disentlib.sprites.grid import FactorGrid

BINS = 20  # as in Locatello et al. 2019
ESTIMATORS = ("histogram", "quantile", "neighbours")


def mutual_information(
    codes: ArrayLike,
    grid: FactorGrid,
    seed: int = 0,
    *,
    train: int = TRAIN,
    bins: int = BINS,
    estimator: str = "histogram",
) -> Float64[Floats, "D K"]:
    """Mutual information (D, K) in nats between each dimension of `codes` and each
    factor.

    From `train` images (those of DCI).

    Settings: "histogram" cuts the range of a dimension into `bins` of equal width (20
    in Locatello et al. 2019); "quantile" into bins of equal count, which no stretching
    of the codes changes; "neighbours" does not cut (Ross 2014, scikit-learn's
    `mutual_info_classif`). A plug-in estimate is too high by about (bins - 1)(classes -
    1) / (2 train), also for codes without information.

    Range [0, log bins] and at most each factor's entropy; an estimate by "neighbours"
    may pass both. 0 for a constant dimension.
    Raises `ValueError` for codes that do not match the grid or are not finite, `bins`
    below 2 and an unknown estimator.
    """
    codes = checked_codes(codes, grid)
    bins = whole_number("bins", bins, 2, 100_000)
    one_of("estimator", estimator, ESTIMATORS)
    rows = training_rows(grid, seed, train)
    z, labels = look_up(codes, rows), grid.classes(rows)
    if estimator != "quantile":  # which counts, whatever the distances
        z = _unit_range(z)
    if estimator == "neighbours":
        _refuse_single_images(grid, labels)
        varies = np.ptp(z, axis=0) > 0
        columns = [
            mutual_info_classif(z, labels[:, k], random_state=0)
            for k in range(len(grid.sizes))
        ]
        found: Floats = np.stack(columns, axis=1) * varies[:, None]
        return found
    cells = np.stack([_cells(column, bins, estimator) for column in z.T], axis=1)
    return np.stack(
        [_information(cells, labels[:, k], bins, n) for k, n in enumerate(grid.sizes)],
        axis=1,
    )


def mig(
    codes: ArrayLike,
    grid: FactorGrid,
    seed: int = 0,
    *,
    train: int = TRAIN,
    bins: int = BINS,
    estimator: str = "histogram",
) -> float:
    """Mutual information gap: how far the best dimension for a factor is ahead of the
    second best.

    Equation `eq-mig` in the book: the gap is divided by the factor's entropy (in the
    sample) and averaged over factors. `codes` (grid.size, D); settings of
    `mutual_information`. With one dimension the second best has nothing. With 20 bins a
    factor of 32 classes cannot be told apart fully, and perfect codes score below 1.

    Range [0, 1], which an estimate by "neighbours" may pass; 0 for constant codes, and
    about 0 for codes without information.
    Raises `ValueError` as `mutual_information` does. Source: Chen et al. 2018, section
    4 (there with densities of the posterior, on 4 factors).
    """
    codes = checked_codes(codes, grid)
    labels = grid.classes(training_rows(grid, seed, train))
    refuse_one_class(grid, labels)
    information = mutual_information(
        codes, grid, seed, train=train, bins=bins, estimator=estimator
    )
    entropies = np.array([entropy(np.bincount(column)) for column in labels.T])
    return gap_of(information, entropies)


def gap_of(
    information: Float64[Floats, "D K"], entropies: Float64[Floats, " K"]
) -> float:
    """The gap of a matrix (D, K) of mutual information and the factors' entropies (K,),
    in nats.
    """
    ordered = np.sort(np.vstack([np.zeros(information.shape[1]), information]), axis=0)
    return float(np.mean((ordered[-1] - ordered[-2]) / entropies))


def modularity(
    codes: ArrayLike,
    grid: FactorGrid,
    seed: int = 0,
    *,
    train: int = TRAIN,
    bins: int = BINS,
    estimator: str = "histogram",
    dead: str = "zero",
) -> float:
    """Modularity: how little each dimension says about any factor but its own.

    Equation `eq-modularity` in the book: 1 - Σ I² over the other factors / ((K - 1) max
    I²), averaged over dimensions. `codes` (grid.size, D); settings of
    `mutual_information`.

    Settings: a dimension with no information at all counts 0 with `dead="zero"`
    (Locatello et al. 2019) and does not count with "skip". Noise has a little
    information by the bias of the estimate, about the same for factors of equal size.

    Range [0, 1]; 0 for constant codes. Raises `ValueError` as `mutual_information`
    does. Source: Ridgeway and Mozer 2018, section 2.
    """
    one_of("dead", dead, ("zero", "skip"))
    information = mutual_information(
        codes, grid, seed, train=train, bins=bins, estimator=estimator
    )
    return modularity_of(information, dead)


def modularity_of(information: Float64[Floats, "D K"], dead: str = "zero") -> float:
    """The modularity of a matrix (D, K) of mutual information."""
    squares = information**2
    best = squares.max(axis=1)
    live = best > 0
    others = squares.sum(axis=1) - best
    scores = 1 - others[live] / (best[live] * (information.shape[1] - 1))
    count = len(information) if dead == "zero" else live.sum()
    return float(scores.sum() / count) if live.any() else 0.0


def _refuse_single_images(grid: FactorGrid, labels: Int64[Integers, "n K"]) -> None:
    """Raise `ValueError` for a factor of which no two of the images share a class."""
    for name, column in zip(grid.names, labels.T):
        if len(np.unique(column)) == len(column):
            raise ValueError(
                f"train={len(labels)} images show no class of {name!r} twice; give more"
            )


def _unit_range(z: Float64[Floats, "n D"]) -> Float64[Floats, "n D"]:
    """Each column moved and scaled to 0 … 1; a constant one to 0.

    To 12 digits, so that a code on the border of two bins stays on its side of it
    whatever the rounding of its scale.
    """
    reach = np.ptp(z, axis=0)
    unit: Floats = (z - z.min(axis=0)) / np.where(reach > 0, reach, 1.0)
    return np.round(unit, 12)


def _cells(
    column: Float64[Floats, " n"], bins: int, estimator: str
) -> Int64[Integers, " n"]:
    if np.ptp(column) == 0:
        return np.zeros(len(column), dtype=np.int64)
    if estimator == "histogram":
        edges = np.arange(1, bins) / bins
    else:
        column = np.unique(column, return_inverse=True)[1].astype(np.float64)
        edges = np.quantile(column, np.arange(1, bins) / bins)
    return np.searchsorted(edges, column, side="right")


def _information(
    cells: Int64[Integers, "n D"], labels: Int64[Integers, " n"], bins: int, size: int
) -> Float64[Floats, " D"]:
    """I = H(cell) + H(class) - H(both) of each dimension, in nats, from counts."""
    D = cells.shape[1]
    place = (np.arange(D) * bins + cells) * size + labels[:, None]
    joint = np.bincount(place.ravel(), minlength=D * bins * size)
    joint = joint.reshape(D, bins, size)
    own, factor = (entropy(joint.sum(axis=axis), axis=1) for axis in (2, 1))
    parts = own + factor - entropy(joint.reshape(D, -1), axis=1)
    # Below this is rounding of the sum, not information.
    return np.where(parts > 1e-12, parts, 0.0)
