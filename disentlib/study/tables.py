"""Tables of the results' pages, as they are printed."""

from collections.abc import Iterable

import pandas as pd
from pandas.io.formats.style import Styler

from disentlib.study.effects import Effect
from disentlib.study.evidence import Evidence
from disentlib.study.measures import THESIS, codes_of, measured, of_every_step, runs
from disentlib.study.pooled import estimated
from disentlib.study.titles import digits_of, title
from disentlib.study.words import interval, number, p_value

SHOWN = ("dimensions_in_use", "held_out_kl", "held_out_reconstruction", *THESIS)


def printed(table: pd.DataFrame, caption: str) -> Styler:
    """A table without its index and with a caption; numbers are text already."""
    return table.style.hide(axis="index").set_caption(caption)


def effect_table(effects: Iterable[Effect], caption: str) -> Styler:
    """Effects with both intervals, p-values by permutation, and the seeds' spread."""
    rows = []
    for effect in effects:
        digits = digits_of(effect.measure)
        mean, low, high = effect.by_seed
        rows.append(
            {
                "measure": title(effect.measure),
                "model": title(effect.model),
                "mean": number(effect.mean, digits),
                "pooled": estimated(effect.pooled, digits),
                "seed by seed": number(mean, digits, signed=True)
                + f" {interval(low, high, digits)}",
                "p": p_value(effect.p),
                "p, family": p_value(effect.p_family),
                "between seeds": number(effect.spread[0], digits),
                "effect": effect.word,
            }
        )
    table = pd.DataFrame(rows)
    if len(rows) and table["effect"].nunique() < 2:  # which the text has said
        table = table.drop(columns="effect")
    return printed(table, caption)


def summary_table(evidence: Evidence, caption: str) -> Styler:
    """Means over seeds of losses and the thesis' scores, a row a model and D."""
    columns = {}
    for measure in SHOWN:
        rows = runs(evidence.table, measure, codes_of(measure))
        columns[measure] = rows.groupby(["model", "D"])["value"].mean()
    counts = runs(evidence.table, SHOWN[0]).groupby(["model", "D"]).size()
    out = []
    for (model, D), count in counts.items():
        cells = {
            title(m): number(c.get((model, D), float("nan")), digits_of(m))
            for m, c in columns.items()
        }
        out.append({"model": title(model), "D": D, "runs": count} | cells)
    return printed(pd.DataFrame(out), caption)


def budget_rows(evidence: Evidence, measures: Iterable[str]) -> pd.DataFrame:
    """Rows of the measures at every budget, of the runs that have all of them: model,
    D, seed, step, measure, value.
    """
    return of_every_step(measured(evidence.table, list(measures)))
