"""What the recipe page says and shows, from its study's results."""

from dataclasses import replace

import numpy as np
import pandas as pd

from disentlib.study.measures import measured, of_every_step, with_dimensions
from disentlib.study.recipes import (
    MEASURES,
    Change,
    change_of,
    changes_sentence,
    in_words,
    means_table,
    variants,
)
from disentlib.study.results import Results
from disentlib.study.settings import PAIRED
from disentlib.study.titles import digits_of, title
from disentlib.study.words import counted, listed, number

STAYS = "averaged"  # its weight is the same in every step
MOVING = ("falling", "rising")
TO_WEIGHT = (STAYS, *MOVING)  # recipes that come to one weight by three ways


def effective_dimensions(history: pd.DataFrame) -> float:
    """In how many dimensions a run's divergence lies: the exponential of the entropy of
    their shares, at the last record.
    """
    kl = history.filter(regex=r"^kl_\d+$").iloc[-1].dropna().to_numpy()
    share = kl / kl.sum()
    return float(np.exp(-(share * np.log(share.clip(1e-12))).sum()))


def page_values(results: Results, changes: list[Change]) -> dict[str, str]:
    """What the recipe page's text glues, by name."""
    there = set(results.table["variant"])
    planned = dict.fromkeys(run.variant for run in results.study.runs)
    absent = [v.replace("_", " ") for v in planned if v not in there]
    parts = []
    if {"batch_norm", "plain"} <= there:
        for model in results.table["model"].unique():
            counts = [
                effective_dimensions(curves)
                for variant in ("plain", "batch_norm")
                for curves in [_first(results, variant, model)]
                if len(curves)
            ]
            if len(counts) == 2:
                parts.append(
                    f"that of the {title(model)} in {number(counts[0], 1)} dimensions "
                    f"without batch norm and in {number(counts[1], 1)} with it"
                )
    return {
        "title": results.study.title,
        "budget": results.study.budget,
        "runs": f"{results.runs_there} of {counted(len(results.study.runs), 'run')}",
        "absent": f"Not run: {listed(absent)}." if absent else "All have runs.",
        "changes": changes_sentence(changes),
        "spread": "The divergence is spread over several dimensions (by the "
        f"exponential of the entropy of their shares): {'; '.join(parts)}."
        if parts
        else "The two recipes that differ in batch norm are not both in.",
        "away": away_sentence(results),
        "budgets": budget_sentence(results, "beta_vae"),
    }


def _first(results: Results, variant: str, model: str) -> pd.DataFrame:
    history = results.history
    ours = history[(history["variant"] == variant) & (history["model"] == model)]
    return ours[ours["seed"] == ours["seed"].min()]


def away_sentence(results: Results) -> str:
    """FactorVAE's largest divergence, and its lowest estimate of total correlation."""
    table = results.table[results.table["model"] == "factor_vae"]
    measured = {
        name: table[table["measure"] == f"held_out_{name}"]
        for name in ("kl", "total_correlation")
    }
    if any(rows.empty for rows in measured.values()):
        return "No run of FactorVAE is in."
    most = measured["kl"].loc[measured["kl"]["value"].idxmax()]
    least = measured["total_correlation"]["value"].min()
    return (
        f"The largest divergence of a FactorVAE is {number(most['value'], 0)} nats "
        f"(recipe {most['variant'].replace('_', ' ')}, D = {most['D']}), the median "
        f"{number(measured['kl']['value'].median(), 0)}; the lowest estimate of the "
        f"total correlation is {number(least, 1)}."
    )


def budget_lines(results: Results, model: str) -> dict[str, list[str]]:
    """Recipes that differ in their steps alone, or were scored on the way: a line each,
    by what they share.
    """
    lines: dict[str, list[str]] = {}
    for variant, config in variants(results).items():
        own = results.table[results.table["variant"] == variant]
        if model in set(own["model"]) and config.D == 10:
            lines.setdefault(in_words(config).rsplit(", ", 1)[0], []).append(variant)
    steps = results.table.groupby("variant")["step"].unique()
    return {
        words: names
        for words, names in lines.items()
        if len({step for name in names for step in steps[name]}) > 1
    }


def budget_sentence(results: Results, model: str) -> str:
    """From where to where each measure goes along the first line of the budgets."""
    lines = budget_lines(results, model)
    if not lines:
        return "No recipe has runs of several lengths."
    words, names = next(iter(lines.items()))
    values = budget_values(results, model)
    values = values[values["variant"].isin(names)]
    if values.empty:
        return "No recipe has a seed with runs of several lengths."
    parts, seeds = [], set[int]()
    for measure in MEASURES:
        ours = values[values["measure"] == measure]
        seeds.add(ours["seed"].nunique())
        means = ours.groupby("step")["value"].mean()
        digits = min(2, digits_of(measure))
        ends = [number(means.iloc[place], digits) for place in (0, -1)]
        parts.append(f"{title(measure)} {ends[0]} → {ends[1]}")
    return (
        f"From {means.index[0]:,d} to {means.index[-1]:,d} steps ({words}; "
        f"{counted(max(seeds), 'seed')} with runs of every length): "
        f"{', '.join(parts)}."
    )


def budget_values(results: Results, model: str) -> pd.DataFrame:
    """The page's measures of a model at D = 10 along the lines of the budgets, of the
    seeds that have every step of their line: variant, seed, step.
    """
    values = measured(with_dimensions(results), MEASURES, model=model, D=10)
    lines = [values["variant"].isin(n) for n in budget_lines(results, model).values()]
    return pd.concat([values[:0], *(of_every_step(values[on], PAIRED) for on in lines)])


def nats_of(results: Results, names: tuple[str, ...]) -> dict[str, pd.DataFrame]:
    """Histories of the first seed of each model under each of the recipes, by title."""
    return {
        f"{title(model)}: {name.replace('_', ' ')}": history
        for model in results.table["model"].unique()
        for name in names
        for history in [_first(results, name, model)]
        if len(history)
    }


def to_weight_table(results: Results) -> pd.DataFrame:
    """What each way to the weight has at its end: means over seeds; empty where no
    weight moves.
    """
    there = results.table["variant"].isin(TO_WEIGHT)
    if set(results.table.loc[there, "variant"]) <= {STAYS}:
        return pd.DataFrame()
    return means_table(replace(results, table=results.table[there]))


def to_weight_values(results: Results, changes: list[Change]) -> dict[str, str]:
    """What the section on the way to the weight glues, by name."""
    planned = {run.variant: run.config for run in results.study.runs}
    values = {"to_weight": to_weight_sentence(changes)}
    for name in MOVING:
        start = planned[name].weight_start * planned[name].beta
        values |= {f"{name}_from": f"{start:g}", "to": f"{planned[name].beta:g}"}
        values["to_steps"] = f"{planned[name].weight_steps:,d}"
    return values


def to_weight_sentence(changes: list[Change]) -> str:
    """What a weight that moves to its value changes beside one that stays, at the
    longest budget that most pairs have.
    """
    told = []
    for change in changes:
        if change.first == STAYS and change.second in MOVING:
            parts = [
                f"{title(m)} {change_of(m, e)}" for m, e in change.by_measure.items()
            ]
            pairs = counted(change.pairs, "pair")
            who = f"{change.second} ({title(change.model)}, {change.step:,d} steps"
            told.append(f"{who}, {pairs}): {', '.join(parts)}")
    if not told:
        return "No pair of runs is in yet, one whose weight moves and one whose stays."
    return f"Differences from the runs whose weight stays: {'; '.join(told)}."


def norm_scores(changes: list[Change]) -> dict[str, float]:
    """What leaving batch norm out adds to the FactorVAE score of each model; NaN where
    no run says.
    """
    found = dict.fromkeys(("beta_vae", "factor_vae"), float("nan"))
    for change in changes:
        if (change.first, change.second) == ("plain", "batch_norm"):
            found[change.model] = -change.by_measure["factor_vae_score"].value
    return found
