"""Recipes against their budget, and where a recipe puts its nats."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from disentlib.study import style
from disentlib.study.figures.names import heading
from disentlib.study.figures.scores import MARKERS


def nats_of_dimensions(columns: Mapping[str, pd.DataFrame]) -> Figure:
    """KL divergence of each dimension against steps, a panel each run's history.

    The dimension with the most nats at the end has the first colour.
    """
    with style.context():
        fig, axes = style.panels(-(-len(columns) // 2), min(2, len(columns)), 2.4)
        for axis, (name, history) in zip(axes.flat, columns.items()):
            kl = history.filter(regex=r"^kl_\d+$").dropna(axis="columns").to_numpy()
            shades = style.ordered(kl.shape[1])
            for line, colour in zip(kl[:, np.argsort(-kl[-1])].T, shades):
                axis.plot(history["step"], line, color=colour, lw=1.2)
            axis.set(title=name, ylim=(0, 5), xlabel="step", ylabel="nats")
        for axis in axes.flat[len(columns) :]:
            axis.set_axis_off()
    return fig


def budgets(values: pd.DataFrame, lines: Mapping[str, list[str]]) -> Figure:
    """Measures of one model against steps: a panel a measure, a line each group of
    recipes.

    `values` has columns variant, step, measure, value, of the same seeds at each step
    of a line; points are means over them.
    """
    measures = list(values["measure"].unique())
    with style.context():
        fig, axes = style.panels(-(-len(measures) // 2), min(2, len(measures)), 2.2)
        for axis, measure in zip(axes.flat, measures):
            for i, (name, names) in enumerate(lines.items()):
                ours = values[values["variant"].isin(names)]
                ours = ours[ours["measure"] == measure]
                line = ours.groupby("step")["value"].mean()
                colour = style.COLOURS[i % len(style.COLOURS)]
                axis.plot(
                    line.index,
                    line,
                    MARKERS[i % len(MARKERS)] + "-",
                    color=colour,
                    label=name,
                )
            style.logarithmic_at(axis, sorted(values["step"].unique()), thousands=True)
            axis.set(title=heading(measure), xlabel="steps")
        for axis in axes.flat[len(measures) :]:
            axis.set_axis_off()
        style.key(fig, axes.flat[0])
    return fig
