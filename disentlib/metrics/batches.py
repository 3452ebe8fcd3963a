"""Batches of images with one factor fixed, for the β-VAE and FactorVAE scores."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from disentlib.arrays import Integers
from disentlib.metrics.sampling import check_counts
from disentlib.seeds import stream
from disentlib.sprites.grid import FactorGrid

CHUNK = 500  # batches looked up at a time; no result depends on it


@dataclass(frozen=True)
class Batches:
    """Batches with one factor fixed: `factor` (points,) is which; `rows` (points,
    batch, …).
    """

    factor: Int64[Integers, " points"]
    rows: Int64[Integers, "points *batch"]


def shared_class_batches(
    grid: FactorGrid, seed: int, train: int, test: int, batch_size: int
) -> Batches:
    """Batches (train + test, batch) whose images share one class of the factor:
    FactorVAE score.
    """
    check_counts(grid, train, test, batch_size, 2)

    def draw(generator: np.random.Generator, points: int) -> Batches:
        factor = generator.integers(len(grid.sizes), size=points)
        rows = generator.integers(grid.size, size=(points, batch_size))
        sizes = np.array(grid.sizes)[factor]
        classes = (generator.random(points) * sizes).astype(np.int64)
        return Batches(factor, with_class(grid, rows, factor, classes[:, None]))

    return _train_and_test(seed, "shared class", train, test, draw)


def shared_class_pairs(
    grid: FactorGrid, seed: int, train: int, test: int, batch_size: int
) -> Batches:
    """Batches of pairs (train + test, batch, 2): the two images of a pair share the
    factor's class.

    The shared class differs from pair to pair: β-VAE score.
    """
    check_counts(grid, train, test, batch_size, 1)

    def draw(generator: np.random.Generator, points: int) -> Batches:
        factor = generator.integers(len(grid.sizes), size=points)
        first, second = generator.integers(grid.size, size=(2, points, batch_size))
        strides = _strides(grid)[factor][:, None]
        sizes = np.array(grid.sizes)[factor][:, None]
        second = with_class(grid, second, factor, first // strides % sizes)
        return Batches(factor, np.stack([first, second], axis=-1))

    return _train_and_test(seed, "pairs", train, test, draw)


def _train_and_test(
    seed: int,
    purpose: str,
    train: int,
    test: int,
    draw: Callable[[np.random.Generator, int], Batches],
) -> Batches:
    """Points of training, then of testing, each from a stream of its own."""
    parts = [
        draw(stream(seed, f"scores: {purpose}, {name}"), points)
        for name, points in (("train", train), ("test", test))
    ]
    return Batches(
        np.concatenate([part.factor for part in parts]),
        np.concatenate([part.rows for part in parts]),
    )


def with_class(
    grid: FactorGrid,
    rows: Int64[Integers, "points batch"],
    factor: Int64[Integers, " points"],
    classes: Int64[Integers, "points #batch"],
) -> Int64[Integers, "points batch"]:
    """`rows` (points, batch) moved to `classes` of `factor` (points,), all else
    unchanged.
    """
    strides, sizes = (
        _strides(grid)[factor][:, None],
        np.array(grid.sizes)[factor][:, None],
    )
    moved: Integers = rows + (classes - rows // strides % sizes) * strides
    return moved


def in_chunks(batches: Batches) -> Iterator[Int64[Integers, "chunk *batch"]]:
    """`batches.rows`, `CHUNK` batches at a time, so that few codes are in memory at
    once.
    """
    for start in range(0, len(batches.rows), CHUNK):
        yield batches.rows[start : start + CHUNK]


def _strides(grid: FactorGrid) -> Int64[Integers, " K"]:
    # Row number = sum of classes times strides, the last factor fastest.
    return np.array([int(np.prod(grid.sizes[k + 1 :])) for k in range(len(grid.sizes))])
