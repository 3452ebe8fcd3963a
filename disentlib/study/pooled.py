"""Least squares with an effect for each seed: one slope or contrast from all runs of a
study.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2, t

from disentlib.study.stats import finite, run_columns
from disentlib.study.words import interval, number


@dataclass(frozen=True)
class Estimate:
    """A number, its interval and the two-sided p-value of its distance from 0.

    Without degrees of freedom left (`df` 0) bounds and p are NaN.
    """

    value: float
    low: float
    high: float
    p: float
    df: int

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0

    @property
    def largest(self) -> float:
        """The largest size that the interval leaves possible (NaN without one)."""
        return max(abs(self.low), abs(self.high)) if self.df else np.nan

    def times(self, unit: float) -> "Estimate":
        """The same estimate in another unit (positive)."""
        return Estimate(
            self.value * unit, self.low * unit, self.high * unit, self.p, self.df
        )


def estimated(estimate: Estimate, digits: int = 3) -> str:
    """A number with its interval: "−0.10 [−0.12, −0.07]"."""
    size = number(estimate.value, digits, signed=True)
    return f"{size} {interval(estimate.low, estimate.high, digits)}"


def pooled_slope(levels: ArrayLike, values: ArrayLike, seeds: ArrayLike) -> Estimate:
    """Slope over `levels` (n,) of `values` (n,) with an intercept for each seed.

    Assumes one slope for all seeds and normal residuals of one variance, so that all of
    them tell about the noise: n - seeds - 1 degrees of freedom. Runs may be missing.
    Raises `ValueError` where no seed has two levels.
    """
    levels, values, seeds = run_columns("levels", levels, values, seeds)
    design = np.column_stack([levels, _dummies(seeds)])
    wanted = np.zeros(design.shape[1])
    wanted[0] = 1.0
    return estimate(design, values, wanted)


def pooled_contrast(
    levels: ArrayLike,
    values: ArrayLike,
    seeds: ArrayLike,
    weights: Mapping[float, float],
    level: float = 0.95,
) -> Estimate:
    """Weighted sum of the means at the levels, in a fit of level effects plus seed
    effects.

    `weights` by level sum to 0 (one level against the mean of others, say); levels that
    it leaves out weigh nothing. Raises `ValueError` for a level without a run, weights
    that do not sum to 0, and runs too few to tell levels from seeds.
    """
    levels, values, seeds = run_columns("levels", levels, values, seeds)
    if abs(sum(weights.values())) > 1e-9:
        raise ValueError(f"weights {dict(weights)} must sum to 0")
    if missing := [key for key in weights if key not in levels]:
        raise ValueError(f"no run at level {missing[0]}; leave it out of the weights")
    own = np.unique(levels)
    design = np.column_stack([levels[:, None] == own, _dummies(seeds)]).astype(float)
    wanted = np.zeros(design.shape[1])
    wanted[: len(own)] = [weights.get(float(value), 0.0) for value in own]
    return estimate(design, values, wanted, level)


def spread_between_seeds(
    levels: ArrayLike, values: ArrayLike
) -> tuple[float, float, float]:
    """Standard deviation of values at one level, pooled over levels, and its bounds.

    The bounds are 95 % ones, of the chi-square distribution, for normal values of one
    variance. NaN where no level has two runs.
    """
    levels, values = finite(levels), finite(values)
    sums = [
        (len(own) - 1, float(((own - own.mean()) ** 2).sum()))
        for own in (values[levels == value] for value in np.unique(levels))
    ]
    df, squares = (sum(column) for column in zip(*sums))
    if df == 0:
        return np.nan, np.nan, np.nan
    high, low = chi2.ppf([0.025, 0.975], df)
    return tuple(float(np.sqrt(squares / by)) for by in (df, low, high))  # type: ignore[return-value]


def _dummies(seeds: NDArray[Any]) -> NDArray[np.float64]:
    columns: NDArray[np.float64] = (seeds[:, None] == np.unique(seeds)).astype(float)
    return columns


def estimate(
    design: NDArray[Any],
    values: NDArray[Any],
    wanted: NDArray[Any],
    level: float = 0.95,
) -> Estimate:
    """The combination `wanted` (p,) of the coefficients of a least-squares fit.

    `design` (n, p) may be of any rank; normal residuals of one variance are assumed.
    Raises `ValueError` for a combination that the design cannot tell.
    """
    inverse = np.linalg.pinv(design.T @ design)
    if not np.allclose(wanted @ inverse @ (design.T @ design), wanted, atol=1e-8):
        raise ValueError("the runs cannot tell this effect from that of the seeds")
    solution = inverse @ design.T @ values
    value = float(wanted @ solution)
    df = len(values) - int(np.linalg.matrix_rank(design))
    if df == 0:
        return Estimate(value, np.nan, np.nan, np.nan, 0)
    residual = values - design @ solution
    error = float(np.sqrt(wanted @ inverse @ wanted * (residual @ residual) / df))
    if error < 1e-9 * max(1.0, float(np.abs(values).max())):  # nothing but rounding
        value, error = round(value, 9), 0.0
    half = float(t.ppf((1 + level) / 2, df)) * error
    p = float(2 * t.sf(abs(value) / error, df)) if error > 0 else float(value == 0)
    return Estimate(value, value - half, value + half, p, df)
