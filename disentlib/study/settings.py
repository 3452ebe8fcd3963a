"""What a setting other than D does: batch norm, the weights, the batch."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from disentlib.study.measures import fullest, runs
from disentlib.study.pooled import Estimate, estimate
from disentlib.study.results import IDENTITY, Results
from disentlib.study.words import listed
from disentlib.training.configuration import WEIGHT

PAIRED = ["model", "D", "seed"]  # what two runs agree in that are compared
THESIS_WEIGHTS = {"beta_vae": 4.0, "factor_vae": 40.0}
SYMBOL = {"beta_vae": "β", "factor_vae": "γ"}


def with_settings(
    results: Results,
    measures: str | Sequence[str],
    settings: Sequence[str],
    codes: str,
    step: int,
) -> pd.DataFrame:
    """`measures.runs` with columns of the runs' settings beside the value."""
    of_run = [
        {
            "variant": run.variant,
            **{name: getattr(run.config, name) for name in ("model", "D", "seed")},
            **{name: getattr(run.config, name) for name in settings},
        }
        for run in results.study.runs
    ]
    values = runs(results.table, measures, codes, step)
    return values.merge(pd.DataFrame(of_run), on=IDENTITY)


def paired_change(
    first: pd.DataFrame,
    second: pd.DataFrame,
    keys: Sequence[str] = PAIRED,
) -> Estimate | None:
    """Mean of `second` less `first` over runs that agree in `keys`.

    The interval is Student's over those differences, one a pair; None without a pair.
    """
    both = first.merge(second, on=list(keys), suffixes=("_first", "_second"))
    return mean_change(both["value_second"] - both["value_first"])


def mean_change(differences: pd.Series) -> Estimate | None:
    """Mean of paired differences with Student's interval; None of none."""
    if len(differences) == 0:
        return None
    ones = np.ones((len(differences), 1))
    return estimate(ones, differences.to_numpy(), np.ones(1))


def where_trained(results: Results) -> dict[str, str]:
    """On what and in which precision the runs that are in were trained, in words by
    variant; nothing of old tables, which do not say.
    """
    runs_of = results.run_rows
    if not {"device", "precision"} <= {*runs_of}:
        return {}
    found: dict[str, str] = {}
    for variant, own in runs_of.groupby("variant", sort=False):
        own = own[own["device"].astype(bool)]
        if len(own) and variant in set(results.table["variant"]):
            on = own["device"].str.startswith("cuda").map({True: "card", False: "CPU"})
            told = ("on a " + on + " in " + own["precision"]).unique()
            found[str(variant)] = listed(list(told))
    return found


def weight_runs(results: Results, measures: str | Sequence[str]) -> pd.DataFrame:
    """Runs of a study of weights with `weight`, the β or γ that the model minds, after
    the `step` that the most runs have reached.
    """
    step = fullest(results.table.drop_duplicates([*IDENTITY, "step"]))
    names = list(WEIGHT.values())
    values = with_settings(results, measures, names, "sampled", step).assign(step=step)
    own = [row[WEIGHT[row["model"]]] for _, row in values.iterrows()]
    return values.assign(weight=np.array(own, dtype=float))


def gains_of_search(values: pd.DataFrame) -> list[float]:
    """What choosing a model's weight for each D gains over the thesis' weight: the mean
    over D, for each seed.

    The weight is chosen on the other seeds of that D, so that the choice is not judged
    by the noise that made it; seeds still share choices. None where no seed has
    another to choose by.
    """
    gains: dict[int, list[float]] = {}
    for (model, _), block in values.groupby(["model", "D"]):
        by = _at_every_weight(block)
        if len(by) < 2 or THESIS_WEIGHTS[model] not in by:
            continue
        for seed in by.index:
            chosen = by.drop(seed).mean().idxmax()
            gain = by.loc[seed, chosen] - by.loc[seed, THESIS_WEIGHTS[model]]
            gains.setdefault(seed, []).append(float(gain))
    return [float(np.mean(of_seed)) for of_seed in gains.values()]


def best_weights(values: pd.DataFrame) -> pd.DataFrame:
    """The weight with the best mean over the seeds that have runs at every weight: one
    row a model, one column a D.
    """
    best = {
        key: by.mean().idxmax()
        for key, block in values.groupby(["model", "D"])
        if len(by := _at_every_weight(block))
    }
    index = pd.MultiIndex.from_tuples([*best], names=["model", "D"])
    return pd.Series([*best.values()], index, dtype=float).unstack("D")


def _at_every_weight(block: pd.DataFrame) -> pd.DataFrame:
    """Values of a model and D, a row a seed, a column a weight, without the seeds that
    lack one.
    """
    return block.pivot_table(index="seed", columns="weight", values="value").dropna()


def with_two_batches(values: pd.DataFrame) -> pd.DataFrame:
    """The rows of a D, seed and rule of counting that have two batch sizes."""
    sizes = values.groupby(["D", "seed", "rule"])["batch_size"].transform("nunique")
    return values[sizes > 1]


def batch_slopes(values: pd.DataFrame) -> dict[int | str, Estimate]:
    """Change of the value for a doubling of the batch, at each D and, under "more",
    the largest D less the smallest.

    One fit with an intercept for each seed, D and rule of counting (`steps` a run,
    equal or in proportion), and one slope for each D with two batch sizes of a seed.
    Columns: D, seed, batch_size, variant's `rule`, value.
    """
    values = with_two_batches(values)
    levels = sorted(values["D"].unique())
    block = values[["D", "seed", "rule"]].astype(str).agg(" ".join, axis=1)
    doublings = np.log2(values["batch_size"].to_numpy(dtype=float))
    own = [(values["D"] == D).to_numpy() * doublings for D in levels]
    dummies = pd.get_dummies(block).to_numpy(dtype=float)
    design = np.column_stack([*own, dummies])
    target = values["value"].to_numpy(dtype=float)
    slopes: dict[int | str, Estimate] = {}
    for i, D in enumerate(levels):
        slopes[int(D)] = estimate(design, target, np.eye(design.shape[1])[i])
    if len(levels) > 1:
        ends = np.zeros(design.shape[1])
        ends[len(levels) - 1], ends[0] = 1.0, -1.0
        slopes["more"] = estimate(design, target, ends)
    return slopes
