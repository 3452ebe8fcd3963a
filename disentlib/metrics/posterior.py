"""Scores that need no factors, from the posterior's mean and log-variance."""

import numpy as np
from jaxtyping import Bool, Float64
from numpy.typing import ArrayLike

from disentlib.arrays import Floats, Truths
from disentlib.checks import array_of, number
from disentlib.metrics.sampling import LARGEST, refuse_masked


def active_units(mean: ArrayLike, *, threshold: float = 0.01) -> Bool[Truths, " D"]:
    """Which dimensions (D,) are in use: the variance of their posterior mean exceeds
    `threshold`.

    Equation `eq-active-units` in the book. `mean` (images, D).
    Raises `ValueError` for means that are not finite or not a matrix.
    Source: Burda et al. 2016, section 5.1 (0.01 is theirs).

    >>> active_units([[0.0, 1.0], [0.0, -1.0]]).tolist()
    [False, True]
    """
    number("threshold", threshold, least=0)
    m = _matrix(mean, "mean")
    variances: Floats = (m - m[0]).var(axis=0)
    return variances > threshold


def kl_per_dimension(mean: ArrayLike, logvar: ArrayLike) -> Float64[Floats, " D"]:
    """KL divergence (D,) of N(mean, exp logvar) from N(0, 1) in nats, averaged over
    images.

    Equation `eq-kl-per-dimension` in the book. `mean` and `logvar` (images, D).
    Range [0, ∞), 0 for a dimension that ignores its image.
    Raises `ValueError` for values that are not finite and for shapes that differ.
    Source: Kingma and Welling 2014, appendix B.

    >>> kl_per_dimension([[0.0, 2.0]], [[0.0, 0.0]]).tolist()
    [0.0, 2.0]
    """
    m, v = _pair(mean, logvar)
    means: Floats = 0.5 * (m**2 + np.exp(v) - 1 - v).mean(axis=0)
    return np.maximum(means, 0.0)  # below is rounding


def gaussian_total_correlation(mean: ArrayLike, logvar: ArrayLike) -> float:
    """Total correlation in nats of the Gaussian with the aggregate posterior's
    covariance.

    Equation `eq-gaussian-total-correlation` in the book: half the difference between
    the sum of the log-variances and the log-determinant of the covariance, which is
    that of the means plus the mean of the variances. `mean` and `logvar` (images, D).

    Settings: sampled codes, by their exact covariance. Locatello et al. 2019 use means
    alone, which `logvar=-inf` gives. Dependence that no covariance shows is not seen.
    Range [0, ∞]; ∞, or as large as rounding lets it be, where dimensions determine one
    another. Dimensions of no variance do
    not count. Raises `ValueError` for values that are not finite and for shapes that
    differ.
    """
    m, v = _pair(mean, logvar, allow_minus_infinity=True)
    # Less the first row, so that what is constant has no variance by rounding.
    covariance = np.atleast_2d(np.cov(m - m[0], rowvar=False, ddof=0))
    covariance = covariance + np.diag(np.exp(v).mean(axis=0))
    varies = np.diag(covariance) > 0
    covariance = covariance[np.ix_(varies, varies)]
    # With variances scaled to 1 the sum of their logarithms is 0 and the determinant
    # well behaved.
    scale = np.sqrt(np.diag(covariance))
    sign, logdet = np.linalg.slogdet(covariance / np.outer(scale, scale))
    return float(max(0.0, -0.5 * logdet)) if sign > 0 else float("inf")


def _matrix(
    values: ArrayLike, what: str, allow_minus_infinity: bool = False
) -> Float64[Floats, "images D"]:
    refuse_masked(what, values)
    array = array_of(what, values)
    if array.dtype.kind not in "fiu" or array.ndim != 2 or 0 in array.shape:
        raise ValueError(
            f"{what} is {array.dtype} {array.shape}; give real numbers (images, D)"
        )
    numbers = array.astype(np.float64)
    fine = np.isfinite(numbers) | (allow_minus_infinity & np.isneginf(numbers))
    if not fine.all():
        row = int(np.argmin(fine.all(axis=1)))
        raise ValueError(
            f"{what} row {row} is not finite; leave out rows that were not encoded"
        )
    if np.abs(numbers[np.isfinite(numbers)]).max(initial=0) > LARGEST:
        raise ValueError(f"{what} goes beyond float32; check the model for overflow")
    return numbers


def _pair(
    mean: ArrayLike, logvar: ArrayLike, allow_minus_infinity: bool = False
) -> tuple[Float64[Floats, "images D"], Float64[Floats, "images D"]]:
    m = _matrix(mean, "mean")
    given = array_of("logvar", logvar)
    whole = np.broadcast_to(given, m.shape) if given.ndim == 0 else logvar
    v = _matrix(whole, "logvar", allow_minus_infinity)
    if v.max() > 600:  # above, sums of many leave the floats
        raise ValueError(
            f"logvar reaches {v.max():.3g}, more than 600; check the model for overflow"
        )
    if m.shape != v.shape:
        raise ValueError(f"mean {m.shape} and logvar {v.shape} must have one shape")
    return m, v
