"""SAP: how far the best single dimension for a factor is ahead of the second best."""

import warnings
from typing import Any

import numpy as np
from jaxtyping import Float, Float64, Int64
from numpy.typing import ArrayLike, NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from disentlib.arrays import Floats, Integers, Numbers
from disentlib.checks import one_of
from disentlib.metrics.sampling import TEST, TRAIN, checked_codes, labelled_samples
from disentlib.metrics.scales import ranked
from disentlib.sprites.grid import FactorGrid

PREDICTORS = ("thresholds", "linear_svc", "correlation")
SVC_STEPS = 10_000

# One dimension of some images, and a class of each of them.
Dimension = Float[Numbers, "n 1"]
Classes = Int64[Integers, " n"]
OtherDimension = Float[Numbers, "m 1"]  # of the test images
OtherClasses = Int64[Integers, " m"]


def sap(
    codes: ArrayLike,
    grid: FactorGrid,
    seed: int = 0,
    *,
    train: int = TRAIN,
    test: int = TEST,
    predictor: str = "thresholds",
) -> float:
    """Separated attribute predictability of `codes` (grid.size, D): mean gap over the
    factors.

    Equation `eq-sap` in the book; keywords and settings of `attribute_scores`. With one
    dimension the second best is a constant, which guesses.

    Range [0, 1]; 0 for constant codes, which predict every factor equally badly; of
    noise the accuracies are above chance where many test images are training images too
    (`test_rows`). Raises `ValueError` for codes that do not match the grid or are not
    finite, and for an unknown predictor. Source: Kumar et al. 2018, section 3.
    """
    codes = checked_codes(codes, grid)
    if codes.shape[1] == 1:
        codes = np.column_stack([codes, np.zeros(grid.size)])
    scores = attribute_scores(
        codes, grid, seed, train=train, test=test, predictor=predictor
    )
    ordered = np.sort(scores, axis=0)
    return float((ordered[-1] - ordered[-2]).mean())


def attribute_scores(
    codes: ArrayLike,
    grid: FactorGrid,
    seed: int = 0,
    *,
    train: int = TRAIN,
    test: int = TEST,
    predictor: str = "thresholds",
) -> Float64[Floats, "D K"]:
    """How well each dimension alone predicts each factor: (D, K), each in [0, 1].

    Settings: "thresholds" places cuts on the dimension, as the paper says (here by a
    tree with a leaf for each class, on `train` images), and counts the balanced
    accuracy on `test` images. "linear_svc" is the rule of most programs (scikit-learn's
    `LinearSVC`, C = 0.01, balanced, plain accuracy): one cut for each class against all
    others, which cannot single out a class that lies between others; its penalty sees
    the scale of a dimension. "correlation" is
    the squared correlation with the class number, the paper's rule for continuous
    factors. Raises `ValueError` as `sap` does, and where "linear_svc" does not converge
    at the scale that the codes have.
    """
    codes = checked_codes(codes, grid)
    one_of("predictor", predictor, PREDICTORS)
    z, labels, z_test, labels_test = labelled_samples(codes, grid, seed, train, test)
    pair: tuple[NDArray[Any], NDArray[Any]] = (z, z_test)
    own, other = ranked(z, z_test) if predictor == "thresholds" else pair
    rule = {
        "thresholds": thresholds,
        "linear_svc": _linear_svc,
        "correlation": _correlation,
    }
    score = rule[predictor]
    with warnings.catch_warnings():
        # scikit-learn's doubt whether few images of many classes are to be told apart.
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
        return np.array(
            [
                [
                    score(own[:, [d]], labels[:, k], other[:, [d]], labels_test[:, k])
                    for k in range(len(grid.sizes))
                ]
                for d in range(z.shape[1])
            ]
        )


def thresholds(
    z: Dimension, labels: Classes, z_test: OtherDimension, labels_test: OtherClasses
) -> float:
    """Balanced accuracy on the test images of cuts on one dimension, a leaf a class."""
    # The weights of class_weight="balanced", whose checks cost as much as the tree.
    _, place, counts = np.unique(labels, return_inverse=True, return_counts=True)
    weight = len(labels) / (len(counts) * counts[place])
    tree = DecisionTreeClassifier(max_leaf_nodes=len(counts), random_state=0)
    tree.fit(z, labels, sample_weight=weight)
    return _balanced(labels_test, tree.predict(z_test))


def _balanced(labels: Int64[Integers, " n"], predicted: Int64[Integers, " n"]) -> float:
    # The mean recall of the classes among the test images.
    return float(
        np.mean([(predicted[labels == c] == c).mean() for c in np.unique(labels)])
    )


def _linear_svc(
    z: Dimension, labels: Classes, z_test: OtherDimension, labels_test: OtherClasses
) -> float:
    machine = LinearSVC(C=0.01, class_weight="balanced", dual=False, max_iter=SVC_STEPS)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            return float(machine.fit(z, labels).score(z_test, labels_test))
        except ConvergenceWarning:
            raise ValueError(
                f"'linear_svc' does not converge on codes up to {np.abs(z).max():.3g}; "
                "standardise them first"
            ) from None


def _correlation(
    z: Dimension, labels: Classes, z_test: OtherDimension, labels_test: OtherClasses
) -> float:
    codes, classes = np.append(z, z_test), np.append(labels, labels_test)
    if np.ptp(codes) == 0:
        return 0.0
    codes = (codes - codes.min()) / np.ptp(codes)
    return float(np.corrcoef(codes, classes)[0, 1] ** 2)
