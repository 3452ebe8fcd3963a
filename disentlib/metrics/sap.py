"""SAP: how far the best single dimension for a factor is ahead of the second best."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from disentlib.metrics.sampling import checked_codes, look_up, sample
from disentlib.sprites.grid import FactorGrid

PREDICTORS = ("thresholds", "linear_svc", "correlation")


def sap(codes: ArrayLike, grid: FactorGrid, seed: int = 0, **settings) -> float:
    """Separated attribute predictability of `codes` (grid.size, D): mean gap over the
    factors.

    Equation `eq-sap` in the book; keywords and settings of `attribute_scores`. With one
    dimension the second best is a constant, which guesses.

    Range [0, 1]; 0 for constant codes, which predict every factor equally badly. Raises
    `ValueError` for codes that do not match the grid or are not finite, and for an
    unknown predictor. Source: Kumar et al. 2018, section 3.
    """
    scores = attribute_scores(codes, grid, seed, **settings)
    if len(scores) == 1:
        constant = attribute_scores(np.zeros((grid.size, 1)), grid, seed, **settings)
        scores = np.concatenate([scores, constant])
    ordered = np.sort(scores, axis=0)
    return float((ordered[-1] - ordered[-2]).mean())


def attribute_scores(
    codes: ArrayLike,
    grid: FactorGrid,
    seed: int = 0,
    *,
    train: int = 10_500,
    test: int = 4_500,
    predictor: str = "thresholds",
) -> NDArray[np.float64]:
    """How well each dimension alone predicts each factor: (D, K), each in [0, 1].

    Settings: "thresholds" places cuts on the dimension, as the paper says (here by a
    tree with a leaf for each class, on `train` images), and counts the balanced
    accuracy on `test` images. "linear_svc" is the rule of most programs (scikit-learn's
    `LinearSVC`, C = 0.01, balanced, plain accuracy): one cut for each class against all
    others, which cannot single out a class that lies between others. "correlation" is
    the squared correlation with the class number, the paper's rule for continuous
    factors.
    """
    codes = checked_codes(codes, grid)
    if predictor not in PREDICTORS:
        raise ValueError(
            f"predictor={predictor!r} is unknown; give one of {PREDICTORS}"
        )
    drawn = sample(grid, seed, train, test)
    z, z_test = look_up(codes, drawn.train), look_up(codes, drawn.test)
    labels, labels_test = grid.classes(drawn.train), grid.classes(drawn.test)
    for k, name in enumerate(grid.names):
        if len(np.unique(labels[:, k])) == 1:
            raise ValueError(
                f"train={train} images show one class of {name!r} only; give more"
            )
    rule = {
        "thresholds": _thresholds,
        "linear_svc": _linear_svc,
        "correlation": _correlation,
    }
    score = rule[predictor]
    return np.array(
        [
            [
                score(z[:, [d]], labels[:, k], z_test[:, [d]], labels_test[:, k])
                for k in range(len(grid.sizes))
            ]
            for d in range(z.shape[1])
        ]
    )


def _thresholds(z, labels, z_test, labels_test) -> float:
    leaves = len(np.unique(labels))
    tree = DecisionTreeClassifier(
        max_leaf_nodes=leaves, class_weight="balanced", random_state=0
    )
    return _balanced(labels_test, tree.fit(z, labels).predict(z_test))


def _balanced(labels: NDArray, predicted: NDArray) -> float:
    # The mean recall of the classes among the test images.
    return float(
        np.mean([(predicted[labels == c] == c).mean() for c in np.unique(labels)])
    )


def _linear_svc(z, labels, z_test, labels_test) -> float:
    machine = LinearSVC(C=0.01, class_weight="balanced", dual=False, max_iter=10_000)
    return float(machine.fit(z, labels).score(z_test, labels_test))


def _correlation(z, labels, z_test, labels_test) -> float:
    z, labels = np.append(z, z_test), np.append(labels, labels_test)
    return float(np.corrcoef(z, labels)[0, 1] ** 2) if np.ptp(z) > 0 else 0.0
