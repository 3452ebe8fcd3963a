"""Values that theory gives: perfect, constant and independent codes, and
closed forms.
"""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import entropy
from score_calls import calls
from sklearn.metrics import balanced_accuracy_score, mutual_info_score, roc_auc_score
from sklearn.tree import DecisionTreeClassifier

from disentlib import metrics
from disentlib.metrics import designs
from disentlib.metrics.dci import concentration, from_importances
from disentlib.metrics.explicitness import area
from disentlib.metrics.mutual_information import gap_of, modularity_of
from disentlib.metrics.sampling import training_rows
from disentlib.metrics.sap import thresholds
from disentlib.sprites.grid import FactorGrid

GRID = FactorGrid(("a", "b", "c"), (3, 4, 5))
SEEDS = st.integers(0, 2**32 - 1)
MANY = {"train": 2000, "test": 2000}


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("beta_vae_score", 1),
        ("factor_vae_score", 1),
        ("pruned_factor_vae_score", 1),
        ("dci_disentanglement", 1 - 1e-9),
        ("dci_completeness", 1 - 1e-9),
        ("dci_informativeness", 1),
        # The information that a sample shows between independent factors is of the
        # order of (classes - 1)² / (2 train), of which 0.01 nats are enough here.
        ("mig", 0.99),
        ("modularity", 0.999),
        ("irs", 1 - 1e-9),
    ],
)
def test_identity_is_perfect(name, least):
    # 12 images, so that no other factor stays the same in a batch by chance.
    assert (
        least
        <= calls(MANY, batch_size=12)[name](designs.identity(GRID), GRID)
        <= 1 + 1e-9
    )


def test_identity_where_theory_gives_another_value():
    codes = designs.identity(GRID)
    # The best dimension knows the class and the second best guesses: 1 - 1 / size.
    expected = np.mean([1 - 1 / size for size in GRID.sizes])
    assert metrics.sap(codes, GRID, **MANY) == pytest.approx(expected, abs=0.02)
    assert metrics.sap(codes, GRID, predictor="correlation", **MANY) == pytest.approx(
        1, abs=0.01
    )
    # No line cuts a class off that lies between others; one dimension a class makes it
    # easy.
    assert metrics.explicitness(codes, GRID, **MANY) < 0.95
    one_hot = np.column_stack(
        [np.eye(n)[c] for n, c in zip(GRID.sizes, GRID.classes(range(60)).T)]
    )
    assert metrics.explicitness(one_hot, GRID, **MANY) == 1


@pytest.mark.parametrize("seed", range(3))
def test_thresholds_are_those_of_balanced_classes(seed):
    rng = np.random.default_rng(seed)
    labels = rng.choice(4, size=200, p=(0.7, 0.2, 0.06, 0.04))
    z = (labels + rng.integers(0, 4, 200)).astype(np.float32)[:, None]  # with ties
    tree = DecisionTreeClassifier(
        max_leaf_nodes=4, class_weight="balanced", random_state=0
    ).fit(z, labels)
    expected = balanced_accuracy_score(labels, tree.predict(z))
    assert thresholds(z, labels, z, labels) == pytest.approx(expected, 1e-12)
    plain = DecisionTreeClassifier(max_leaf_nodes=4, random_state=0).fit(z, labels)
    assert balanced_accuracy_score(labels, plain.predict(z)) < expected - 0.01


@pytest.mark.parametrize("seed", range(3))
def test_the_area_is_scikit_learns(seed):
    rng = np.random.default_rng(seed)
    decisions = rng.integers(0, 5 + 40 * seed, 90).astype(float)  # with ties
    own = rng.random(90) < 0.1 + 0.3 * seed
    assert area(decisions, own) == pytest.approx(roc_auc_score(own, decisions), 1e-12)


ACCURACIES = {  # of guessing, judged on 2,000 points
    "beta_vae_score": 1 / 3,
    "dci_informativeness": np.mean([1 / 3, 1 / 4, 1 / 5]),
}
ZERO = ("factor_vae_score", "pruned_factor_vae_score", "dci_disentanglement")
ZERO += ("dci_completeness", "mig", "sap", "modularity", "irs")
OF_CONSTANT_CODES = {**ACCURACIES, "explicitness": 0.5, **dict.fromkeys(ZERO, 0.0)}


@pytest.mark.parametrize("value", [0.0, -3.7, 1e6])
@pytest.mark.parametrize("D", [1, 3])
def test_constant_codes_have_a_defined_value(value, D):
    scores = {
        name: call(np.full((60, D), value), GRID) for name, call in calls(MANY).items()
    }
    missing = scores.keys() ^ OF_CONSTANT_CODES.keys()
    assert not missing, f"say in OF_CONSTANT_CODES what {missing} gives"
    for name, expected in OF_CONSTANT_CODES.items():
        tolerance = 4 * math.sqrt(0.25 / 2000) if name in ACCURACIES else 0
        assert abs(scores[name] - expected) <= tolerance, name
    constant = np.full((60, D), value)
    assert metrics.explicitness(constant, GRID, rescale=True, **MANY) == 0
    assert metrics.modularity(constant, GRID, dead="skip", train=2000) == 0
    for estimator in ("histogram", "quantile", "neighbours"):
        assert not metrics.mutual_information(
            constant, GRID, estimator=estimator, train=2000
        ).any()
    for predictor in ("thresholds", "linear_svc", "correlation"):
        assert metrics.sap(
            constant, GRID, predictor=predictor, **MANY
        ) == pytest.approx(0, abs=1e-9)
    posterior = metrics.score_posterior(constant, np.zeros((60, D)), GRID, **MANY)
    assert posterior["value"].tolist() == pytest.approx([0, D * value**2 / 2, 0])


def test_independent_codes_are_at_chance():
    grid = FactorGrid(tuple("abcd"), (16, 16, 16, 16))
    sizes = {"train": 1000, "test": 2000, "batch_size": 16}
    bound = 4 * math.sqrt(0.25 * 0.75 / 2000)
    for seed in range(3):
        codes = designs.noise(grid, 5, seed)
        assert abs(metrics.beta_vae_score(codes, grid, seed, **sizes) - 1 / 4) < bound
        assert abs(metrics.factor_vae_score(codes, grid, seed, **sizes) - 1 / 4) < bound
        assert metrics.pruned_factor_vae_score(codes, grid, seed, **sizes) == 0
        # The bias of a plug-in estimate: 19 · 15 / (2 · 4000) nats.
        shown = metrics.mutual_information(codes, grid, seed, train=4000)
        assert shown.mean() == pytest.approx(19 * 15 / 8000, rel=0.15)
        assert metrics.mig(codes, grid, seed, train=4000) < 0.01
        assert (
            abs(metrics.explicitness(codes, grid, seed, train=500, test=500) - 0.5)
            < 0.02
        )
    signed = metrics.beta_vae_score(
        np.pad(designs.identity(grid), ((0, 0), (0, 1))),
        grid,
        difference="signed",
        **sizes,
    )
    assert abs(signed - 1 / 4) < 0.1


@pytest.mark.parametrize("estimator", ["histogram", "quantile"])
@settings(max_examples=20, deadline=None)
@given(SEEDS, st.integers(1, 4), st.integers(2, 25))
def test_mutual_information_is_that_of_scikit_learn(estimator, seed, D, bins):
    codes = designs.random_mixture(GRID, D, seed)
    found = metrics.mutual_information(
        codes, GRID, seed, train=150, bins=bins, estimator=estimator
    )
    rows = training_rows(GRID, seed, 150)
    for d in range(D):
        z = codes[rows, d]
        edges = (
            np.histogram_bin_edges(z, bins)
            if estimator == "histogram"
            else np.quantile(z, np.arange(bins + 1) / bins)
        )
        cells = np.digitize(z, edges[1:-1])
        for k in range(3):
            expected = mutual_info_score(cells, GRID.classes(rows)[:, k])
            assert found[d, k] == pytest.approx(expected, abs=1e-10)


MATRICES = st.tuples(st.integers(1, 6), st.integers(2, 6)).flatmap(
    lambda shape: arrays(
        np.float64, shape, elements=st.sampled_from([0, 0.001, 0.2, 1, 7])
    )
)


@settings(max_examples=100, deadline=None)
@given(MATRICES)
def test_entropies_of_dci_are_those_of_scipy(importances):
    D, K = importances.shape
    scores = from_importances(importances, np.full(K, 0.5))
    rows = [1 - entropy(row, base=K) if row.any() else 0 for row in importances]
    assert scores.dimension_scores == pytest.approx(np.array(rows), abs=1e-12)
    columns = [
        (1 - entropy(column, base=D) if D > 1 else 1) if column.any() else 0
        for column in importances.T
    ]
    assert scores.factor_scores == pytest.approx(np.array(columns), abs=1e-12)
    assert scores.completeness == pytest.approx(np.mean(columns), abs=1e-12)
    total = importances.sum()
    weighted = sum(
        row.sum() / total * score for row, score in zip(importances, rows) if total
    )
    assert scores.disentanglement == pytest.approx(weighted, abs=1e-12)
    assert scores.dimension_weights.sum() == pytest.approx(1 if total else 0)
    assert 0 <= scores.disentanglement <= 1 and 0 <= scores.completeness <= 1


def test_dci_of_matrices_known_by_hand():
    log = math.log
    same = np.array([0.5, 0.5])
    perfect = from_importances(np.eye(4), np.ones(4))
    assert (perfect.disentanglement, perfect.completeness) == (1, 1)
    even = from_importances(np.full((3, 4), 1 / 3), np.ones(4))
    assert (even.disentanglement, even.completeness) == pytest.approx((0, 0), abs=1e-12)
    twice = from_importances(np.repeat(np.eye(5) / 2, 2, axis=0), np.ones(5))
    assert twice.disentanglement == pytest.approx(1)
    assert twice.completeness == pytest.approx(1 - log(2, 10))
    shared = from_importances(np.kron(np.eye(5), [[1, 1]]), np.ones(10))
    assert shared.disentanglement == pytest.approx(1 - log(2, 10))
    assert shared.completeness == pytest.approx(1)
    dead = from_importances(np.vstack([np.eye(2), np.zeros((2, 2))]), same)
    assert (dead.disentanglement, dead.completeness, dead.informativeness) == (
        1,
        1,
        0.5,
    )
    assert concentration(np.array([[1.0, 3.0]]), axis=1) == pytest.approx(
        1 + log(0.25, 2) / 4 + 3 * log(0.75, 2) / 4
    )


def test_gap_and_modularity_of_matrices_known_by_hand():
    H = np.log([3, 4, 5])
    assert gap_of(np.diag(H), H) == pytest.approx(1)
    assert gap_of(np.vstack([np.diag(H)] * 2), H) == 0
    assert gap_of(H[None] / 2, H) == pytest.approx(1 / 2)  # one dimension, half of each
    assert modularity_of(np.diag(H)) == 1
    assert modularity_of(np.ones((2, 3))) == pytest.approx(0)
    assert modularity_of(np.array([[2, 1, 0.0]])) == pytest.approx(1 - 1 / 8)
    mixed = np.array([[2, 0, 0.0], [0, 0, 0]])
    assert (modularity_of(mixed), modularity_of(mixed, dead="skip")) == (0.5, 1)


def test_merged_factors_known_by_hand():
    codes = designs.merged(GRID, "a", "b")
    found = metrics.dci(codes, GRID, n_jobs=1, n_estimators=30, **MANY)
    # A row with two equal entries of three, twice the weight; each factor in one place.
    assert found.disentanglement == pytest.approx(
        2 / 3 * (1 - math.log(2, 3)) + 1 / 3, abs=0.02
    )
    assert found.completeness == pytest.approx(1, abs=0.02)
    assert (
        metrics.mig(codes, GRID, train=2000) > 0.98
    )  # fooled: two gaps in one dimension
    expected = (1 - math.log(3) ** 2 / (2 * math.log(4) ** 2) + 1) / 2
    assert metrics.modularity(codes, GRID, train=2000) == pytest.approx(
        expected, abs=0.01
    )


def test_irs_of_a_sum_known_by_hand():
    # z = a + b, both 0 or 1: at most 1 from its mean, and at most 1/2 where a is held.
    grid = FactorGrid(("a", "b"), (2, 2))
    codes = grid.classes(range(4)).sum(axis=1, keepdims=True)
    assert metrics.irs(codes, grid, train=20_000) == pytest.approx(0.5, abs=0.02)


def test_factor_vae_conventions():
    sizes = {**MANY, "batch_size": 12}
    # Far below the codes' scale but not constant: by default it has no vote.
    codes = designs.identity(GRID)
    codes[:, 2] *= 1e-3
    assert metrics.factor_vae_score(codes, GRID, **sizes) == pytest.approx(
        2 / 3, abs=0.02
    )
    assert metrics.factor_vae_score(codes, GRID, threshold=0, **sizes) == 1
    codes = designs.with_dead(designs.identity(GRID), 1)
    assert metrics.factor_vae_score(codes, GRID, **sizes) == 1
    assert metrics.factor_vae_score(codes, GRID, spread="table", ddof=1, **sizes) == 1
    # All dimensions alike in every batch: a tie, which goes to the first.
    alike = np.repeat(designs.identity(GRID)[:, :1], 3, axis=1)
    assert metrics.factor_vae_score(alike, GRID, **sizes) == metrics.factor_vae_score(
        alike[:, :1], GRID, **sizes
    )


def test_revote_lets_what_is_left_inherit():
    # The first dimension knows a and b alike, wins the votes of both, and is pruned.
    # What it had of b goes to the second, which knows b but for noise.
    sizes = {**MANY, "batch_size": 12}
    a, b, c = designs.identity(GRID).T
    noise = designs.noise(GRID, 1, 0)[:, 0]
    codes = designs.standardised(np.column_stack([a + b, b + 2 * noise, c]))
    lost = metrics.pruned_factor_vae_score(codes, GRID, **sizes)
    inherited = metrics.pruned_factor_vae_score(codes, GRID, revote=True, **sizes)
    assert lost + 0.1 < inherited < metrics.factor_vae_score(codes, GRID, **sizes)


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_pruning_never_raises_the_score(seed):
    codes, sizes = designs.random_mixture(GRID, 4, seed), {"train": 100, "test": 100}
    plain = metrics.factor_vae_score(codes, GRID, batch_size=6, **sizes)
    assert metrics.pruned_factor_vae_score(codes, GRID, batch_size=6, **sizes) <= plain
    voters = metrics.pruned_factor_vae_score(
        codes, GRID, batch_size=6, rival=1, **sizes
    )
    assert plain - 0.1 <= voters <= plain


def test_a_dimension_that_never_won_is_pruned():
    """Two votes leave two dimensions of twenty; the others stand for no factor."""
    codes, sizes = designs.noise(GRID, 20), {"train": 2, "test": 500, "batch_size": 6}
    assert metrics.factor_vae_score(codes, GRID, **sizes) > 0.2
    assert metrics.pruned_factor_vae_score(codes, GRID, **sizes) < 0.1


def test_a_constant_has_no_part_in_the_posteriors_scores():
    """Whatever its value: the mean of a million times 0.1 is not 0.1."""
    constant = np.column_stack([np.random.default_rng(0).normal(size=1000)] * 3)
    constant[:, 1:] = 0.1, 0.3
    assert metrics.gaussian_total_correlation(constant, -np.inf) == 0
    assert metrics.active_units(constant, threshold=0).tolist() == [True, False, False]


@pytest.mark.parametrize("scale", [1, 5, 20, 40])
def test_no_stretching_moves_quantile_bins(scale):
    codes = designs.random_mixture(GRID, 3, 0)
    plain, stretched = (
        metrics.mutual_information(z, GRID, train=500, estimator="quantile")
        for z in (codes, np.exp(scale * codes / np.abs(codes).max()))
    )
    np.testing.assert_array_equal(plain, stretched)


def test_scores_of_the_posterior_known_by_hand():
    generator = np.random.default_rng(0)
    mean = generator.standard_normal((1000, 2)) * [2, 0.05]
    assert metrics.active_units(mean).tolist() == [True, False]
    logvar = np.log(np.full((4, 2), [0.25, 1]))
    kl = metrics.kl_per_dimension(np.full((4, 2), [3.0, 0]), logvar)
    assert kl == pytest.approx([0.5 * (9 + 0.25 - 1 - math.log(0.25)), 0])
    # Four points of correlation 4/5, then noise of variance 1 in each dimension.
    points = np.array([[2, 1], [1, 2], [-2, -1], [-1, -2]]) * math.sqrt(0.4)
    assert np.cov(points.T, ddof=0) == pytest.approx(np.array([[1, 0.8], [0.8, 1]]))
    bare = metrics.gaussian_total_correlation(points, -np.inf)
    assert bare == pytest.approx(-0.5 * math.log(1 - 0.8**2))
    blurred = metrics.gaussian_total_correlation(points, np.zeros((4, 2)))
    assert blurred == pytest.approx(-0.5 * math.log(1 - 0.4**2))
    assert metrics.gaussian_total_correlation(points[:, [0, 0]], -np.inf) == math.inf
