"""Designed representations: that each is what it says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from disentlib.metrics import designs
from disentlib.sprites.grid import FactorGrid

GRID = FactorGrid(("a", "b", "c"), (3, 4, 7), ((1, 10, 100), range(4), range(7)))
SEEDS = st.integers(0, 2**32 - 1)
IDENTITY = designs.identity(GRID)


def grids():
    sizes = st.lists(st.integers(3, 8), min_size=2, max_size=4)
    return sizes.map(
        lambda s: FactorGrid(tuple(f"factor {k}" for k in range(len(s))), tuple(s))
    )


def standard(codes):
    return np.allclose(codes.mean(axis=0), 0) and np.allclose(codes.var(axis=0), 1)


def says(codes, classes):
    """Whether the codes determine the classes."""
    both = np.column_stack([codes.round(9), classes])
    return len(np.unique(both, axis=0)) == len(np.unique(codes.round(9), axis=0))


@settings(max_examples=30)
@given(grids())
def test_identity_says_one_factor_a_dimension(grid):
    codes, classes = designs.identity(grid), grid.classes(np.arange(grid.size))
    assert standard(codes) and codes.shape == classes.shape
    assert all(says(codes[:, [k]], classes[:, k]) for k in range(classes.shape[1]))
    assert np.allclose(np.corrcoef(codes.T), np.eye(classes.shape[1]))


@settings(max_examples=30)
@given(grids(), SEEDS, st.integers(0, 9))
def test_rotation_and_spread_keep_all_distances(grid, seed, extra):
    codes = designs.identity(grid)
    turned = designs.rotated(grid, seed)
    assert np.allclose(turned @ turned.T, codes @ codes.T)
    wide = designs.spread(codes, codes.shape[1] + extra, seed)
    assert wide.shape == (grid.size, codes.shape[1] + extra)
    assert np.allclose(wide @ wide.T, codes @ codes.T)
    assert np.array_equal(designs.spread(codes, codes.shape[1], seed), turned)


@given(grids(), st.integers(0, 3))
def test_both_parts_of_a_split_factor_say_it_and_neither_does(grid, factor):
    factor %= len(grid.sizes)
    codes, K = designs.split(grid, factor), len(grid.sizes)
    classes = grid.classes(np.arange(grid.size))[:, factor]
    assert standard(codes) and codes.shape == (grid.size, K + 1)
    assert says(codes[:, [factor, K]], classes)
    assert not says(codes[:, [factor]], classes) and not says(codes[:, [K]], classes)
    others = [k for k in range(K) if k != factor]
    assert np.array_equal(codes[:, others], designs.identity(grid)[:, others])


@given(grids(), st.permutations(range(4)))
def test_a_merged_dimension_says_both_factors(grid, order):
    first, second = [k for k in order if k < len(grid.sizes)][:2]
    codes = designs.merged(grid, first, second)
    assert standard(codes) and codes.shape == (grid.size, len(grid.sizes) - 1)
    column = first - (second < first)
    classes = grid.classes(np.arange(grid.size))
    assert says(codes[:, [column]], classes[:, [first, second]])
    assert len(np.unique(codes[:, column])) == grid.sizes[first] * grid.sizes[second]


def test_names_serve_as_well_as_numbers():
    assert np.array_equal(designs.split(GRID, "b"), designs.split(GRID, 1))
    assert np.array_equal(designs.merged(GRID, "a", "c"), designs.merged(GRID, 0, 2))


def test_dead_and_noisy_dimensions_follow_the_codes():
    dead = designs.with_dead(IDENTITY, 2)
    assert np.array_equal(dead[:, :3], IDENTITY) and not dead[:, 3:].any()
    noisy = designs.with_noise(IDENTITY, 9, 5)
    assert np.array_equal(noisy[:, :3], IDENTITY) and noisy.shape == (84, 9)
    assert np.array_equal(designs.with_noise(IDENTITY, 6, 5), noisy[:, :6])
    assert not np.array_equal(designs.with_noise(IDENTITY, 9, 6), noisy)
    assert np.array_equal(designs.with_noise(IDENTITY, 3), IDENTITY)


def test_noise_is_standard_normal_and_knows_no_factor():
    grid = FactorGrid(("a", "b"), (100, 200))
    codes = designs.noise(grid, 3, 1)
    error = 4 / np.sqrt(grid.size)
    assert (np.abs(codes.mean(axis=0)) < error).all()
    assert (np.abs(codes.var(axis=0) - 1) < np.sqrt(2) * error).all()
    together = np.column_stack([codes, designs.identity(grid)])
    assert (np.abs(np.corrcoef(together.T) - np.eye(5)) < error).all()


@settings(deadline=None)
@given(SEEDS, st.integers(1, 12))
def test_mixtures_are_finite_and_repeat(seed, D):
    codes = designs.random_mixture(GRID, D, seed)
    assert codes.shape == (84, D) and np.isfinite(codes).all()
    assert np.array_equal(codes, designs.random_mixture(GRID, D, seed))


def test_mixtures_reach_from_one_factor_a_dimension_to_all():
    largest = []
    for seed in range(40):
        correlation = (
            np.corrcoef(designs.random_mixture(GRID, 6, seed).T, IDENTITY.T)[:6, 6:]
            ** 2
        )
        largest.append((correlation.max(axis=1) / correlation.sum(axis=1)).mean())
    assert min(largest) < 0.5 and max(largest) > 0.9


def test_orthonormal_rows_prefer_no_direction():
    draws = np.array([designs.orthonormal(2, 3, seed) for seed in range(2000)])
    assert np.allclose(draws @ draws.transpose(0, 2, 1), np.eye(2))
    assert (np.abs(draws.mean(axis=0)) < 4 * np.sqrt(1 / 3 / 2000)).all()
    assert np.allclose((draws**2).mean(axis=0), 1 / 3, atol=0.03)


def test_standardised_leaves_constant_dimensions_at_zero():
    codes = designs.standardised(np.column_stack([np.arange(5), np.full(5, 0.1)]))
    assert standard(codes[:, :1]) and not codes[:, 1].any()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: designs.split(FactorGrid("ab", (2, 3)), "a"),
            "'a' has 2 classes; split one of",
        ),
        (lambda: designs.split(GRID, "d"), "no factor 'd'; the grid has a, b, c"),
        (lambda: designs.merged(GRID, 1, "b"), "1 and 'b' are the same; give two"),
        (
            lambda: designs.with_noise(IDENTITY, 2),
            "D = 2 is less than the 3 dimensions",
        ),
        (lambda: designs.spread(IDENTITY, 2), "D = 2 is less than the 3 dimensions"),
        (
            lambda: designs.noise(GRID, 2, -1),
            "seed=-1 must be a whole number of at least 0",
        ),
    ],
)
def test_bad_input_is_refused_in_one_line(call, message):
    with pytest.raises(ValueError, match=message) as error:
        call()
    assert "\n" not in str(error.value)
