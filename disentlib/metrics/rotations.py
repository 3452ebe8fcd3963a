"""Codes without axes: the same information in the same dimensions, turned at random.

A score that rises with the number of dimensions rises for these as well. What it gives
the codes *beyond their own rotations* is due to their axes alone.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import ortho_group

from disentlib.seeds import stream

LEAST_VARIANCE = 0.01  # of a dimension in use, where nothing but codes is known


def rotated_within(
    codes: ArrayLike,
    seed: int = 0,
    position: int = 0,
    used: ArrayLike | None = None,
) -> NDArray[np.float32]:
    """`codes` (n, D) with the dimensions `used` (D,) turned among themselves; NaN rows
    stay.

    About their mean, by a rotation or reflection drawn uniformly over all (Haar) for
    each seed and `position`. The codes are not standardised first: the prior of a VAE
    is the same after any rotation of its codes, not of codes that were rescaled, and
    rotations of a rotation are distributed as those of the codes, so that a code
    without axes exceeds its own rotations by 0 on average, whatever the score. The
    other dimensions, which hold no information, stay as they are: mixed in, they would
    hide what the codes say. Without `used` a dimension is in use where its variance
    exceeds `LEAST_VARIANCE`; noise then counts as well, so give what is known.
    """
    codes = np.asarray(codes, dtype=np.float32)
    known = codes[np.isfinite(codes).all(axis=1)]
    if used is None:
        used = known.var(axis=0, dtype=np.float64) > LEAST_VARIANCE
    turned = np.flatnonzero(np.asarray(used))
    if len(turned) < 2:  # nothing to turn into
        return codes.copy()
    mean = known[:, turned].mean(axis=0, dtype=np.float64)
    generator = stream(seed, "scores: rotation", position)
    turn = ortho_group.rvs(len(turned), random_state=generator)
    rotated = codes.copy()
    rotated[:, turned] = (codes[:, turned] - mean) @ turn + mean
    return rotated
