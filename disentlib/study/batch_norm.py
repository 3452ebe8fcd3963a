"""What batch norm does to the scores, and to what D does to them, run against run."""

from collections.abc import Collection
from dataclasses import replace
from functools import lru_cache

import pandas as pd
from matplotlib.figure import Figure

from disentlib.study.effects import UNIT
from disentlib.study.evidence import Evidence
from disentlib.study.figures.settings import two_ways
from disentlib.study.measures import MEAN_OF_THREE, THESIS, budgets, codes_of
from disentlib.study.pooled import Estimate, estimated, pooled_slope
from disentlib.study.results import Results
from disentlib.study.settings import (
    PAIRED,
    mean_change,
    where_trained,
    with_settings,
)
from disentlib.study.titles import title
from disentlib.study.words import counted, listed, number

SHOWN: dict[str, str | tuple[str, ...]] = {
    MEAN_OF_THREE: THESIS,
    "dimensions in use": "dimensions_in_use",
    "reconstruction (nats)": "held_out_reconstruction",
}


@lru_cache(maxsize=64)  # each sentence asks for them
def norm_pairs(
    evidence: Evidence, measure: str | tuple[str, ...], setting: str = "batch_norm"
) -> tuple[int, pd.DataFrame]:
    """Runs that differ in batch norm at the hidden layers, or with `setting`
    "mean_norm" on the means alone, and their budget: a row a pair with model, D, seed,
    value_plain and value_normed.

    They are those of the study on the page and of `batch_norm` at the budget with the
    most pairs, the longest of those; budget 0 and no rows without a pair.
    """
    best = 0, pd.DataFrame(columns=[*PAIRED, "value_plain", "value_normed"])
    other = evidence.beside.get("batch_norm")
    if other is None:
        return best
    codes = codes_of(measure if isinstance(measure, str) else measure[0])
    page = replace(evidence.main, table=evidence.table)
    both = set(budgets(other.table))
    for step in (step for step in evidence.steps if step in both):
        rows = with_settings(other, measure, [setting], codes, step)
        normed = rows[rows[setting]]
        rows = with_settings(page, measure, ["batch_norm", "mean_norm"], codes, step)
        plain = rows[~rows["batch_norm"] & ~rows["mean_norm"]]
        pairs = plain.merge(normed, on=PAIRED, suffixes=("_plain", "_normed"))
        if len(pairs) and len(pairs) >= len(best[1]):
            best = step, pairs
    return best


def norm_change(
    evidence: Evidence,
    model: str,
    measure: str | tuple[str, ...],
    setting: str = "batch_norm",
    levels: Collection[int] | None = None,
) -> Estimate | None:
    """What batch norm changes in a measure over `norm_pairs`, at all D or at `levels`;
    None where there are none.
    """
    _, pairs = norm_pairs(evidence, measure, setting)
    ours = pairs[pairs["model"] == model]
    if levels is not None:
        ours = ours[ours["D"].isin(levels)]
    return mean_change(ours["value_normed"] - ours["value_plain"])


def norm_slopes(evidence: Evidence, model: str) -> dict[str, Estimate]:
    """What ten more dimensions change in the mean of the thesis' scores over
    `norm_pairs`: "without" batch norm, "with" it, and by how much "more" with it.

    Empty where no seed has pairs at two D.
    """
    _, pairs = norm_pairs(evidence, THESIS)
    ours = pairs[pairs["model"] == model]
    if not len(ours) or ours.groupby("seed")["D"].nunique().max() < 2:
        return {}
    plain, normed = ours["value_plain"], ours["value_normed"]
    values = {"without": plain, "with": normed, "more": normed - plain}
    return {
        name: pooled_slope(ours["D"], value, ours["seed"]).times(UNIT)
        for name, value in values.items()
    }


def norm_figure(evidence: Evidence) -> Figure | None:
    """Scores, dimensions in use and reconstruction of `norm_pairs` against D; None
    without a pair.
    """
    parts = []
    for name, measure in SHOWN.items():
        _, pairs = norm_pairs(evidence, measure)
        for side, way in (("normed", "with batch norm"), ("plain", "without")):
            values = pairs[PAIRED].assign(value=pairs[f"value_{side}"])
            parts.append(values.assign(measure=name, way=way))
    every = pd.concat(parts, ignore_index=True)
    return two_ways(every) if len(every) else None


def norm_sentence(evidence: Evidence) -> str:
    """What batch norm does to the scores."""
    parts = []
    for model in evidence.models:
        changes = {m: norm_change(evidence, model, m) for m in THESIS}
        told = [
            f"the {title(measure)} by {estimated(change, 2)}"
            for measure, change in changes.items()
            if change is not None
        ]
        if told:
            parts.append(f"in {title(model)}s {listed(told)}")
    if not parts:
        return "No runs with batch norm are in."
    step, _ = norm_pairs(evidence, THESIS)
    return (
        f"*Batch norm* changes, run against run after {step:,d} steps, "
        f"{'; '.join(parts)}."
        f"{_apart(evidence)}"
    )


def _apart(evidence: Evidence) -> str:
    """That the runs with it were trained elsewhere than those without, if so."""
    if not norm_pairs(evidence, THESIS)[0]:
        return ""
    sides = (evidence.beside["batch_norm"], True), (evidence.main, False)
    normed, plain = (listed(sorted(_where(*side))) for side in sides)
    if not normed or not plain or normed == plain:
        return ""
    return (
        f" Those with it were trained {normed}, those without {plain}; what the "
        f"precision changes is under *Sixteen bits* on the page of the recipe."
    )


def _where(results: Results, batch_norm: bool) -> set[str]:
    """Where the runs of a study with batch norm, or without, were trained."""
    runs = [run for run in results.study.runs if run.config.batch_norm == batch_norm]
    told = where_trained(results)
    return {told[run.variant] for run in runs if run.variant in told}


def norm_finding(evidence: Evidence) -> str:
    """What batch norm does to what D does, and to the dimensions in use."""
    _, pairs = norm_pairs(evidence, THESIS)
    if not (told := slopes_in_words(evidence)):
        return "Whether it makes D matter takes runs with it at several D."
    sentence = (
        f"*Does it make D matter?* {counted(len(pairs), 'pair')} of runs at D = "
        f"{listed(sorted(pairs['D'].unique()))} say what ten more dimensions change in "
        f"the {MEAN_OF_THREE}: {told}. {_used_in_words(evidence)}"
    )
    return sentence.strip()


def slopes_in_words(evidence: Evidence) -> str:
    """The slopes of each model that has pairs at several D; empty without."""
    step, _ = norm_pairs(evidence, THESIS)
    slopes = {model: norm_slopes(evidence, model) for model in evidence.models}
    told = [_slopes_of(title(model), own) for model, own in slopes.items() if own]
    return f"after {step:,d} steps, {'; '.join(told)}" if told else ""


def _slopes_of(name: str, slopes: dict[str, Estimate]) -> str:
    more = slopes["more"]
    verdict = "there are too few pairs to compare the two"
    if more.df:
        has = "has no" if more.excludes_zero else "has"
        verdict = f"the interval of the difference {has} 0 in it"
    return (
        f"{name} {estimated(slopes['with'])} with batch norm, "
        f"{estimated(slopes['without'])} without ({verdict})"
    )


def _used_in_words(evidence: Evidence) -> str:
    _, pairs = norm_pairs(evidence, "dimensions_in_use")
    most = pairs[pairs["D"] == pairs["D"].max()]
    means = most.groupby("model", sort=False)[["value_normed", "value_plain"]].mean()
    if not len(means):
        return ""
    parts = [
        f"{title(model)} {number(row['value_normed'], 1)} and "
        f"{number(row['value_plain'], 1)}"
        for model, row in means.iterrows()
    ]
    return (
        f"In use at D = {most['D'].iloc[0]} are, with it and without: "
        f"{'; '.join(parts)} dimensions."
    )
