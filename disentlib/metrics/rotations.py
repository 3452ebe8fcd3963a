"""Codes without axes: the same information in the same dimensions, turned at random.

A score that rises with the number of dimensions rises for these as well. What it gives
the codes *beyond their own rotations* is due to their axes alone.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import ortho_group

from disentlib.checks import array_of, whole_number
from disentlib.seeds import stream

LEAST_VARIANCE = 0.01  # of a dimension in use, where nothing but codes is known


def rotated_within(
    codes: ArrayLike,
    seed: int = 0,
    position: int = 0,
    used: ArrayLike | None = None,
    run: int = 0,
) -> NDArray[np.float32]:
    """`codes` (n, D) with the dimensions `used` (D,) turned among themselves; NaN rows
    stay.

    About their mean, by a rotation or reflection drawn uniformly over all (Haar) for
    each seed, `position` and `run`, by which trained models have rotations of their
    own: an error that they shared would be in the mean of any number of them.

    The codes are not standardised first: the prior of a VAE is the same after any
    rotation of its codes, not of codes that were rescaled, and rotations of a rotation
    are distributed as those of the codes, so that a code without axes exceeds its own
    rotations by 0 on average, whatever the score. The other dimensions, which hold no
    information, stay as they are: mixed in, they would hide what the codes say. Without
    `used` a dimension is in use where its variance exceeds `LEAST_VARIANCE`; noise then
    counts as well, so give what is known.

    Raises `ValueError` in one line for codes that are no table of numbers, for `used`
    that does not say True or False of each dimension, and for a `position` or `run`
    that is no whole number.
    """
    run = whole_number("run", run, 0, 2**63 - 1)  # as seeds of training are: two words
    generator = stream(seed, "scores: rotation", position, *divmod(run, 2**32))
    table = array_of("codes", codes)
    if table.dtype.kind not in "fiu" or table.ndim != 2 or np.ma.is_masked(codes):
        raise ValueError("codes must be real numbers (n, D), none of them masked")
    with np.errstate(over="ignore"):  # what float32 does not hold is a row to leave
        codes = table.astype(np.float32)
    known = codes[np.isfinite(codes).all(axis=1)]
    if used is None and len(known) < 2:
        return codes.copy()  # nothing says what is in use
    if used is None:
        used = known.var(axis=0, dtype=np.float64) > LEAST_VARIANCE
    used = array_of("used", used)
    if used.dtype != np.bool_ or used.shape != codes.shape[1:]:
        raise ValueError(f"used must be True or False of each of {codes.shape[1]}")
    turned = np.flatnonzero(used)
    if len(turned) < 2 or not len(known):  # nothing to turn, or into
        return codes.copy()
    mean = known[:, turned].mean(axis=0, dtype=np.float64)
    turn = ortho_group.rvs(len(turned), random_state=generator)
    rotated = codes.copy()
    rotated[:, turned] = (codes[:, turned] - mean) @ turn + mean
    return rotated
