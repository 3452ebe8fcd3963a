"""Explicitness: how well linear classifiers find every class of every factor in the
codes.
"""

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numpy.typing import ArrayLike
from scipy.stats import rankdata
from sklearn.linear_model import LogisticRegression

from disentlib.arrays import Floats, Integers, Truths
from disentlib.checks import truth
from disentlib.metrics.sampling import TEST, TRAIN, checked_codes, labelled_samples
from disentlib.metrics.scales import standardised
from disentlib.sprites.grid import FactorGrid


def explicitness(
    codes: ArrayLike,
    grid: FactorGrid,
    seed: int = 0,
    *,
    train: int = TRAIN,
    test: int = TEST,
    rescale: bool = False,
) -> float:
    """Area under the ROC curve of one class against the rest, averaged over classes and
    factors.

    Equation `eq-explicitness` in the book. For each class of each factor a logistic
    regression is fitted to the codes of `train` images and judged on `test` images;
    first the mean over a factor's classes, then over factors. `codes` (grid.size, D).

    Settings: scikit-learn's logistic regression with its defaults, on codes of zero
    mean and unit variance, `max_iter` raised so that it ends by its tolerance; one
    classifier a class, as in the paper (Locatello et al. 2019 fit all classes of a
    factor at once). `rescale=True` maps chance to 0: 2 (AUC - 1/2).

    Range [0, 1]; chance, and the value for constant codes, is 1/2. With `rescale` the
    range is [-1, 1] and chance 0. Noise is above chance where many test images are
    training images too (`test_rows`).
    Raises `ValueError` for codes that do not match the grid or are not finite.
    Source: Ridgeway and Mozer 2018, section 2.
    """
    codes = checked_codes(codes, grid)
    rescale = truth("rescale", rescale)
    z, labels, z_test, labels_test = labelled_samples(codes, grid, seed, train, test)
    z, z_test = standardised(z, z_test)
    factors = [
        _areas(z, labels[:, k], z_test, labels_test[:, k])
        for k in range(len(grid.sizes))
    ]
    empty = [name for name, areas in zip(grid.names, factors) if not areas]
    if empty:
        raise ValueError(
            f"train={train} and test={test} images leave no class of {empty[0]!r} to "
            "tell from the rest; give more"
        )
    area = float(np.mean([np.mean(areas) for areas in factors]))
    return 2 * (area - 0.5) if rescale else area


def _areas(
    z: Float64[Floats, "n D"],
    labels: Int64[Integers, " n"],
    z_test: Float64[Floats, "m D"],
    labels_test: Int64[Integers, " m"],
) -> list[float]:
    """Areas of the classes that some but not all images have, in both samples."""
    areas = []
    for c in np.unique(labels_test):
        own, own_test = labels == c, labels_test == c
        if own.any() and not own.all() and not own_test.all():
            classifier = LogisticRegression(max_iter=10_000).fit(z, own)
            areas.append(area(classifier.decision_function(z_test), own_test))
    return areas


def area(decisions: Float64[Floats, " m"], own: Bool[Truths, " m"]) -> float:
    """Area under the ROC curve of `decisions` for the images of a class, `own`: the
    share of pairs, one of them and one of the rest, in the right order, ties as a half.

    It is `roc_auc_score`'s, whose checks take as long as the fit.
    """
    count, rest = int(own.sum()), int((~own).sum())
    before = rankdata(decisions)[own].sum() - count * (count + 1) / 2
    return float(before / (count * rest))
