"""The β-VAE score: can a linear classifier tell which factor two batches have in
common?
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from disentlib.metrics.sampling import (
    CHUNK,
    check_counts,
    checked_codes,
    in_chunks,
    look_up,
    shared_class_pairs,
)
from disentlib.sprites.grid import FactorGrid

DIFFERENCES = ("absolute", "signed")


def beta_vae_score(
    codes: ArrayLike,
    grid: FactorGrid,
    seed: int = 0,
    *,
    train: int = 10_500,
    test: int = 4_500,
    batch_size: int = 64,
    difference: str = "absolute",
    standardise: bool = False,
    chunk: int = CHUNK,
) -> float:
    """Accuracy on `test` points of logistic regression from mean differences to the
    shared factor.

    Equation `eq-beta-vae-score` in the book, section 3.5.1 of the thesis. A point is
    the mean of |z₁ - z₂| over `batch_size` pairs of images that share the class of one
    factor, drawn anew for each pair; its label is that factor. `codes` (grid.size, D).

    Settings: 70 % of 15,000 points train the classifier (thesis 5.1; Locatello et al.
    2019 take 10,000 and 5,000). The classifier is scikit-learn's with its defaults (L2,
    C = 1, all classes at once), on raw differences; only `max_iter` is raised, so that
    it ends where its tolerance says and not at 100 steps. The penalty makes the score
    depend on the scale of the codes; `standardise=True` scales each difference to unit
    variance first and removes that. `difference="signed"` leaves the absolute value
    out, after which nothing can be learned.

    Range [0, 1]; 1 / K is chance, and codes without information score about that.
    Raises `ValueError` for codes that do not match the grid or are not finite, a batch
    larger than a factor's slice, and unknown values of keywords. Source: Higgins et al.
    2017, section 3.
    """
    codes = checked_codes(codes, grid)
    check_counts(grid, train, test, batch_size, 1)
    if difference not in DIFFERENCES:
        raise ValueError(
            f"difference={difference!r} is unknown; give one of {DIFFERENCES}"
        )
    pairs = shared_class_pairs(grid, seed, train + test, batch_size)
    parts = [
        mean_difference(codes, rows, difference) for rows in in_chunks(pairs, chunk)
    ]
    points, labels = np.concatenate(parts), pairs.factor
    if len(np.unique(labels[:train])) == 1:
        raise ValueError(f"train={train} points fixed one factor only; give more")
    classifier = LogisticRegression(max_iter=10_000)
    if standardise:
        classifier = make_pipeline(StandardScaler(), classifier)
    classifier.fit(points[:train], labels[:train])
    return float(classifier.score(points[train:], labels[train:]))


def mean_difference(
    codes: NDArray, rows: NDArray[np.int64], difference: str = "absolute"
) -> NDArray[np.float64]:
    """Means (points, D) over a batch of z₁ - z₂, or of its absolute value; rows
    (points, b, 2).
    """
    gap = look_up(codes, rows[..., 0]) - look_up(codes, rows[..., 1])
    return (np.abs(gap) if difference == "absolute" else gap).mean(axis=1)
