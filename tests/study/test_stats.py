"""Intervals that hold what they promise for three seeds, and pairs that are counted
exactly.
"""

import numpy as np
import pytest
from scipy import stats as scipy_stats

from disentlib.study.stats import mean_interval, paired_difference, trend


def test_the_interval_is_students_and_covers_at_three_seeds():
    values = np.array([0.4, 0.6, 0.65])
    mean, low, high = mean_interval(values)
    by_scipy = scipy_stats.t.interval(0.95, 2, values.mean(), scipy_stats.sem(values))
    assert (low, high) == pytest.approx(by_scipy) and mean == pytest.approx(0.55)
    rng = np.random.default_rng(0)
    held = [
        low <= 0 <= high
        for _, low, high in map(mean_interval, rng.normal(size=(4000, 3)))
    ]
    assert abs(np.mean(held) - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 4000)


def test_one_seed_says_nothing_about_spread():
    np.testing.assert_equal(mean_interval([0.5]), (0.5, np.nan, np.nan))


def test_pairs_are_flipped_exactly():
    pair = paired_difference([0.1, 0.2, 0.3], [0.2, 0.4, 0.6])
    assert pair.mean == pytest.approx(0.2) and pair.p == 0.25 and pair.n == 3
    first, second = np.random.default_rng(1).normal(size=(2, 9))
    by_scipy = scipy_stats.permutation_test(
        (second - first,),
        lambda d, axis: d.mean(axis),
        permutation_type="samples",
        vectorized=True,
    )
    assert paired_difference(first, second).p == pytest.approx(by_scipy.pvalue)


def test_a_trend_is_the_least_squares_slope():
    levels, values = np.array([4, 6, 8, 10, 15]), np.array([1, 3, 2, 5, 4.0])
    assert trend(levels, values) == pytest.approx(np.polyfit(levels, values, 1)[0])


@pytest.mark.parametrize(
    "call, complaint",
    [
        (lambda: mean_interval([]), "at least one"),
        (lambda: mean_interval([1, np.nan]), "finite"),
        (lambda: mean_interval([1, 2], level=95), "level=95 must be"),
        (lambda: paired_difference([1, 2], [1]), "2 and 1 values do not pair"),
        (lambda: paired_difference(range(17), range(17)), "at most 16"),
        (lambda: trend([4, 4], [1, 2]), "two levels"),
    ],
)
def test_bad_input(call, complaint):
    with pytest.raises(ValueError, match=complaint):
        call()
