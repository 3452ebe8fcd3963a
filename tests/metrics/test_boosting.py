"""Boosted trees against scikit-learn's, which are the definition."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.tree import DecisionTreeRegressor

from disentlib.metrics import dci, designs
from disentlib.metrics.boosting import _descend, _Forest, boosted_trees
from disentlib.metrics.dci import concentration
from disentlib.metrics.sampling import labelled_samples
from disentlib.metrics.scales import ranked
from disentlib.sprites.grid import FactorGrid


def sample(seed, classes, n=300, noise=0.5):
    """Ranks of a few dimensions, all different, and classes that depend on them."""
    generator = np.random.default_rng(seed)
    z = generator.standard_normal((2 * n, 4))
    score = z @ [1, 0.7, 0.4, 0] + noise * generator.standard_normal(2 * n)
    labels = np.searchsorted(np.quantile(score, np.arange(1, classes) / classes), score)
    ranks = z.argsort(axis=0).argsort(axis=0).astype(np.float32)
    return ranks[:n], labels[:n], ranks[n:], labels[n:]


def theirs(x, labels, x_test, labels_test, n_estimators, seed=0):
    trees = GradientBoostingClassifier(n_estimators=n_estimators, random_state=seed)
    trees.fit(x, labels)
    return trees.feature_importances_, trees.score(x_test, labels_test)


def ours(*given, seed=0):
    return boosted_trees(*given, np.random.default_rng(seed))


def has_ties(tree, x):
    """Whether another dimension parts a node's images as the chosen one does."""
    inside = tree.decision_path(x).toarray().astype(bool).T
    children = zip(tree.tree_.children_left, tree.tree_.children_right)
    for left, right in ((x[inside[a]], x[inside[b]]) for a, b in children if a >= 0):
        below = left.max(axis=0) < right.min(axis=0)
        above = right.max(axis=0) < left.min(axis=0)
        if (below | above).sum() > 1:
            return True
    return False


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 999), st.integers(1, 3))
@example(28, 3)  # a tie of 19 images
def test_a_tree_is_scikit_learns(seed, trees):
    """On residuals that are all different nothing ties, and all is determined."""
    x, _, x_test, _ = sample(seed, 3, n=200)
    residual = np.random.default_rng(seed).standard_normal((len(x), trees))
    importances = np.zeros(4)
    dimensions, rng = np.array([2, 0, 3, 1]), np.random.default_rng(seed)
    splits = _Forest(x, dimensions, trees, rng).grow(residual)
    leaf, leaf_test = _descend(splits, x, x_test, residual, importances)
    total, tied = np.zeros(4), False
    for t in range(trees):
        tree = DecisionTreeRegressor(max_depth=3).fit(x, residual[:, t])
        total += 200 * tree.tree_.compute_feature_importances(normalize=False)
        if has_ties(tree, x):
            tied = True
            continue
        for rows, found in ((x, leaf[:, t]), (x_test, leaf_test[:, t])):
            names = tree.apply(rows)
            assert len({*zip(names, found)}) == len({*names}) == len({*found})
    assert importances.sum() == pytest.approx(total.sum(), rel=1e-9)
    assert tied or importances == pytest.approx(total, rel=1e-9)


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_ten_rounds_are_scikit_learns_but_for_ties(classes):
    given = sample(classes, classes, n=1500, noise=2)
    expected, found = theirs(*given, 10), ours(*given, 10)
    assert found[0] == pytest.approx(expected[0], abs=0.01)
    assert found[1] == pytest.approx(expected[1], abs=0.01)


def test_ties_change_no_mean():
    """Many classes make small nodes and ties, which no direction of a dimension and no
    order of them decides: over both, the importances agree.
    """
    x, labels, x_test, labels_test = sample(1, 20, n=200)
    pairs = []
    for seed in range(10):
        flip = np.random.default_rng(seed).integers(2, size=4)
        turned = [np.where(flip, 400 - rows, rows) for rows in (x, x_test)]
        given = turned[0], labels, turned[1], labels_test, 3
        pairs.append((theirs(*given, seed)[0], ours(*given, seed=seed)[0]))
    expected, found = np.array(pairs).transpose(1, 0, 2)
    error = np.sqrt((expected.var(axis=0) + found.var(axis=0)) / 9)
    assert (np.abs(expected.mean(axis=0) - found.mean(axis=0)) <= 4 * error).all()


@pytest.mark.parametrize(("sign", "noise"), [(1, 0), (-1, 0), (1, 0.02)])
def test_twins_share_a_factor_as_in_scikit_learn(sign, noise):
    """Completeness of twins is 1 - log 2 / log D if chance takes now one, now the
    other, and 1 if it is always the same.
    """
    grid = FactorGrid(("a", "b", "c"), (4, 5, 6))
    first, second = (noise * designs.noise(grid, 3, seed) for seed in (0, 1))
    codes = np.hstack([designs.identity(grid) + first, designs.identity(grid) + second])
    codes[:, 3:] *= sign
    found = [dci(codes, grid, s, train=600, n_jobs=1).completeness for s in range(5)]
    z, labels, z_test, labels_test = labelled_samples(codes, grid, 0, 600, 300)
    pair = ranked(z, z_test)
    fitted = [
        theirs(pair[0], labels[:, k], pair[1], labels_test[:, k], 10)[0]
        for k in range(3)
    ]
    expected = concentration(np.array(fitted), axis=1).mean()
    assert expected == pytest.approx(1 - np.log(2) / np.log(6), abs=0.02)
    assert np.mean(found) == pytest.approx(expected, abs=0.05)


def test_dimensions_that_say_nothing():
    x, labels, x_test, labels_test = sample(0, 3)
    constant = np.zeros_like(x)
    importances, accuracy = ours(constant, labels, constant, labels_test, 2)
    assert not importances.any()
    assert accuracy == (labels_test == np.bincount(labels).argmax()).mean()
    mixed = (
        np.column_stack([constant[:, :1], x]),
        np.column_stack([constant[:, :1], x_test]),
    )
    importances, accuracy = ours(mixed[0], labels, mixed[1], labels_test, 2)
    assert importances[0] == 0
    assert accuracy == ours(x, labels, x_test, labels_test, 2)[1]


def test_labels_need_not_be_numbered_from_zero():
    x, labels, x_test, labels_test = sample(3, 3)
    same = ours(x, 7 * labels + 2, x_test, 7 * labels_test + 2, 2)
    expected = ours(x, labels, x_test, labels_test, 2)
    assert np.array_equal(same[0], expected[0]) and same[1] == expected[1]


def test_no_importance_is_below_zero():
    """Where classes part at once, later splits gain nothing, and that to rounding."""
    rng = np.random.default_rng(0)
    labels, labels_test = rng.integers(4, size=300), rng.integers(4, size=100)
    x, x_test = (
        np.column_stack([y, rng.permuted(np.arange(len(y)))])
        for y in (labels, labels_test)
    )
    importances, accuracy = ours(x, labels, x_test, labels_test, 10)
    assert (importances >= 0).all() and importances[0] > 0.999 and accuracy == 1
