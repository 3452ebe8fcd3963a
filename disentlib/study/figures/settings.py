"""What another setting than D does: a panel a model and D, or a line each D."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from disentlib.study import style
from disentlib.study.figures.names import heading
from disentlib.study.figures.scores import MARKERS, marks_of
from disentlib.study.stats import mean_interval


def against_setting(
    values: pd.DataFrame, setting: str, panel: str, label: Mapping[str, str], y: str
) -> Figure:
    """`value` against a setting on a logarithmic axis, a panel each `panel` with a
    label of its own, a line each D.

    Dots are seeds, lines join means, bars are t intervals of the mean where there are
    three seeds or more: that of two is as wide as the axis.
    """
    panels = list(values[panel].unique())
    levels = sorted(values["D"].unique())
    with style.context():
        fig, axes = style.panels(1, len(panels), height=2.8, sharey=True)
        for axis, name in zip(axes[0], panels):
            ours = values[values[panel] == name]
            ticks = sorted(ours[setting].unique())
            looks = zip(levels, style.of_levels(levels), marks_of(levels))
            for i, (D, colour, mark) in enumerate(looks):
                of_level = ours[ours["D"] == D]
                shift = 1.04 ** (i - (len(levels) - 1) / 2)
                places = of_level[setting] * shift
                axis.plot(
                    places,
                    of_level["value"],
                    mark,
                    color=colour,
                    ms=3,
                )
                means = of_level.groupby(setting)["value"].agg(list)
                for place, own in means.items():
                    if len(own) > 2:
                        _, low, high = mean_interval(own)
                        axis.plot([place * shift] * 2, [low, high], color=colour, lw=1)
                axis.plot(means.index * shift, means.map(np.mean), color=colour)
                axis.plot([], [], mark + "-", color=colour, ms=3, label=f"D = {D}")
            style.logarithmic_at(axis, ticks)
            axis.set(title=heading(str(name)), xlabel=label[str(name)])
        axes[0, 0].set_ylabel(y)
        style.key(fig, axes[0, 0])
    return fig


def two_ways(values: pd.DataFrame) -> Figure:
    """Measures against D, a row a model, a panel a measure, a line each of two ways.

    `values` has columns model, D, seed, measure, way, value; marks are seeds, lines
    join means.
    """
    models, measures, ways = (
        list(values[name].unique()) for name in ("model", "measure", "way")
    )
    with style.context():
        fig, axes = style.panels(len(models), len(measures), height=2.6, sharey="col")
        for row, model in zip(axes, models):
            for axis, measure in zip(row, measures):
                ours = values[values["model"] == model]
                ours = ours[ours["measure"] == measure]
                for i, way in enumerate(ways):
                    own = ours[ours["way"] == way]
                    line = own.groupby("D")["value"].mean()
                    look = {"color": style.COLOURS[(2, 4)[i]], "ms": 3.5}  # no model's
                    ls = ("-", "--")[i]
                    beside = 0.25 * (i - (len(ways) - 1) / 2)  # none hides another
                    axis.plot(own["D"] + beside, own["value"], MARKERS[i], **look)
                    axis.plot(line.index + beside, line, ls, **look)
                    axis.plot([], [], MARKERS[i] + ls, label=way, **look)
                axis.set(xlabel="D", xticks=sorted(ours["D"].unique()))
                axis.set_title(f"{heading(model)}:\n{measure}")
        style.key(fig, axes[0, 0])
    return fig


def budget_curves(values: pd.DataFrame, y: dict[str, str]) -> Figure:
    """Measures against the budget, a row a model, a column each measure of `y`, a line
    each D.

    `values` has columns model, D, step, measure, value, of the same runs at each step;
    lines are means over seeds.
    """
    models = list(values["model"].unique())
    levels = sorted(values["D"].unique())
    with style.context():
        fig, axes = style.panels(len(models), len(y), height=2.2, sharey="col")
        for row, model in zip(axes, models):
            for axis, (measure, name) in zip(row, y.items()):
                ours = values[(values["model"] == model)]
                ours = ours[ours["measure"] == measure]
                looks = zip(levels, style.of_levels(levels), marks_of(levels))
                for D, colour, mark in looks:
                    line = ours[ours["D"] == D].groupby("step")["value"].mean()
                    look = {"marker": mark, "color": colour}
                    axis.plot(line.index, line, label=f"D = {D}", **look)
                style.logarithmic_at(
                    axis, sorted(ours["step"].unique()), thousands=True
                )
                axis.set(title=f"{heading(model)}: {name}", xlabel="steps")
        style.key(fig, axes[0, 0])
    return fig
