"""Statistics for a handful of seeds: intervals of a mean, paired
differences, a trend.
"""

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t

from disentlib.checks import array_of, finite_numbers, number, shown


def mean_interval(values: ArrayLike, level: float = 0.95) -> tuple[float, float, float]:
    """Mean of `values` (n,) and the bounds of its interval by Student's t with n - 1
    degrees.

    With three seeds a bootstrap interval called 95 % holds the mean in about 75 % of
    cases, the t interval in 95 %, for normal values. With one value there is no
    interval: NaN. Raises `ValueError` for no values, or values that are not finite.
    """
    values = finite(values)
    number("level", level, above=0, below=1)
    mean = float(values.mean())
    if len(values) == 1:
        return mean, np.nan, np.nan
    half = (
        t.ppf((1 + level) / 2, len(values) - 1)
        * values.std(ddof=1)
        / np.sqrt(len(values))
    )
    return mean, mean - float(half), mean + float(half)


@dataclass(frozen=True)
class Paired:
    """A mean of differences, its 95 % t interval, and the exact two-sided
    sign-flip p-value.
    """

    mean: float
    low: float
    high: float
    p: float
    n: int


def paired_difference(first: ArrayLike, second: ArrayLike) -> Paired:
    """How far `second` (n,) is above `first` (n,), pair by pair (the same seed in
    both); what the exercises compare.

    The p-value counts, over all 2^n ways to flip the signs of the differences, those
    whose mean is at least as far from 0; with n pairs it cannot be below 2 / 2^n: 0.25
    for three seeds. Raises `ValueError` for different lengths, no pairs, or values that
    are not finite.
    """
    first, second = finite(first), finite(second)
    if len(first) != len(second):
        raise ValueError(
            f"{len(first)} and {len(second)} values do not pair; give one of each seed"
        )
    if len(first) > 16:
        raise ValueError(
            f"{len(first)} pairs are too many to flip exactly; give at most 16"
        )
    differences = second - first
    mean, low, high = mean_interval(differences)
    flips = np.array(list(product((-1, 1), repeat=len(differences))))
    as_far = np.abs((flips * differences).mean(axis=1)) >= abs(mean) * (1 - 1e-12)
    return Paired(mean, low, high, float(as_far.mean()), len(differences))


def trend(levels: ArrayLike, values: ArrayLike) -> float:
    """Slope of the least-squares line of `values` (n,) over `levels` (n,).

    >>> trend([4, 6, 8], [1, 2, 3])
    0.5
    """
    levels, values = finite(levels), finite(values)
    if len(levels) != len(values) or np.ptp(levels) == 0:
        raise ValueError(
            f"a slope needs two levels and a value each, not {shown(levels.tolist())}"
        )
    centred = levels - levels.mean()
    return float(centred @ values / (centred @ centred))


def run_columns(
    asked: str, first: ArrayLike, values: ArrayLike, seeds: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[Any]]:
    """Three columns (n,), a row a run: what is `asked` of it, its value, its seed.

    Raises `ValueError` for columns of different lengths, or numbers that are not
    finite.
    """
    first, values = finite(first), finite(values)
    seeds = np.asarray(seeds).reshape(-1)
    if not len(first) == len(values) == len(seeds):
        raise ValueError(
            f"{len(first)} {asked}, {len(values)} values and {len(seeds)} seeds do not "
            f"match; give one of each a run"
        )
    return first, values, seeds


def finite(values: ArrayLike) -> NDArray[np.float64]:
    """The values as a column (n,); `ValueError` for none, or one that is not finite."""
    return finite_numbers("values", np.ravel(array_of("values", values)), 1)
