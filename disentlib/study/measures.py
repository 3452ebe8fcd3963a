"""What pages ask of a table: families of scores, dimensions in use, runs."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from disentlib.scoring.sizes import EXCESS
from disentlib.study.results import IDENTITY, Results
from disentlib.training.history import IN_USE_NATS

THESIS = ("beta_vae_score", "factor_vae_score", "dci_disentanglement")
MEAN_OF_THREE = "mean of the three scores"
ONE_FOR_ONE = "scores that want one dimension for one factor"
FAMILIES = {
    ONE_FOR_ONE: (
        "factor_vae_score",
        "dci_disentanglement",
        "dci_completeness",
        "mig",
        "sap",
    ),
    "scores that read all dimensions at once": (
        "beta_vae_score",
        "explicitness",
        "dci_informativeness",
    ),
    "scores that count idle dimensions": ("modularity", "irs"),
}
EVERY = tuple(score for scores in FAMILIES.values() for score in scores)
RAN_AWAY = 1.5  # times the median divergence of the model's runs
ROTATED = "_rotated"  # what those rotations score


def longest_runs(history: pd.DataFrame) -> pd.DataFrame:
    """Records of the runs that go furthest, of runs told apart by variant, model, D and
    seed, as far as `history` has them: a mean over runs is then one over the same runs
    at every step.
    """
    own = [name for name in ("variant", "model", "D", "seed") if name in history]
    last = history.groupby(own, dropna=False)["step"].transform("max")
    return history[last == last.max()]


def records_at(history: pd.DataFrame, step: int) -> pd.DataFrame:
    """The last record of each run up to a step."""
    return history[history["step"] <= step].groupby(IDENTITY, as_index=False).last()


def count_in_use(history: pd.DataFrame) -> NDArray[np.int64]:
    """How many dimensions of each row carry more than `IN_USE_NATS`."""
    return np.asarray((history.filter(regex=r"^kl_\d+$") > IN_USE_NATS).sum(axis=1))


def with_dimensions(results: Results) -> pd.DataFrame:
    """The table of a study with rows `dimensions_in_use`, one a run and budget, added
    where the held-out losses of a snapshot have not said it.

    In use is a dimension that carries more than `IN_USE_NATS` of KL divergence in the
    training batches around that step (the history's stretch that ends there).
    """
    history = results.history[[*IDENTITY, "step"]].assign(
        value=count_in_use(results.history).astype(float)
    )
    parts = [results.table]
    scored = results.table[[*IDENTITY, "step"]].drop_duplicates()
    known = results.table["measure"] == "dimensions_in_use"
    said = scored.merge(results.table.loc[known, [*IDENTITY, "step"]])
    unsaid = pd.concat([scored, said]).drop_duplicates(keep=False)
    for step, there in unsaid.groupby("step"):
        last = records_at(history, step)
        rows = last.merge(there[IDENTITY]).assign(step=step, codes="")
        parts.append(rows.assign(measure="dimensions_in_use"))
    return pd.concat(parts, ignore_index=True)[results.table.columns]


def with_rotations(table: pd.DataFrame) -> pd.DataFrame:
    """The table with a row `<score>_rotated` beside each `<score>_excess`.

    It is the score less its excess: what the same codes score under random rotations.
    """
    is_excess = table["measure"].str.endswith(EXCESS)
    excess = table[is_excess].assign(
        measure=lambda rows: rows["measure"].str.removesuffix(EXCESS)
    )
    keys = [*IDENTITY, "step", "codes", "measure"]
    both = excess.merge(table[[*keys, "value"]], on=keys, suffixes=("_over", ""))
    rows = both.assign(
        value=both["value"] - both["value_over"], measure=both["measure"] + ROTATED
    )
    return pd.concat([table, rows], ignore_index=True)[table.columns]


def budgets(table: pd.DataFrame) -> list[int]:
    """The steps at which runs were scored, in order."""
    return [int(step) for step in np.sort(table["step"].unique())]


def of_every_step(rows: pd.DataFrame, run: Sequence[str] = IDENTITY) -> pd.DataFrame:
    """The rows of the runs, told apart by `run`, that are at every step at which their
    measure is known: a mean at a step is then one over the same runs at each.
    """
    steps = rows.groupby("measure")["step"].transform("nunique")
    return rows[rows.groupby([*run, "measure"])["step"].transform("nunique") == steps]


def runs(
    table: pd.DataFrame,
    measures: str | Sequence[str],
    codes: str = "",
    step: int | None = None,
    **where: object,
) -> pd.DataFrame:
    """One row a run: variant, model, D, seed and `value`, at one budget (the longest of
    the table's).

    Of several measures the value is their mean, over the runs that have them all.
    `where` narrows by columns such as model. Runs that lack the budget are left out.
    """
    measures = [measures] if isinstance(measures, str) else list(measures)
    rows = table[table["measure"].isin(measures) & (table["codes"] == codes)]
    if step is None and len(rows):  # one for all, whatever is asked of some
        step = rows["step"].max()
    for name, wanted in where.items():
        rows = rows[rows[name] == wanted]
    rows = rows[rows["step"] == step]
    of_run = rows.groupby(IDENTITY)["value"]
    whole = of_run.mean()[of_run.count() == len(measures)]
    return whole.reset_index()


def measured(
    table: pd.DataFrame, measures: Sequence[str], **where: object
) -> pd.DataFrame:
    """`runs` of each measure at every budget of the table, with columns measure and
    step.
    """
    parts = [
        runs(table, measure, codes_of(measure), step, **where).assign(
            measure=measure, step=step
        )
        for measure in measures
        for step in budgets(table)
    ]
    none = pd.DataFrame(columns=[*IDENTITY, "value", "measure", "step"])
    found = [part for part in parts if len(part)]
    return pd.concat(found, ignore_index=True) if found else none


def fullest(of_run: pd.DataFrame) -> int:
    """The longest of the budgets that the most runs have reached; `of_run` has a row a
    run and `step`.
    """
    reached = of_run["step"].value_counts()
    return int(reached.index[reached == reached.max()].max())


def codes_of(measure: str) -> str:
    """Which codes a page reads a measure from: sampled for scores, none for losses."""
    scores = {*EVERY, "pruned_factor_vae_score"}
    return "sampled" if measure.removesuffix(EXCESS) in scores else ""


def ran_away(table: pd.DataFrame) -> pd.DataFrame:
    """Runs whose last held-out divergence is above `RAN_AWAY` times the median of their
    variant and model after as many steps, with that divergence: variant, model, D,
    seed, value.

    With fewer than three runs nothing can stand out.
    """
    kl = measured(table, ["held_out_kl"])
    beside = kl.groupby(["variant", "model", "step"])["value"]
    out = kl["value"] > RAN_AWAY * beside.transform("median")
    out &= kl["step"] == kl.groupby(IDENTITY)["step"].transform("max")
    found = kl[out & (beside.transform("size") > 2)]
    return found[[*IDENTITY, "value"]].reset_index(drop=True)
