"""Pooled fits, permutations and families, on tables whose truth is known."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

from disentlib.study import permutation
from disentlib.study.permutation import holm, permutation_p
from disentlib.study.pooled import pooled_contrast, pooled_slope, spread_between_seeds

LEVELS = np.array([4.0, 6, 8, 10, 15])
PEAK = {4: -0.25, 6: -0.25, 8: -0.25, 10: 1.0, 15: -0.25}


def simulated(rng, seeds, slope=0.0, effect=None):
    """Levels, values and seeds of a grid of runs with seed effects and unit noise."""
    level, seed = np.tile(LEVELS, seeds), np.repeat(np.arange(seeds), len(LEVELS))
    values = slope * level + rng.normal(size=seeds)[seed] + rng.normal(size=level.size)
    return level, values + (effect(level) if effect else 0.0), seed


def within(share, low, high, n):
    """The share lies in the band, but for four standard errors of counting."""
    error = 4 * np.sqrt(share * (1 - share) / n + 1e-9)
    return low - error <= share <= high + error


def test_one_seed_is_plain_regression():
    level, values, seed = simulated(np.random.default_rng(0), 1, slope=0.3)
    fit, plain = (
        pooled_slope(level, values, seed),
        scipy_stats.linregress(level, values),
    )
    assert fit.value == pytest.approx(plain.slope) and fit.p == pytest.approx(
        plain.pvalue
    )
    assert fit.df == 3


def test_seed_effects_leave_the_slope_alone_and_cost_their_degrees_of_freedom():
    rng = np.random.default_rng(1)
    level, values, seed = simulated(rng, 4, slope=0.2)
    moved = values + np.array([0, 50, -20, 7])[seed]
    first, second = (pooled_slope(level, v, seed) for v in (values, moved))
    assert first.value == pytest.approx(second.value)
    assert (first.low, first.high) == pytest.approx((second.low, second.high))
    assert first.df == 20 - 4 - 1
    some = np.arange(20) != 7  # a run is missing
    assert pooled_slope(level[some], moved[some], seed[some]).df == 14


@pytest.mark.parametrize("seeds", [2, 3, 10])
def test_pooled_intervals_hold_what_they_promise(seeds):
    rng, trials = np.random.default_rng(seeds), 600
    slopes = contrasts = 0
    for _ in range(trials):
        table = simulated(rng, seeds, slope=0.1)
        slope, contrast = pooled_slope(*table), pooled_contrast(*table, PEAK)
        slopes += slope.low <= 0.1 <= slope.high
        truth = 0.1 * sum(w * level for level, w in PEAK.items())
        contrasts += contrast.low <= truth <= contrast.high
    assert within(slopes / trials, 0.94, 0.96, trials)
    assert within(contrasts / trials, 0.94, 0.96, trials)


def test_the_permutation_test_has_its_size(monkeypatch):
    rng, trials = np.random.default_rng(5), 600
    monkeypatch.setattr(permutation, "DRAWN", 499)
    for seeds in (2, 6):  # counted, and drawn
        rejected = 0
        for _ in range(trials):
            level, values, seed = simulated(rng, seeds)
            rejected += permutation_p(level, values, seed) <= 0.05
        assert within(rejected / trials, 0.045, 0.055, trials)


def test_a_permutation_is_counted_exactly():
    level, values, seed = simulated(np.random.default_rng(6), 1, slope=0.2)
    centred = level - level.mean()
    by_scipy = scipy_stats.permutation_test(
        (values,), lambda v: centred @ v, permutation_type="pairings"
    )
    as_far = np.abs(by_scipy.null_distribution) >= abs(by_scipy.statistic) - 1e-9
    assert len(as_far) == 120
    assert permutation_p(level, values, seed) == pytest.approx(as_far.mean())
    rising = np.tile(LEVELS, 3)
    least = permutation_p(rising, rising, np.repeat([0, 1, 2], 5))
    assert least == pytest.approx(1 / 120**3)


@pytest.mark.parametrize("listed", [0, 7])
def test_drawn_and_counted_agree(monkeypatch, listed):
    table = simulated(np.random.default_rng(7), 2, slope=0.1)
    counted = permutation_p(*table)
    monkeypatch.setattr(permutation, "COUNTED", 1)
    monkeypatch.setattr(permutation, "LISTED", listed)
    assert permutation_p(*table) == pytest.approx(counted, abs=0.015)


def test_a_planted_peak_and_a_planted_plateau_are_found():
    rng = np.random.default_rng(8)
    peak = simulated(rng, 10, effect=lambda level: 2.0 * (level == 10))
    found = pooled_contrast(*peak, PEAK)
    assert found.low > 0 and found.low < 2 < found.high
    plateau = simulated(rng, 10, effect=lambda level: 3.0 * np.minimum(level, 6) / 2)
    above = {6: 1 / 4, 8: 1 / 4, 10: 1 / 4, 15: 1 / 4, 4: -1}
    assert pooled_contrast(*plateau, above).low > 0
    flat = plateau[0] >= 6
    level_there = pooled_slope(*(column[flat] for column in plateau))
    assert not level_there.excludes_zero
    assert level_there.largest * 9 < 2.5


def test_spread_between_seeds_is_pooled_with_chi_square_bounds():
    rng, held = np.random.default_rng(9), 0
    for _ in range(400):
        level = np.tile(LEVELS, 3)
        spread, low, high = spread_between_seeds(level, level + rng.normal(size=15))
        held += low <= 1 <= high
        assert low < spread < high
    assert within(held / 400, 0.94, 0.96, 400)
    assert np.isnan(spread_between_seeds([4, 6], [1, 2])).all()


def test_holm_steps_down():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    np.testing.assert_allclose(holm([0.5, np.nan, 0.9]), [1.0, np.nan, 1.0])


@pytest.mark.parametrize(
    "call, complaint",
    [
        (lambda: pooled_slope([4, 4], [1, 2], [0, 1]), "cannot tell"),
        (lambda: pooled_slope([4, 6], [1, 2], [0]), "do not match"),
        (lambda: pooled_contrast([4, 6], [1, 2], [0, 0], {4: 1, 8: -1}), "no run at level 8"),
        (lambda: pooled_contrast([4, 6], [1, 2], [0, 0], {4: 1, 6: 1}), "sum to 0"),
        (lambda: pooled_contrast([4, 6], [1, 2], [0, 1], {4: 1, 6: -1}), "cannot tell"),
        (lambda: permutation_p([4, 6], [1, 2], [0]), "do not match"),
    ],
)  # fmt: skip
def test_bad_input(call, complaint):
    with pytest.raises(ValueError, match=complaint):
        call()


def test_two_runs_give_a_slope_without_an_interval():
    fit = pooled_slope([4, 10], [0.1, 0.4], [0, 0])
    assert fit.value == pytest.approx(0.05) and fit.df == 0
    assert (
        np.isnan([fit.low, fit.high, fit.p, fit.largest]).all()
        and not fit.excludes_zero
    )
