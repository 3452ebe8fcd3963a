"""Scores and losses against D."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from disentlib.study import style
from disentlib.study.figures.names import heading
from disentlib.study.stats import mean_interval

MARKERS = "osD^v"


def marks_of(levels: Sequence[Any]) -> list[str]:
    """A mark for each level: the thesis' D have their own, as they have colours."""
    order = style.order_of(levels)
    return [MARKERS[order.index(level) % len(MARKERS)] for level in levels]


def scores_against(table: pd.DataFrame, measures: Sequence[str]) -> Figure:
    """Measures against D, a panel a measure, a colour a model: every seed, mean and
    t interval.

    `table` has columns model, seed, measure, value and D. The bar is the 95 %
    interval of the mean by Student's t over seeds, cut off at the frame; with one seed
    there is none. The horizontal axis is true to scale. The vertical axis spans the
    seeds; the strip at its right shows which part of the way from zero that is.
    """
    columns = min(2, len(measures))
    rows = -(-len(measures) // columns)
    models = list(table["model"].unique())
    with style.context():
        fig, axes = style.panels(rows, columns, height=2.3)
        for axis, measure in zip(axes.flat, measures):
            ours = table[table["measure"] == measure]
            for i, model in enumerate(models):
                draw_model(axis, ours[ours["model"] == model], i, len(models))
            levels = sorted(table["D"].unique())
            axis.set_title(heading(measure))
            axis.set_xticks(levels, [str(level) for level in levels])
            axis.set_xlabel("D")
            frame(axis, ours["value"].dropna())
        for axis in axes.flat[len(measures) :]:
            axis.set_axis_off()
        style.key(fig, axes.flat[0], "marks: seeds; lines: means")
    return fig


def draw_model(axis: Axes, runs: pd.DataFrame, i: int, models: int) -> None:
    """One model's dots, means and intervals, moved aside as the `i`th of `models`."""
    levels = np.array(sorted(runs["D"].unique()), dtype=float)
    step = np.diff(levels).min() if len(levels) > 1 else 1.0
    shift = 0.16 * step * (i - (models - 1) / 2)
    colour, means = style.COLOURS[i], []
    for level in levels:
        values = runs.loc[runs["D"] == level, "value"].dropna().to_numpy()
        if len(values) == 0:
            continue
        mean, low, high = mean_interval(values)
        means.append((level + shift, mean))
        places = np.full(len(values), level + shift)
        axis.plot(places, values, MARKERS[i], color=colour, ms=3.5, alpha=0.8, mew=0)
        if len(values) > 1:
            axis.plot([level + shift] * 2, [low, high], color=colour, lw=1)
    if means:
        name = heading(runs["model"].iloc[0])
        ls = "-" if i == 0 else "--"
        axis.plot(*zip(*means), color=colour, ls=ls)
        axis.plot([], [], MARKERS[i] + ls, color=colour, ms=3.5, label=name)


def frame(axis: Axes, values: pd.Series) -> None:
    """Frame the seeds' own range, and show beside it where zero is."""
    if values.empty:
        return
    low, high = values.min(), values.max()
    room = 0.12 * max(high - low, 0.02 * max(abs(low), abs(high)), 1e-9)
    bottom, top = low - room, high + room
    if low >= 0 and bottom < 0.25 * top:  # nearly there: zero itself is in the frame
        bottom = min(0.0, bottom)
    axis.set_ylim(bottom, top)
    if bottom <= 0 <= top:
        axis.axhline(0, color=style.FAINT, lw=0.8, zorder=0)
    ends = min(0.0, bottom), max(0.0, top)
    strip = axis.inset_axes((1.02, 0, 0.025, 1))
    strip.set(xlim=(0, 1), ylim=ends, xticks=[])
    strip.axhspan(bottom, top, color=style.FAINT, lw=0)
    strip.yaxis.tick_right()
    strip.set_yticks([0.0], ["0"])
    strip.tick_params(length=0)
    strip.spines[:].set(visible=True, color=style.FAINT, linewidth=0.5)
