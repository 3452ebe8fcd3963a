"""Codes without their shift and scale: as ranks for trees, standardised for the rest.

scikit-learn's trees compare float32 numbers and take gaps of up to 1e-7 for ties. Ranks
are small whole numbers: no order, no tie and no cut between two codes is lost.
"""

import numpy as np
from jaxtyping import Float32, Float64, Int64

from disentlib.arrays import Floats, Integers, Singles


def ranked(
    train: Float64[Floats, "n D"], test: Float64[Floats, "m D"]
) -> tuple[Float32[Singles, "n D"], Float32[Singles, "m D"]]:
    """Ranks from 0 of `train` (n, D) among its own different values, and of `test`
    (m, D).

    Column by column. A test code has the rank of the nearest training code (of two as
    near, of the lower), so that a cut between two neighbours falls halfway between
    them, where a tree on the codes themselves has it.
    """
    columns = [_column(*pair) for pair in zip(train.T, test.T)]
    own, other = (np.stack(parts, axis=1) for parts in zip(*columns))
    return own.astype(np.float32), other.astype(np.float32)


def _column(
    train: Float64[Floats, " n"], test: Float64[Floats, " m"]
) -> tuple[Int64[Integers, " n"], Int64[Integers, " m"]]:
    values, own = np.unique(train, return_inverse=True)
    above = np.searchsorted(values, test).clip(1, max(1, len(values) - 1))
    if len(values) == 1:
        return own, np.zeros(len(test), dtype=np.int64)
    lower, upper = values[above - 1], values[above]
    return own, np.where(test - lower <= upper - test, above - 1, above)


def standardised(
    train: Float64[Floats, "n D"], test: Float64[Floats, "m D"]
) -> tuple[Float64[Floats, "n D"], Float64[Floats, "m D"]]:
    """Both with the shift and scale that give `train` (n, D) mean 0 and variance 1."""
    # The least value goes first: after that no sum is larger than the codes' range.
    low = train.min(axis=0)
    train, test = train - low, test - low
    spread, mean = train.std(axis=0), train.mean(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    return (train - mean) / spread, (test - mean) / spread
