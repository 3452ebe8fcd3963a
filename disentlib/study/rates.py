"""Two rates at equal steps: a cycle for each budget, and a constant rate with averaged
weights that serves all of them.
"""

import pandas as pd

from disentlib.study.measures import budgets, measured, records_at, with_dimensions
from disentlib.study.recipes import MEASURES, changed, variants
from disentlib.study.results import IDENTITY, Results
from disentlib.study.titles import digits_of, title
from disentlib.study.words import counted, listed, number

ONE_CYCLE, AVERAGED = "one cycle", "averaged"
IN_TRAINING = "training_reconstruction"  # of the weights as they stand


def rate_values(recipe: Results, desk: Results, model: str, D: int) -> pd.DataFrame:
    """The measures of a model at D by rate and step, a row a run: rate, step, measure,
    value; of the steps at which runs of both are scored.

    One cycle is `plain` of the study of recipes and what differs from it in the steps
    alone. Empty where one of the two rates has no run.
    """
    known = variants(recipe)
    plain = known.get("plain")
    cycles = [
        name
        for name, config in known.items()
        if plain and set(changed(plain, config)) <= {"steps"}
    ]
    sides = {ONE_CYCLE: (recipe, cycles), AVERAGED: (desk, [""])}
    parts = [
        _measured(results, names, model, D).assign(rate=rate)
        for rate, (results, names) in sides.items()
    ]
    every = pd.concat(parts, ignore_index=True)
    both = every.groupby("step")["rate"].nunique() == 2
    return every[every["step"].isin(both.index[both])]


def _measured(results: Results, names: list[str], model: str, D: int) -> pd.DataFrame:
    table = with_dimensions(results)
    table = table[(table["model"] == model) & (table["D"] == D)]
    table = table[table["variant"].isin(names)]
    parts = [measured(table, MEASURES)]
    for step in budgets(table):
        there = table.loc[table["step"] == step, IDENTITY].drop_duplicates()
        last = there.merge(records_at(results.history, step), on=IDENTITY)
        rows = last[IDENTITY].assign(value=last["reconstruction"])
        parts.append(rows.assign(measure=IN_TRAINING, step=step))
    return pd.concat(parts, ignore_index=True)


def rates_table(values: pd.DataFrame) -> pd.DataFrame:
    """A row a budget and rate: runs, and the means of the measures over them."""
    rows = []
    in_order = values.sort_values("step", kind="stable")
    for (step, rate), own in in_order.groupby(["step", "rate"], sort=False):
        means = own.groupby("measure")["value"].mean()
        count = own["measure"].value_counts().max()
        row = {"steps": f"{step:,d}", "rate": rate, "runs": count}
        row |= {title(m): number(means[m], digits_of(m)) for m in MEASURES}
        rows.append(row)
    return pd.DataFrame(rows)


def rates_sentence(values: pd.DataFrame) -> str:
    """Reconstruction of each model by both rates at the first and the last budget, and
    how far the averaged weights lie behind those that are averaged.
    """
    if not len(values):
        return "No runs by both rates are in."
    told = (_rates_of(model, own) for model, own in values.groupby("model", sort=False))
    return f"Reconstruction error on held-out images: {' '.join(told)}"


def seeds_told(values: pd.DataFrame) -> str:
    """How far the averaged runs of each model are apart after the most steps, beside
    their mean.
    """
    parts = []
    for model, own in values[values["rate"] == AVERAGED].groupby("model", sort=False):
        last = own[own["step"] == own["step"].max()]
        if last["seed"].nunique() < 2:
            continue
        ranges = [
            f"{title(measure)} from {number(of.min())} to {number(of.max())} "
            f"(mean {number(of.mean())})"
            for measure in ("factor_vae_score", "dci_disentanglement")
            for of in [last.loc[last["measure"] == measure, "value"]]
        ]
        parts.append(
            f"{title(str(model))}, {counted(last['seed'].nunique(), 'seed')} after "
            f"{last['step'].iloc[0]:,d} steps: {listed(ranges)}"
        )
    if not parts:
        return "How far seeds of one rate are apart is told by two of them."
    return (
        f"Seeds of one rate are apart too, here the averaged runs. {'. '.join(parts)}. "
        "One run could have been any of them: a row of one says little of its rate."
    )


def _rates_of(model: object, values: pd.DataFrame) -> str:
    parts, behind = [], []
    for step in sorted({values["step"].min(), values["step"].max()}):
        own = values[values["step"] == step]
        errors = own[own["measure"] == MEASURES[0]].groupby("rate")["value"]
        told = [
            f"{words} {number(errors.mean()[name], 1)} nats "
            f"({counted(errors.size()[name], 'run')})"
            for name, words in ((ONE_CYCLE, ONE_CYCLE), (AVERAGED, "averaged weights"))
        ]
        parts.append(f"after {step:,d} steps {' and '.join(told)}")
        means = own[own["rate"] == AVERAGED].groupby("measure")["value"].mean()
        lag = means[MEASURES[0]] - means[IN_TRAINING]
        behind.append(f"{number(lag, 1, signed=True)} nats after {step:,d} steps")
    return (
        f"{title(str(model))} {'; '.join(parts)}. The averaged "
        "weights' error, less that of the weights as they stand on the last training "
        f"batches: {listed(behind)}."
    )
