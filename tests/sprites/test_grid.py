"""The factor grid: numbering, values, and what it refuses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from disentlib.sprites.grid import GRID, FactorGrid


def grids():
    sizes = st.lists(st.integers(1, 6), min_size=1, max_size=5)
    return sizes.map(
        lambda s: FactorGrid(tuple(f"factor {k}" for k in range(len(s))), tuple(s))
    )


@given(grids())
def test_rows_and_classes_are_inverse_and_count_in_order(grid):
    rows = np.arange(grid.size)
    classes = grid.classes(rows)
    assert np.array_equal(grid.rows(classes), rows)
    # Rising in lexicographic order, each combination once: the last factor is the
    # fastest.
    assert [tuple(row) for row in classes] == sorted(
        {tuple(row) for row in classes.tolist()}
    )
    assert classes.shape == (grid.size, len(grid.sizes)) and classes.dtype == np.int64
    assert np.array_equal(grid.values(rows), classes)


def test_dsprites_grid():
    assert GRID.sizes == (3, 6, 40, 32, 32)
    assert GRID.size == len(GRID) == 737_280
    assert GRID.names == ("shape", "scale", "orientation", "position_x", "position_y")
    # The official latents_bases without the colour.
    assert [int(GRID.rows(row)) for row in np.eye(5, dtype=int)] == [
        245760,
        40960,
        1024,
        32,
        1,
    ]
    assert np.allclose(GRID.values(GRID.size - 1), [3, 1, 2 * np.pi, 1, 1])
    assert np.allclose(GRID.values(0), [1, 0.5, 0, 0, 0])


def test_shapes_follow_the_rows():
    assert GRID.classes(5).shape == (5,)
    assert GRID.classes([[1, 2], [3, 4]]).shape == (2, 2, 5)
    assert GRID.classes([]).shape == (0, 5)
    assert GRID.rows(np.zeros((0, 5), int)).shape == (0,)
    assert GRID.factor("scale") == GRID.factor(1) == 1


def test_levels_are_kept_as_values():
    grid = FactorGrid(("a", "b"), (2, 3), ((10, 20), (0.5, 1, 2)))
    assert np.array_equal(grid.values(4), [20, 1])
    assert FactorGrid(np.array(["a", "b"]), grid.sizes, grid.levels) == grid
    assert hash(grid) == hash(FactorGrid(("a", "b"), (2, 3), ((10, 20), (0.5, 1, 2))))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: GRID.classes(-1), "row -1 is outside the grid's 0 … 737279"),
        (lambda: GRID.classes([0, 737_280]), "row 737280 is outside"),
        (lambda: GRID.classes([0.5]), "whole numbers, not float64"),
        (lambda: GRID.rows([0, 0, 40, 0, 0]), r"\[0, 0, 40, 0, 0\] are outside"),
        (lambda: GRID.rows([[0, 0, 0, 0, -1]]), r"\[0, 0, 0, 0, -1\] are outside"),
        (lambda: GRID.rows([0, 0, 0]), "need 5 columns"),
        (
            lambda: GRID.factor("colour"),
            "no factor 'colour'; the grid has shape, scale",
        ),
        (lambda: GRID.factor(5), "no factor 5"),
        (lambda: FactorGrid(("a",), (2, 3)), "must pair up"),
        (lambda: FactorGrid(("a", "a"), (2, 3)), "each name once"),
        (lambda: FactorGrid((1, "a"), (2, 3)), "name=1 must be a str"),
        (lambda: FactorGrid(("a\nb",), (2,)), r"name='a\\nb' must be printable"),
        (lambda: FactorGrid(3, (2,)), "names=3 must be words"),
        (lambda: FactorGrid(("a",), (0,)), "at least 1"),
        (lambda: FactorGrid(("a",), (2,), ((1, 2, 3),)), "match the numbers of levels"),
    ],
)
def test_bad_input_is_refused_in_one_line(call, message):
    with pytest.raises(ValueError, match=message) as error:
        call()
    assert "\n" not in str(error.value)
