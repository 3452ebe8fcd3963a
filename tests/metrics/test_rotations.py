"""Rotations among the dimensions in use, and the excess of a score over them."""

import numpy as np
import pytest

from disentlib import metrics
from disentlib.metrics import designs
from disentlib.metrics.rotations import rotated_within
from disentlib.sprites.grid import FactorGrid

GRID = FactorGrid(("a", "b", "c"), (4, 5, 6))


def test_distances_means_and_idle_dimensions_stay():
    codes = designs.with_noise(3 + designs.identity(GRID), 5)
    codes[7] = np.nan
    used = np.array([1, 0, 1, 1, 0], bool)
    turned = rotated_within(codes, 1, 0, used)
    assert np.isnan(turned[7]).all() and np.isfinite(np.delete(turned, 7, 0)).all()
    assert np.array_equal(turned[:, ~used], codes[:, ~used].astype(np.float32), True)
    before, after = (np.delete(z, 7, 0)[:, used] for z in (codes, turned))
    assert after.mean(axis=0) == pytest.approx(before.mean(axis=0), abs=1e-5)
    gaps = [np.linalg.norm(z[1:] - z[:-1], axis=1) for z in (before, after)]
    assert gaps[1] == pytest.approx(gaps[0], rel=1e-4)
    assert np.abs(after - before).max() > 0.5


def test_each_position_is_another_turn_and_one_dimension_has_none():
    codes = designs.identity(GRID)
    draws = [rotated_within(codes, 1, r) for r in (0, 0, 1)]
    assert np.array_equal(draws[0], draws[1])
    assert np.abs(draws[0] - draws[2]).max() > 0.1
    alone = rotated_within(codes, 1, 0, [True, False, False])
    assert np.array_equal(alone, codes.astype(np.float32))


def test_each_run_has_turns_of_its_own():
    codes = designs.identity(GRID)
    runs = (0, 1, 2**32, 2**63 - 1)
    turns = {rotated_within(codes, 1, 0, run=run).tobytes() for run in runs}
    assert len(turns) == len(runs)
    with pytest.raises(ValueError, match=r"^run=-1 must be a whole number of at least"):
        rotated_within(codes, run=-1)


def test_dimensions_of_little_variance_are_not_in_use():
    codes = designs.identity(GRID) * [1, 1, 0.05]
    turned = rotated_within(codes)
    assert np.array_equal(turned[:, 2], codes[:, 2].astype(np.float32))


def excess(codes, score, seed, rotations=4):
    over = [score(rotated_within(codes, seed, r), seed) for r in range(rotations)]
    return score(codes, seed) - np.mean(over)


@pytest.mark.parametrize(
    "score",
    [
        lambda z, s: metrics.mig(z, GRID, s, train=400),
        lambda z, s: metrics.factor_vae_score(
            z, GRID, s, train=200, test=200, batch_size=8
        ),
    ],
)
def test_a_rotation_does_not_exceed_its_rotations_and_perfect_codes_do(score):
    for D in (3, 12):
        over = [
            excess(designs.spread(designs.identity(GRID), D, s), score, s)
            for s in range(12)
        ]
        error = np.std(over, ddof=1) / np.sqrt(len(over))
        assert abs(np.mean(over)) <= 4 * error
    over = [excess(designs.identity(GRID), score, s) for s in range(12)]
    assert np.mean(over) > 0.1
