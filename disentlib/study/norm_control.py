"""Batch norm on the posterior's means alone: the control for what it does elsewhere.

There it holds the divergence of every dimension above a bound and leaves the hidden
layers as they are (Zhu et al. 2020).
"""

import pandas as pd

from disentlib.study.batch_norm import SHOWN, norm_change, norm_pairs
from disentlib.study.evidence import Evidence
from disentlib.study.measures import THESIS
from disentlib.study.pooled import estimated
from disentlib.study.titles import title
from disentlib.study.words import listed

MEANS = "mean_norm"  # the setting


def means_finding(evidence: Evidence) -> str:
    """What the table of batch norm on the means alone is about."""
    step, pairs = norm_pairs(evidence, THESIS, MEANS)
    if not len(pairs):
        return "No runs with batch norm on the means alone are in."
    levels = listed(sorted(pairs["D"].unique()))
    return (
        f"What it changes *on the means alone*, and what at the hidden layers in runs "
        f"of the same D, is in the table below: D = {levels} after {step:,d} steps, "
        f"each against runs without, seed by seed."
    )


def means_table(evidence: Evidence) -> pd.DataFrame:
    """A row a model and measure, empty without runs: what batch norm on the means
    alone changes, and at the hidden layers at the same D.
    """
    rows = []
    for model in evidence.models:
        for name, measure in SHOWN.items():
            _, pairs = norm_pairs(evidence, measure, MEANS)
            levels = set(pairs.loc[pairs["model"] == model, "D"])
            means = norm_change(evidence, model, measure, MEANS)
            hidden = norm_change(evidence, model, measure, levels=levels)
            if means is not None:
                digits = 2 if measure is THESIS else 1
                rows.append(
                    {
                        "model": title(model),
                        "measure": name,
                        "on the means alone": estimated(means, digits),
                        "at the hidden layers": estimated(hidden, digits)
                        if hidden
                        else "–",
                    }
                )
    return pd.DataFrame(rows)
