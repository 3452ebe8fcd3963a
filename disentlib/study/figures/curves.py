"""Losses over the course of training."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from disentlib.arrays import Numbers
from disentlib.study import style
from disentlib.study.figures.names import heading
from disentlib.study.figures.scores import marks_of
from disentlib.study.measures import longest_runs
from disentlib.training.history import LOSS_TERMS


def loss_curves(history: pd.DataFrame) -> Figure:
    """Loss terms in nats against the step, a colour each D.

    `history` has the columns of a run's history, and model, seed and D. Two models
    stand side by side, a row a term; terms of one model fill two columns. Lines are
    means over the seeds of the longest runs at equal steps, bands one standard
    deviation; a term that no run of a model has is left out, and the key stands in a
    free place. The vertical axis is logarithmic for terms that stay positive, that of
    steps always: most happens in the first tenth.
    """
    models = list(history["model"].unique())
    levels = sorted(history["D"].unique())
    of_model = {model: history[history["model"] == model] for model in models}
    have = {
        m: [t for t in LOSS_TERMS if ours[t].notna().any()]
        for m, ours in of_model.items()
    }
    wanted = [(m, t) for t in LOSS_TERMS for m in models if t in have[m]]
    places = 2 * len(LOSS_TERMS) if len(models) == 2 else len(wanted)
    with style.context():
        fig, axes = style.panels(-(-places // 2), min(2, places), height=1.75)
        if len(models) == 2:
            grid = {
                (m, t): axes[i, j]
                for i, t in enumerate(LOSS_TERMS)
                for j, m in enumerate(models)
            }
        else:
            grid = dict(zip(wanted, axes.flat))
        for (model, term), axis in grid.items():
            if (model, term) in wanted:
                draw_term(axis, of_model[model], term)
                axis.set_title(f"{heading(model)}: {heading(term)}")
        for axis in axes[:, 0]:
            axis.set_ylabel("nats an image")
        free = [axis for axis in axes.flat if not axis.has_data()]
        for axis in free:
            axis.set_axis_off()
        if len(levels) > 1:
            if free:
                lines, labels = grid[wanted[0]].get_legend_handles_labels()
                free[0].legend(lines, labels, loc="center", ncols=2)
            else:
                style.key(fig, grid[wanted[0]])
    return fig


def draw_term(axis: Axes, runs: pd.DataFrame, term: str) -> None:
    """One term of one model: mean and standard deviation over seeds for each D."""
    levels = sorted(runs["D"].unique())
    colours: Sequence[Any] | Numbers = (
        style.of_levels(levels) if len(levels) > 1 else style.COLOURS
    )
    for i, (level, colour) in enumerate(zip(levels, colours)):
        seeds = longest_runs(runs[runs["D"] == level]).groupby("step")
        middle, spread = seeds[term].mean(), seeds[term].std()
        look = {"color": colour, "lw": 1.2, "label": f"D = {level}"}
        if len(levels) > 1:  # marks tell lines apart without their colour
            apart = (0.04 * i, 0.2)
            look |= {"marker": marks_of(levels)[i], "ms": 3.5, "markevery": apart}
        axis.plot(middle.index, middle, **look)
        axis.fill_between(
            middle.index,
            middle - spread,
            middle + spread,
            color=colour,
            alpha=0.2,
            lw=0,
        )
    if (runs[term] > 0).all():
        style.logarithmic(axis)
    style.logarithmic(axis, "x")
    axis.set_xlabel("step")
