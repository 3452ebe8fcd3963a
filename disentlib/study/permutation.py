"""A test that permutes D within seeds, and Holm's rule for a family of tests."""

from itertools import permutations
from math import factorial, prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from disentlib.seeds import stream
from disentlib.study.stats import run_columns

COUNTED = 2_000_000  # arrangements that are all looked at; three seeds of five D: 1.7e6
DRAWN = 20_000
LISTED = 7  # runs of a seed whose arrangements, 5,040 of seven, are listed to draw from
Block = tuple[NDArray[Any], NDArray[Any]]  # weights and values of a seed


def permutation_p(weights: ArrayLike, values: ArrayLike, seeds: ArrayLike) -> float:
    """Two-sided p-value of the sum of weights times values (n,), under exchange within
    seeds.

    `weights` (n,) say what is asked of each run: its D for a slope, its weight for a
    contrast. The hypothesis is that a seed's
    values could stand at its D in any order. All arrangements are counted up to
    `COUNTED` of them; beyond, `DRAWN` are drawn, the same in every call, and the data
    themselves are counted among them, so that the size is never above the level. NaN
    where no seed has two runs. Raises `ValueError` for columns of different lengths.
    """
    weights, values, seeds = run_columns("weights", weights, values, seeds)
    blocks = [(weights[seeds == own], values[seeds == own]) for own in np.unique(seeds)]
    # A seed's sum is told as its distance from what its arrangements give on average.
    blocks = [(w - w.mean(), v - v.mean()) for w, v in blocks if len(w) > 1]
    if not blocks:
        return float("nan")
    observed = abs(sum(float(w @ v) for w, v in blocks)) * (1 - 1e-9)
    if prod(factorial(len(w)) for w, _ in blocks) <= COUNTED:
        sums = np.zeros(1)
        for own in map(_sums, blocks):
            sums = (sums[:, None] + own).reshape(-1)
        return float((np.abs(sums) >= observed).mean())
    drawn = _drawn_sums(blocks, stream(0, "permutations: of D"))
    return float((1 + (np.abs(drawn) >= observed).sum()) / (1 + DRAWN))


def _drawn_sums(blocks: list[Block], rng: np.random.Generator) -> NDArray[np.float64]:
    sums = np.zeros(DRAWN)
    for w, v in blocks:
        if len(w) <= LISTED:
            own = _sums((w, v))
            sums += own[rng.integers(len(own), size=DRAWN)]
        else:
            sums += rng.permuted(np.tile(v, (DRAWN, 1)), axis=1) @ w
    return sums


def _sums(block: Block) -> NDArray[np.float64]:
    """The sum of each arrangement of a seed's values."""
    w, v = block
    return np.array(list(permutations(v))) @ w


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """Holm's adjusted p-values of a family (n,): at most α of them all is the chance
    that any true hypothesis falls below α.

    NaN, a test that could not be made, stays NaN and does not count.
    """
    p = np.asarray(p, dtype=np.float64)
    adjusted = np.full(p.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known])]
    steps = p[order] * (len(order) - np.arange(len(order)))
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted
