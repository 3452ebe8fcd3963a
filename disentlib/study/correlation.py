"""Whether runs that reconstruct better are more disentangled: a correlation."""

import numpy as np
import pandas as pd
from scipy.stats import norm, spearmanr

from disentlib.study.measures import codes_of, runs
from disentlib.study.pooled import Estimate

CELL = ["variant", "model", "D"]


def correlation_within(table: pd.DataFrame, first: str, second: str) -> Estimate:
    """Spearman's correlation of two measures over runs, less the means of each model
    and D.

    So D and the model themselves, which move both measures, do not count: what is left
    is whether, of two runs that differ in the seed alone, the better in one is the
    better in the other. Interval (95 %) and p by Fisher's transform with Bonett and
    Wright's variance at n - C + 1 for n runs in C cells of several (theirs is for one
    cell); `df` is that less 3. Without four left there is none (NaN).
    """
    keys = [*CELL, "seed"]
    both = runs(table, first, codes_of(first)).merge(
        runs(table, second, codes_of(second)), on=keys
    )
    values = both[["value_x", "value_y"]]
    cells = both.groupby(CELL)[["value_x", "value_y"]]
    several = cells.transform("size") > 1
    rest = (values - cells.transform("mean"))[several]
    n = len(rest) - len(both.loc[several, CELL].drop_duplicates()) + 1
    if n < 4 or (rest.std() == 0).any():
        return Estimate(np.nan, np.nan, np.nan, np.nan, 0)
    rho = float(spearmanr(rest["value_x"], rest["value_y"]).statistic)
    error = np.sqrt((1 + rho**2 / 2) / (n - 3))
    centre, half = np.arctanh(rho), norm.ppf(0.975) * error
    p = float(2 * norm.sf(abs(centre) / error))
    low, high = (float(np.tanh(centre + sign * half)) for sign in (-1, 1))
    return Estimate(rho, low, high, p, n - 3)
