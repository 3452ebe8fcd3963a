"""Boosted trees on ranks: those of scikit-learn, with LightGBM to look for the splits.

`GradientBoostingClassifier` sorts every dimension anew in every node of each of its
trees, one a class and round. LightGBM finds the same splits from histograms, here with
a bin for each rank, so that no rank is rounded; residuals are, to single precision,
where splits are compared. What makes the trees scikit-learn's is done here: the
residuals, each leaf's Newton step, cuts halfway between two ranks.
"""

from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

from disentlib.arrays import Floats, Integers, Truths

DEPTH, RATE = 3, 0.1  # scikit-learn's defaults
TIE = 1e-9  # splits whose gains differ by a smaller share are equally good
# Of two splits of equal gain either may be taken, as in scikit-learn. No other rule of
# LightGBM's is at work: no penalty, no least number in a leaf, no shrinkage.
PLAIN: dict[str, Any] = {
    "objective": "none",
    "max_depth": DEPTH,
    "num_leaves": 2**DEPTH,
    "learning_rate": 1.0,
    "lambda_l2": 0.0,
    "min_data_in_leaf": 1,
    "min_sum_hessian_in_leaf": 0.0,
    "min_gain_to_split": 0.0,
    "min_data_in_bin": 1,
    "boost_from_average": False,
    "feature_pre_filter": False,
    "use_missing": False,
    "force_col_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}


@dataclass(frozen=True)
class Splits:
    """The splits of all trees of one round, (T, nodes) at each level; node m has the
    children 2 m and 2 m + 1, and without a split all goes to the first.
    """

    dimension: list[NDArray[np.int64]]
    cut: list[NDArray[np.float64]]


def boosted_trees(
    x: NDArray[Any],
    labels: NDArray[np.int64],
    x_test: NDArray[Any],
    labels_test: NDArray[np.int64],
    n_estimators: int,
    generator: np.random.Generator,
) -> tuple[NDArray[np.float64], float]:
    """Importances (D,), their sum 1 or 0, and the accuracy on the test images.

    `x` (n, D) and `x_test` are ranks; at least two classes in `labels`. The same as
    `GradientBoostingClassifier(n_estimators=…)` gives but for ties: which of several
    dimensions that split equally well is taken is drawn from `generator`, here for all
    trees of a round at once, there in each node of each. So twins share the importance
    of a factor by rounds.
    """
    classes, y = np.unique(labels, return_inverse=True)
    binary = len(classes) == 2
    target = np.eye(len(classes))[y][:, 1 if binary else 0 :]
    share = target.mean(axis=0)
    start = np.log(share / (1 - share)) if binary else np.log(share)
    raw, raw_test = (np.tile(start, (len(rows), 1)) for rows in (x, x_test))
    importances = np.zeros(x.shape[1])
    varied = np.flatnonzero(np.ptp(x, axis=0) > 0)
    if len(varied):
        forest = _Forest(x, varied, target.shape[1], generator)
        for _ in range(n_estimators):
            chance = expit(raw) if binary else softmax(raw, axis=1)
            residual = target - chance
            splits = forest.grow(residual)
            leaf, leaf_test = _descend(splits, x, x_test, residual, importances)
            values = RATE * _newton_step(leaf, residual, chance)
            if not binary:
                values *= 1 - 1 / len(classes)
            raw += np.take_along_axis(values, leaf, axis=0)
            raw_test += np.take_along_axis(values, leaf_test, axis=0)
    answers = (raw_test[:, 0] > 0).astype(int) if binary else raw_test.argmax(axis=1)
    accuracy = float((classes[answers] == labels_test).mean())
    total = importances.sum()
    return importances / total if total > 0 else importances, accuracy


class _Forest:
    """LightGBM, asked for regression trees on residuals of ours, a round at a time."""

    def __init__(
        self,
        x: NDArray[Any],
        dimensions: NDArray[np.int64],
        trees: int,
        generator: np.random.Generator,
    ) -> None:
        self.dimensions, self.generator = dimensions, generator
        bins = {"max_bin": len(x) + 1, "bin_construct_sample_cnt": len(x) + 1}
        given = PLAIN | bins | {"num_class": trees}
        data = lightgbm.Dataset(x[:, dimensions], np.zeros(len(x)), params=given)
        self.booster = lightgbm.Booster(given, data)
        self.rounds = 0

    def grow(self, residual: NDArray[np.float64]) -> Splits:
        """One more tree for each column of `residual` (n, T), by least squares."""
        slope = -residual if residual.shape[1] > 1 else -residual[:, 0]
        worth = 1 - TIE * self.generator.random(len(self.dimensions))
        self.booster.reset_parameter({"feature_contri": worth.tolist()})
        self.booster.update(fobj=lambda *_: (slope, np.ones_like(slope)))
        shape = residual.shape[1]
        splits = Splits(
            [np.zeros((shape, 2**level), dtype=np.int64) for level in range(DEPTH)],
            [np.full((shape, 2**level), np.inf) for level in range(DEPTH)],
        )
        model = self.booster.dump_model(
            start_iteration=self.rounds, num_iteration=1, object_hook=None
        )
        for tree, info in enumerate(model["tree_info"]):
            self._read(info["tree_structure"], splits, tree, 0, 0)
        self.rounds += 1
        return splits

    def _read(
        self, node: dict[str, Any], splits: Splits, tree: int, level: int, m: int
    ) -> None:
        if "split_feature" not in node:
            return
        splits.dimension[level][tree, m] = self.dimensions[node["split_feature"]]
        splits.cut[level][tree, m] = node["threshold"]
        self._read(node["left_child"], splits, tree, level + 1, 2 * m)
        self._read(node["right_child"], splits, tree, level + 1, 2 * m + 1)


def _descend(
    splits: Splits,
    x: NDArray[Any],
    x_test: NDArray[Any],
    residual: Floats,
    importances: Floats,
) -> tuple[Integers, Integers]:
    """The leaf (n, T) of each image in each tree, and (m, T) of the test images; adds
    each split's gain to the importance of its dimension.
    """
    trees = np.arange(residual.shape[1])
    node = np.zeros(residual.shape, dtype=np.int64)
    node_test = np.zeros((len(x_test), len(trees)), dtype=np.int64)
    squares = _explained(node, residual, 1)
    for level, (dimension, cut) in enumerate(zip(splits.dimension, splits.cut)):
        value = np.take_along_axis(x, dimension[trees, node], axis=1)
        right = value > cut[trees, node]
        middle = _middles(node, value, right, cut.shape[1])
        tested = np.take_along_axis(x_test, dimension[trees, node_test], axis=1)
        node_test = 2 * node_test + (tested > middle[trees, node_test])
        node = 2 * node + right
        before, squares = squares, _explained(node, residual, 2 ** (level + 1))
        # No split explains less than none: what is below zero is rounding.
        gain = np.maximum(squares.reshape(len(trees), -1, 2).sum(axis=2) - before, 0.0)
        np.add.at(importances, dimension, np.where(np.isfinite(cut), gain, 0.0))
    return node, node_test


def _middles(node: Integers, value: NDArray[Any], right: Truths, nodes: int) -> Floats:
    """The cuts (T, nodes), halfway between the two values of the node that each parts;
    ∞ where nothing goes right.
    """
    cuts = np.full((node.shape[1], nodes), np.inf)
    for m in range(nodes):
        mine = node == m
        below = np.where(mine & ~right, value, -np.inf).max(axis=0)
        above = np.where(mine & right, value, np.inf).min(axis=0)
        parted = np.isfinite(above)
        cuts[parted, m] = (below[parted] + above[parted]) / 2
    return cuts


def _explained(node: Integers, residual: Floats, nodes: int) -> Floats:
    """Squared sum over count of each node's residuals, (T, nodes): what its mean takes
    from the sum of squares.
    """
    count = _sums(node, np.ones_like(residual), nodes)
    share: Floats = _sums(node, residual, nodes) ** 2 / np.maximum(count, 1)
    return share


def _newton_step(leaf: Integers, residual: Floats, chance: Floats) -> Floats:
    """What each leaf adds to its class' score: (leaves, T)."""
    slope = _sums(leaf, residual, 2**DEPTH)
    curvature = _sums(leaf, chance * (1 - chance), 2**DEPTH)
    flat = curvature < 1e-150  # as in scikit-learn
    step: Floats = np.where(flat, 0.0, slope / np.where(flat, 1.0, curvature)).T
    return step


def _sums(node: Integers, values: Floats, nodes: int) -> Floats:
    """Sums of `values` (n, T) over the images of each node: (T, nodes)."""
    trees = node.shape[1]
    cell = node + nodes * np.arange(trees)
    sums: Floats = np.bincount(cell.ravel(), values.ravel(), nodes * trees).astype(
        np.float64
    )
    return sums.reshape(trees, nodes)
