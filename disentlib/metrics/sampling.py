"""What the scores read: every image is drawn as a row number first, then codes are
looked up.

The rows depend on the grid, the seed and the settings, never on the codes. So the union
of all rows (`plan`) can be encoded once, and every score is array arithmetic on the
table.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from disentlib.seeds import stream
from disentlib.sprites.grid import FactorGrid

CHUNK = 500  # batches looked up at a time; no result depends on it


def checked_codes(codes: ArrayLike, grid: FactorGrid) -> NDArray:
    """`codes` as an array (grid.size, D) of real numbers, not copied where it is one
    already.

    Integers and booleans are cast to float64 as rows are read; complex numbers, text
    and objects are refused.

    Raises `ValueError` for a wrong shape or type, D = 0, fewer than two factors, or a
    factor with one class (nothing can be said about it, yet it would win a share of the
    draws).
    """
    codes = np.asanyarray(codes)
    if codes.dtype.kind not in "fiub":
        raise ValueError(
            f"codes are {codes.dtype}; give real numbers, one column a dimension"
        )
    if codes.ndim != 2 or len(codes) != grid.size:
        raise ValueError(
            f"codes of shape {codes.shape} do not match the grid's {grid.size} images; "
            f"give an array ({grid.size}, D), row i for image i"
        )
    if codes.shape[1] == 0:
        raise ValueError("codes have D = 0 dimensions; give at least one")
    if len(grid.sizes) < 2:
        raise ValueError(
            f"a grid of {len(grid.sizes)} factor leaves nothing to tell apart; give 2"
        )
    if min(grid.sizes) < 2:
        name = grid.names[grid.sizes.index(min(grid.sizes))]
        raise ValueError(
            f"factor {name!r} has one class only; leave it out of the grid"
        )
    return codes


def look_up(codes: NDArray, index: NDArray[np.int64]) -> NDArray[np.float64]:
    """Codes (..., D) of the rows `index` (...) in float64; `ValueError` for NaN or
    infinity.
    """
    values = codes[index].astype(np.float64)
    if not np.isfinite(values).all():
        bad = ~np.isfinite(values).all(axis=-1)
        row = int(index[bad][0])
        number = values[bad][0][~np.isfinite(values[bad][0])][0]
        raise ValueError(
            f"codes row {row} holds {number}; encode the rows of metrics.plan with the "
            "same seed and settings, and check the model for overflow"
        )
    return values


def check_counts(
    grid: FactorGrid, train: int, test: int, batch_size: int, least: int
) -> None:
    """Refuse fewer than `least` images a batch, and more than any factor's slice of the
    grid has.

    Batches are drawn with replacement, as in the papers. A batch larger than the slice
    with one factor fixed (grid.size / size of the factor) would only repeat images.
    """
    for name, value, bound in (
        ("train", train, 2),
        ("test", test, 1),
        ("batch_size", batch_size, least),
    ):
        if (
            isinstance(value, bool)
            or not isinstance(value, int | np.integer)
            or value < bound
        ):
            raise ValueError(
                f"{name}={value!r} must be a whole number of at least {bound}"
            )
    largest = max(grid.sizes)
    if batch_size > grid.size // largest:
        name = grid.names[grid.sizes.index(largest)]
        raise ValueError(
            f"batch_size={batch_size} exceeds the {grid.size // largest} images that "
            f"share a class of {name!r}; give at most that"
        )


@dataclass(frozen=True)
class Sample:
    """A labelled sample: rows (train,) and (test,), drawn uniformly with
    replacement.
    """

    train: NDArray[np.int64]
    test: NDArray[np.int64]


def sample(
    grid: FactorGrid, seed: int, train: int = 10_500, test: int = 4_500
) -> Sample:
    """The sample that all scores of single images share (DCI, MIG, SAP, …, the spread
    of codes).
    """
    check_counts(grid, train, test, 1, 1)
    rows = stream(seed, "scores: sample").integers(grid.size, size=train + test)
    return Sample(rows[:train], rows[train:])


@dataclass(frozen=True)
class Batches:
    """Batches with one factor fixed: `factor` (points,) is which; `rows` (points,
    batch, …).
    """

    factor: NDArray[np.int64]
    rows: NDArray[np.int64]


def shared_class_batches(
    grid: FactorGrid, seed: int, points: int, batch_size: int
) -> Batches:
    """Batches (points, batch) whose images share one class of the factor: FactorVAE
    score.
    """
    generator = stream(seed, "scores: shared class")
    factor = generator.integers(len(grid.sizes), size=points)
    rows = generator.integers(grid.size, size=(points, batch_size))
    classes = (generator.random(points) * np.array(grid.sizes)[factor]).astype(np.int64)
    return Batches(factor, with_class(grid, rows, factor, classes[:, None]))


def shared_class_pairs(
    grid: FactorGrid, seed: int, points: int, batch_size: int
) -> Batches:
    """Batches of pairs (points, batch, 2): the two images of a pair share the factor's
    class.

    The shared class differs from pair to pair: β-VAE score.
    """
    generator = stream(seed, "scores: pairs")
    factor = generator.integers(len(grid.sizes), size=points)
    first = generator.integers(grid.size, size=(points, batch_size))
    second = generator.integers(grid.size, size=(points, batch_size))
    strides, sizes = (
        _strides(grid)[factor][:, None],
        np.array(grid.sizes)[factor][:, None],
    )
    second = with_class(grid, second, factor, first // strides % sizes)
    return Batches(factor, np.stack([first, second], axis=-1))


def with_class(
    grid: FactorGrid, rows: NDArray, factor: NDArray, classes: NDArray
) -> NDArray:
    """`rows` (points, batch) moved to `classes` of `factor` (points,), all else
    unchanged.
    """
    strides, sizes = (
        _strides(grid)[factor][:, None],
        np.array(grid.sizes)[factor][:, None],
    )
    return rows + (classes - rows // strides % sizes) * strides


def in_chunks(batches: Batches, chunk: int = CHUNK) -> Iterator[NDArray[np.int64]]:
    """`batches.rows`, `chunk` batches at a time, so that few codes are in memory at
    once.
    """
    if isinstance(chunk, bool) or not isinstance(chunk, int | np.integer) or chunk < 1:
        raise ValueError(f"chunk={chunk!r} must be a whole number of at least 1")
    for start in range(0, len(batches.rows), chunk):
        yield batches.rows[start : start + chunk]


def _strides(grid: FactorGrid) -> NDArray[np.int64]:
    # Row number = sum of classes times strides, the last factor fastest.
    return np.array([int(np.prod(grid.sizes[k + 1 :])) for k in range(len(grid.sizes))])
