"""Batch norm on the posterior's means alone: the control for what it does elsewhere.

There it holds the divergence of every dimension above a bound and leaves the hidden
layers as they are (Zhu et al. 2020).
"""

from disentlib.study.batch_norm import SHOWN, norm_change, norm_pairs
from disentlib.study.evidence import Evidence
from disentlib.study.measures import THESIS
from disentlib.study.words import interval, listed, number, title

MEANS = "mean_norm"  # the setting


def means_finding(evidence: Evidence) -> str:
    """What batch norm on the means alone changes, beside what it changes at the hidden
    layers in runs of the same D.
    """
    step, pairs = norm_pairs(evidence, THESIS, MEANS)
    there = [model for model in evidence.models if model in set(pairs["model"])]
    if not there:
        return "No runs with batch norm on the means alone are in."
    told = [f"{title(model)} {_changes_of(evidence, model)}" for model in there]
    return (
        f"*On the means alone*, against none and run against run at D = "
        f"{listed(sorted(pairs['D'].unique()))} after {step:,d} steps: "
        f"{'; '.join(told)}."
    )


def _changes_of(evidence: Evidence, model: str) -> str:
    parts = []
    for name, measure in SHOWN.items():
        digits = 2 if measure is THESIS else 1
        means = norm_change(evidence, model, measure, MEANS)
        if means is None:
            continue
        _, pairs = norm_pairs(evidence, measure, MEANS)
        levels = set(pairs.loc[pairs["model"] == model, "D"])
        words = f"{name} {number(means.value, digits, True)} "
        words += interval(means.low, means.high, digits)
        if hidden := norm_change(evidence, model, measure, levels=levels):
            words += f", at the hidden layers {number(hidden.value, digits, True)}"
        parts.append(words)
    return ", and ".join(parts)
