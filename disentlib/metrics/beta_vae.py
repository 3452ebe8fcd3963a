"""The β-VAE score: can a linear classifier tell which factor two batches have in
common?
"""

from typing import Any

import numpy as np
from jaxtyping import Float64, Int64
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax

from disentlib.arrays import Floats, Integers
from disentlib.checks import one_of, truth
from disentlib.metrics.batches import in_chunks, shared_class_pairs
from disentlib.metrics.sampling import (
    BATCH_SIZE,
    TEST,
    TRAIN,
    checked_codes,
    look_up,
)
from disentlib.metrics.scales import standardised
from disentlib.sprites.grid import FactorGrid

DIFFERENCES = ("absolute", "signed")


def beta_vae_score(
    codes: ArrayLike,
    grid: FactorGrid,
    seed: int = 0,
    *,
    train: int = TRAIN,
    test: int = TEST,
    batch_size: int = BATCH_SIZE,
    difference: str = "absolute",
    standardise: bool = False,
) -> float:
    """Accuracy on `test` points of logistic regression from mean differences to the
    shared factor.

    Equation `eq-beta-vae-score` in the book, section 3.5.1 of the thesis. A point is
    the mean of |z₁ - z₂| over `batch_size` pairs of images that share the class of one
    factor, drawn anew for each pair; its label is that factor. `codes` (grid.size, D).

    Settings: 70 % of 15,000 points train the classifier (thesis 5.1; Locatello et al.
    2019 take 10,000 and 5,000). The classifier is logistic regression with
    scikit-learn's default penalty (L2, C = 1, all classes at once), on raw differences,
    and fitted to its end. The penalty makes the score depend on the scale of the codes;
    `standardise=True` scales each difference to unit variance first and removes that.
    `difference="signed"` leaves the absolute value out, after which nothing can be
    learned.

    Range [0, 1]; 1 / K is chance, and codes without information score about that.
    Raises `ValueError` for codes that do not match the grid or are not finite, a batch
    larger than a factor's slice, and unknown values of keywords. Source: Higgins et al.
    2017, section 3.
    """
    codes = checked_codes(codes, grid)
    one_of("difference", difference, DIFFERENCES)
    standardise = truth("standardise", standardise)
    pairs = shared_class_pairs(grid, seed, train, test, batch_size)
    parts = [mean_difference(codes, rows, difference) for rows in in_chunks(pairs)]
    points, labels = np.concatenate(parts), pairs.factor
    if len(np.unique(labels[:train])) == 1:
        raise ValueError(f"train={train} points fixed one factor only; give more")
    own, other = points[:train], points[train:]
    if standardise:
        own, other = standardised(own, other)
    weights, biases = softmax_regression(own, labels[:train], len(grid.sizes))
    answers = (other @ weights + biases).argmax(axis=1)
    return float((answers == labels[train:]).mean())


def softmax_regression(
    x: Float64[Floats, "n D"], labels: Int64[Integers, " n"], classes: int
) -> tuple[Float64[Floats, "D {classes}"], Float64[Floats, " {classes}"]]:
    """Weights (D, classes) and biases of logistic regression with the penalty
    ‖weights‖² / 2.

    The minimum is that of scikit-learn's defaults (C = 1). It is looked for in
    coordinates in which the loss is about equally curved along all dimensions, so that
    it is found at any scale of `x` (n, D), each dimension's own.
    """
    curvature = np.sqrt(1 + len(x) * x.var(axis=0) / 4)
    mean = x.mean(axis=0)
    design = np.column_stack([(x - mean) / curvature, np.ones(len(x))])
    penalty = np.append(curvature**-2, 0.0)[:, None] / len(x)
    target = np.eye(classes)[labels]

    def loss(flat: Floats) -> tuple[float, Floats]:
        weights = flat.reshape(design.shape[1], classes)
        log_p = log_softmax(design @ weights, axis=1)
        value = -(log_p * target).sum() / len(x) + 0.5 * (penalty * weights**2).sum()
        slope = design.T @ (np.exp(log_p) - target) / len(x) + penalty * weights
        return value, slope.ravel()

    start = np.zeros(design.shape[1] * classes)
    options = {"maxiter": 10_000, "maxfun": 100_000, "gtol": 1e-5, "ftol": 1e-12}
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options=options).x
    weights = found.reshape(design.shape[1], classes)
    slopes = weights[:-1] / curvature[:, None]
    return slopes, weights[-1] - mean @ slopes


def mean_difference(
    codes: NDArray[Any],
    rows: Int64[Integers, "points batch 2"],
    difference: str = "absolute",
) -> Float64[Floats, "points D"]:
    """Means (points, D) over a batch of z₁ - z₂, or of its absolute value; rows
    (points, b, 2).
    """
    gap = look_up(codes, rows[..., 0]) - look_up(codes, rows[..., 1])
    if difference == "absolute":
        gap = np.abs(gap)
    means: Floats = gap.mean(axis=1)
    return means
