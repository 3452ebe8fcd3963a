"""The same codes under other conventions: scores that move though nothing changed."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pandas as pd
from numpy.typing import NDArray

from disentlib import metrics
from disentlib.scoring.sizes import Scoring
from disentlib.sprites.grid import FactorGrid

OTHERS = (
    ("beta_vae_score", "differences with their sign", {"difference": "signed"}),
    ("beta_vae_score", "differences of unit variance", {"standardise": True}),
    ("factor_vae_score", "no dimension is pruned", {"threshold": 0.0}),
    ("factor_vae_score", "variances with n - 1", {"ddof": 1}),
    ("mig", "10 bins in place of 20", {"bins": 10}),
    ("mig", "bins of equal count", {"estimator": "quantile"}),
    ("sap", "a linear classifier", {"predictor": "linear_svc"}),
)


def convention_moves(
    sampled: NDArray[Any], mean: NDArray[Any], grid: FactorGrid, sizes: Scoring
) -> pd.DataFrame:
    """Columns score, convention, default, value and moved: four scores of one model.

    `sampled` and `mean` (grid.size, D) are its codes; the defaults take the samples and
    the settings of the thesis.
    """
    scores = _scores(grid, sizes)
    base = {name: score(sampled) for name, score in scores.items()}
    rows = [
        (name, "means in place of samples", base[name], score(mean))
        for name, score in scores.items()
    ]
    rows += [
        (name, convention, base[name], scores[name](sampled, **setting))
        for name, convention, setting in OTHERS
    ]
    table = pd.DataFrame(rows, columns=["score", "convention", "default", "value"])
    table = table.assign(moved=table["value"] - table["default"])
    return table.sort_values("score", kind="stable", ignore_index=True)


def _scores(grid: FactorGrid, sizes: Scoring) -> dict[str, Callable[..., float]]:
    whole: dict[str, Any] = {"grid": grid, "seed": sizes.score_seed}
    batched = whole | sizes.counts
    given = whole | {"train": sizes.train}
    both = given | {"test": sizes.test}
    return {
        "beta_vae_score": partial(metrics.beta_vae_score, **batched),
        "factor_vae_score": partial(metrics.factor_vae_score, **batched),
        "mig": partial(metrics.mig, **given),
        "sap": partial(metrics.sap, **both),
    }
