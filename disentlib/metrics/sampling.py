"""What the scores read: every image is drawn as a row number first, then codes are
looked up.

The rows depend on the grid, the seed and the settings, never on the codes. So the union
of all rows (`plan`) can be encoded once, and every score is array arithmetic on the
table.
"""

from typing import Any

import numpy as np
from jaxtyping import Float64, Int64
from numpy.typing import ArrayLike, NDArray

from disentlib.arrays import Floats, Integers
from disentlib.checks import array_of, instance, whole_number
from disentlib.seeds import stream
from disentlib.sprites.grid import FactorGrid

# 70 and 30 % of 15,000 points, in batches of 64 images, and DCI's trees a class:
# sections 4.1 and 5.1 of the thesis.
TRAIN, TEST, BATCH_SIZE, N_ESTIMATORS = 10_500, 4_500, 64, 10
LARGEST = float(np.finfo(np.float32).max)
LEAST = 1e-130  # squares of what such codes differ by are still numbers
MOST = 10_000_000  # points of a score: more would only fill the memory


def checked_codes(
    codes: ArrayLike, grid: FactorGrid, what: str = "codes"
) -> NDArray[Any]:
    """`codes` as an array (grid.size, D) of real numbers, not copied where it is one
    already.

    Integers and booleans are cast to float64 as rows are read; complex numbers, text
    and objects are refused, and so are masked arrays, whose mask no score would see.

    Raises `ValueError`, which calls them `what`, for a wrong shape or type, D = 0,
    fewer than two factors, or a factor with one class (nothing can be said about it,
    yet it would win a share of the draws).
    """
    instance("grid", grid, FactorGrid)
    refuse_masked(what, codes)
    codes = array_of(what, codes)
    if codes.dtype.kind not in "fiub":
        raise ValueError(
            f"{what} are {codes.dtype}; give real numbers, one column a dimension"
        )
    if codes.ndim != 2 or len(codes) != grid.size:
        raise ValueError(
            f"{what} of shape {codes.shape} do not match the grid's {grid.size} "
            f"images; give an array ({grid.size}, D), row i for image i"
        )
    if codes.shape[1] == 0:
        raise ValueError(f"{what} have D = 0 dimensions; give at least one")
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


def refuse_masked(what: str, values: ArrayLike) -> None:
    """Raise `ValueError` for a masked array, which NumPy would read without its
    mask.
    """
    if isinstance(values, np.ma.MaskedArray):
        raise ValueError(
            f"{what} are a masked array of {values.shape}; give a plain array, with "
            "NaN in rows that no score reads"
        )


def look_up(
    codes: NDArray[Any], rows: Int64[Integers, "*shape"], what: str = "codes"
) -> Float64[Floats, "*shape D"]:
    """Codes (..., D) of `rows` (...) in float64.

    Raises `ValueError`, which calls them `what`, for NaN, infinity, what float32 cannot
    hold and a dimension of less than `LEAST`, whose squares leave float64.
    """
    values: Floats = codes[rows].astype(np.float64)
    if not np.isfinite(values).all():
        bad = ~np.isfinite(values).all(axis=-1)
        row = int(rows[bad][0])
        number = values[bad][0][~np.isfinite(values[bad][0])][0]
        raise ValueError(
            f"{what} row {row} holds {number}; encode the rows of metrics.plan with "
            "the same seed and settings, and check the model for overflow"
        )
    reach = np.abs(values).reshape(-1, values.shape[-1]).max(axis=0, initial=0)
    if reach.max() > LARGEST:
        raise ValueError(
            f"{what} reach {reach.max():.3g}, beyond float32; divide them by a constant"
        )
    if (tiny := reach[(reach > 0) & (reach < LEAST)]).size:
        raise ValueError(
            f"{what} of a dimension reach {tiny[0]:.3g} only, too little to square; "
            "multiply it by a constant"
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
    instance("grid", grid, FactorGrid)
    whole_number("train", train, 2, MOST)
    whole_number("test", test, 1, MOST)
    whole_number("batch_size", batch_size, least)
    largest = max(grid.sizes)
    if batch_size > grid.size // largest:
        name = grid.names[grid.sizes.index(largest)]
        raise ValueError(
            f"batch_size={batch_size} exceeds the {grid.size // largest} images that "
            f"share a class of {name!r}; give at most that"
        )


def training_rows(
    grid: FactorGrid, seed: int, train: int = TRAIN
) -> Int64[Integers, "{train}"]:
    """The `train` images, drawn uniformly with replacement, that all scores of single
    images share (DCI, MIG, SAP, …, the spread of codes).
    """
    whole_number("train", train, 2, MOST)
    return stream(seed, "scores: training images").integers(grid.size, size=train)


def test_rows(
    grid: FactorGrid, seed: int, test: int = TEST
) -> Int64[Integers, "{test}"]:
    """The `test` images, from a stream of their own: a score that needs none can do
    without.

    Drawn from the whole grid, training images among them: where `train` is not far
    below grid.size, the accuracy of classifiers on noise is above chance.
    """
    whole_number("test", test, 1, MOST)
    return stream(seed, "scores: test images").integers(grid.size, size=test)


def both_rows(
    grid: FactorGrid, seed: int, train: int, test: int
) -> Int64[Integers, "{train}+{test}"]:
    """Training and test images together, for what is measured over the data."""
    return np.append(training_rows(grid, seed, train), test_rows(grid, seed, test))


def labelled_samples(
    codes: NDArray[Any], grid: FactorGrid, seed: int, train: int, test: int
) -> tuple[
    Float64[Floats, "{train} D"],
    Int64[Integers, "{train} K"],
    Float64[Floats, "{test} D"],
    Int64[Integers, "{test} K"],
]:
    """Codes (train, D) and classes (train, K) of the training images, and of the test
    images.

    Raises `ValueError` where the training images show one class of a factor only.
    """
    rows, other = training_rows(grid, seed, train), test_rows(grid, seed, test)
    labels = grid.classes(rows)
    refuse_one_class(grid, labels)
    return look_up(codes, rows), labels, look_up(codes, other), grid.classes(other)


def refuse_one_class(grid: FactorGrid, labels: Int64[Integers, "n K"]) -> None:
    """Raise `ValueError` for a factor of which `labels` (n, K) hold one class only."""
    for name, column in zip(grid.names, labels.T):
        if (column == column[0]).all():
            raise ValueError(
                f"train={len(labels)} images show one class of {name!r} only; give more"
            )
