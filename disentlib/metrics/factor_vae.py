"""The FactorVAE score: does the dimension that varies least name the factor that was
fixed?
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numpy.typing import ArrayLike

from disentlib.arrays import Floats, Integers, Truths
from disentlib.checks import number, one_of, truth, whole_number
from disentlib.metrics.batches import in_chunks, shared_class_batches
from disentlib.metrics.sampling import (
    BATCH_SIZE,
    TEST,
    TRAIN,
    both_rows,
    checked_codes,
    look_up,
)
from disentlib.sprites.grid import FactorGrid

SPREADS = ("sample", "table")


@dataclass(frozen=True)
class Votes:
    """Scaled variances (points, D), the fixed factor (points,), and the live dimensions
    (D,).
    """

    variances: Float64[Floats, "points D"]
    factor: Int64[Integers, " points"]
    live: Bool[Truths, " D"]
    train: int

    def winners(self) -> Int64[Integers, " points"]:
        """The live dimension (points,) of least scaled variance; a tie goes to the
        lowest index.
        """
        least: Integers = np.where(self.live, self.variances, np.inf).argmin(axis=1)
        return least


def factor_vae_score(
    codes: ArrayLike,
    grid: FactorGrid,
    seed: int = 0,
    *,
    train: int = TRAIN,
    test: int = TEST,
    batch_size: int = BATCH_SIZE,
    threshold: float = 0.05,
    spread: str = "sample",
    ddof: int = 0,
) -> float:
    """Accuracy on `test` batches of the majority vote from least-varying dimension to
    factor.

    Equation `eq-factor-vae-score` in the book, section 3.5.2 of the thesis. A batch has
    `batch_size` images that share one class of one factor. Its vote is the dimension
    whose variance over the batch, divided by its variance over the data, is least. Each
    dimension stands for the factor for which it won most of the `train` votes; a tie
    goes to the first factor, and a dimension that never won stands for the first factor
    too. `codes` (grid.size, D).

    Settings: dimensions whose standard deviation over the data is below `threshold` are
    dead and never vote (0.05 in the study of Locatello et al. 2019; the default of
    several libraries is 0, which lets dead dimensions win). `spread` says over which
    data: "sample", train + test images drawn uniformly, or "table", all rows. `ddof` is
    that of both variances: 0 in the thesis, 1 in other programs; it cancels but for the
    threshold. Other programs also score the very votes that made the classifier; here
    they are apart.

    Range [0, 1]; 1 / K is chance; 0 where every dimension is dead. Raises `ValueError`
    for codes that do not match the grid or are not finite, a batch larger than a
    factor's slice, and unknown values of keywords. Source: Kim and Mnih 2018, section
    4.
    """
    sizes = train, test, batch_size
    votes = cast_votes(codes, grid, seed, *sizes, threshold, spread=spread, ddof=ddof)
    if not votes.live.any():
        return 0.0
    winners = votes.winners()
    table = vote_table(votes, winners, len(grid.sizes))
    return float((table.argmax(axis=1)[winners] == votes.factor)[train:].mean())


def pruned_factor_vae_score(
    codes: ArrayLike,
    grid: FactorGrid,
    seed: int = 0,
    *,
    train: int = TRAIN,
    test: int = TEST,
    batch_size: int = BATCH_SIZE,
    threshold: float = 0.05,
    rival: float = 0.5,
    revote: bool = False,
) -> float:
    """The FactorVAE score without the dimensions that win votes for several factors.

    Equation `eq-pruned-factor-vae-score` in the book; proposed in section 6.2 of the
    thesis, which leaves the rule open. The rule here: a dimension is pruned if the
    factor for which it won second most `train` votes has more than `rival` times the
    votes of its first, or if it never won. A `test` batch that a pruned dimension wins
    is lost. With `revote=True`, the literal reading, the batch goes to the dimension of
    least variance among those left, which lets a dimension that carries nothing inherit
    the votes.

    Settings and errors as in `factor_vae_score`, never above it with `revote=False`.
    Range [0, 1]; codes without information score 0, not chance, where each dimension
    has many votes: of a few, all may be for one factor.
    """
    number("rival", rival, least=0, most=1)
    revote = truth("revote", revote)
    votes = cast_votes(codes, grid, seed, train, test, batch_size, threshold)
    winners = votes.winners()
    table = vote_table(votes, winners, len(grid.sizes))
    ordered = np.sort(table, axis=1)
    first, second = ordered[:, -1], ordered[:, -2]
    kept = votes.live & (first > 0) & (second <= rival * first)
    if not kept.any():
        return 0.0
    if revote:
        votes = Votes(votes.variances, votes.factor, kept, train)
        winners = votes.winners()
        table = vote_table(votes, winners, len(grid.sizes))
    right = (table.argmax(axis=1)[winners] == votes.factor) & kept[winners]
    return float(right[train:].mean())


def cast_votes(
    codes: ArrayLike,
    grid: FactorGrid,
    seed: int,
    train: int,
    test: int,
    batch_size: int,
    threshold: float,
    *,
    spread: str = "sample",
    ddof: int = 0,
) -> Votes:
    """Scaled variances of train + test batches (`factor_vae_score` explains the
    settings).
    """
    codes = checked_codes(codes, grid)
    one_of("spread", spread, SPREADS)
    number("threshold", threshold, least=0)
    whole_number("ddof", ddof, 0, 1)
    batches = shared_class_batches(grid, seed, train, test, batch_size)
    rows = (
        both_rows(grid, seed, train, test)
        if spread == "sample"
        else np.arange(grid.size)
    )
    data = look_up(codes, rows)
    # Rounding leaves a constant dimension a variance near 1e-33, which must not count
    # as life.
    total = np.where(np.ptp(data, axis=0) > 0, data.var(axis=0, ddof=ddof), 0.0)
    live = (np.sqrt(total) >= threshold) & (total > 0)
    local = [_variance(look_up(codes, part), ddof) for part in in_chunks(batches)]
    return Votes(
        np.concatenate(local) / np.where(live, total, 1.0), batches.factor, live, train
    )


def vote_table(
    votes: Votes, winners: Int64[Integers, " points"], factors: int
) -> Int64[Integers, "D {factors}"]:
    """How many training batches with factor k fixed each dimension won: (D, K), all
    dimensions.
    """
    table = np.zeros((len(votes.live), factors), dtype=np.int64)
    np.add.at(table, (winners[: votes.train], votes.factor[: votes.train]), 1)
    return table


def _variance(
    values: Float64[Floats, "points batch D"], ddof: int
) -> Float64[Floats, "points D"]:
    """Over axis 1, of distances from the first value: exactly 0 where all are equal."""
    variances: Floats = (values - values[:, :1]).var(axis=1, ddof=ddof)
    return variances
