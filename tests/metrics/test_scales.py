"""Shift and scale of a dimension, over the whole of float32: no score may see them where
its definition does not.
"""

from functools import partial
from importlib import import_module

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from score_calls import BATCHED, FEW, calls
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from disentlib import metrics
from disentlib.metrics import designs
from disentlib.metrics.beta_vae import softmax_regression
from disentlib.metrics.sampling import labelled_samples
from disentlib.metrics.scales import ranked, standardised
from disentlib.sprites.grid import FactorGrid

GRID = FactorGrid(("a", "b", "c"), (3, 4, 5))
SCORES = {
    **calls(parts=False),
    "beta_vae_score": lambda *of: metrics.beta_vae_score(
        *of, standardise=True, **BATCHED
    ),
    "quantile bins": lambda *of: metrics.mig(*of, estimator="quantile", train=100),
    "neighbours": lambda *of: metrics.mig(*of, estimator="neighbours", train=100),
    "correlation": lambda *of: metrics.sap(*of, predictor="correlation", **FEW),
}
# Its definition weighs dimensions by their size.
FREE = sorted({*SCORES} - {"irs"})
# What a solver finds, or a logarithm, is as exact as its tolerance.
ROUNDING = {"correlation": 1e-9, "explicitness": 1e-9, "beta_vae_score": 1e-9}
POWERS = [-100, -27, 27, 100]  # of two: 1e-30 … 1e30


def steps_of(D, seed):
    """A mixture in steps of 1/64, so that shifts and powers of two lose nothing."""
    return np.round(64 * designs.random_mixture(GRID, D, seed)) / 64


def agree(name, changed, codes):
    found, expected = (SCORES[name](z, GRID) for z in (changed, codes))
    assert np.max(np.abs(found - expected)) <= ROUNDING.get(name, 0)


@pytest.mark.parametrize("name", FREE)
@pytest.mark.parametrize("power", POWERS)
def test_scale_of_one_dimension_over_all_of_float32(name, power):
    codes = steps_of(3, 1)
    agree(name, codes * [1, 1, 2.0**power], codes)
    agree(name, (codes * 2.0**power).astype(np.float32), codes)


@pytest.mark.parametrize("name", FREE)
@pytest.mark.parametrize("power", [1e-30, 1e8])
def test_scales_that_round(name, power):
    codes = steps_of(3, 2)
    agree(name, codes * [1, power, 1], codes)


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize("shift", [-1e4, 2.0**46])
def test_shift_of_one_dimension(name, shift):
    codes = steps_of(3, 3)
    found, expected = (
        SCORES[name](z, GRID) for z in (codes + shift * np.eye(3)[1], codes)
    )
    assert found == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("scale", [1e-30, 1e-8, 1.0, 1e8, 1e30])
@pytest.mark.parametrize("shift", [0.0, 1e8])
def test_perfect_codes_stay_perfect(scale, shift):
    codes = scale * (GRID.classes(np.arange(60)) + shift)
    few = {"train": 400, "test": 200}
    found = metrics.dci(codes, GRID, n_jobs=1, **few)
    assert found.informativeness == 1
    assert found.disentanglement == pytest.approx(1, abs=1e-12)
    assert metrics.sap(codes, GRID, **few) == metrics.sap(
        GRID.classes(np.arange(60)), GRID, **few
    )
    raw = metrics.beta_vae_score(codes, GRID, batch_size=12, **few)
    assert raw > 0.99 if scale >= 1 else 0 <= raw < 0.6


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 999), st.integers(1, 4))
def test_trees_on_ranks_are_those_on_codes(seed, D):
    """Within float32 they see the same: importances equal, and answers but for cuts
    between codes that are no neighbours.
    """
    codes = designs.random_mixture(GRID, D, seed)
    z, labels, z_test, _ = labelled_samples(codes, GRID, seed, 80, 40)
    r, r_test = ranked(z, z_test)
    plain, ranks = (
        GradientBoostingClassifier(n_estimators=2, random_state=0).fit(x, labels[:, 2])
        for x in (z, r)
    )
    assert ranks.feature_importances_ == pytest.approx(
        plain.feature_importances_, abs=1e-12
    )
    assert np.array_equal(plain.predict(z), ranks.predict(r))
    assert (plain.predict(z_test) == ranks.predict(r_test)).mean() > 0.8


def test_ranks_known_by_hand():
    train, test = np.array([[5.0], [1], [5], [9]]), np.array([[0.0], [3], [3.1], [99]])
    own, other = ranked(train, test)
    assert own.ravel().tolist() == [1, 0, 1, 2]
    assert other.ravel().tolist() == [0, 0, 1, 2]
    assert ranked(train[:1], test)[1].ravel().tolist() == [0] * 4


def test_standardised_is_that_of_the_training_part():
    train, test = np.array([[1.0, 3], [3, 3]]), np.array([[5.0, 4]])
    own, other = standardised(train, test)
    assert own.tolist() == [[-1, 0], [1, 0]] and other.tolist() == [[3, 1]]


@pytest.mark.parametrize("scales", [[1, 1, 1], [1e-2, 1, 50]])
def test_softmax_regression_is_that_of_scikit_learn(scales):
    generator = np.random.default_rng(0)
    labels = generator.integers(3, size=200)
    x = (generator.standard_normal((200, 3)) + labels[:, None] * [1, 0.5, 0]) * scales
    weights, biases = softmax_regression(x, labels, 3)
    theirs = LogisticRegression(max_iter=100_000, tol=1e-9).fit(x, labels)
    expected, found = theirs.predict_proba(x), x @ weights + biases
    found = np.exp(found - np.logaddexp.reduce(found, axis=1, keepdims=True))
    assert found == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("scale", [1e4, 1e12, 1e30])
def test_linear_svc_sees_no_scale_but_for_its_penalty(scale):
    codes = designs.rotated(GRID)
    score = partial(metrics.sap, predictor="linear_svc", **FEW)
    assert score(scale * codes, GRID) == pytest.approx(score(100 * codes, GRID), 0.2)


def test_a_solver_that_does_not_end_is_no_answer(monkeypatch):
    monkeypatch.setattr(import_module("disentlib.metrics.sap"), "SVC_STEPS", 1)
    with pytest.raises(ValueError, match=r"does not converge on codes up to .*; stand"):
        metrics.sap(designs.rotated(GRID), GRID, predictor="linear_svc", **FEW)
