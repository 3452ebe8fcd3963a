"""The way of an optimiser: dimensions in use by what is left to gain."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from disentlib.models.linear import LinearProblem
from disentlib.study import style


def along_gap(records: pd.DataFrame, known: int) -> Figure:
    """Dimensions in use against the objective's distance from its least value.

    A line each run, a colour each optimiser; the theorem's count as a line of its own.
    """
    with style.context():
        fig, axes = style.panels(1, 1, height=3.0)
        axis = axes[0, 0]
        names = list(records["optimiser"].unique())
        _along(axis, records, records["gap"].clip(lower=1e-3), names)
        axis.axhline(known, color=style.FAINT, lw=0.8, zorder=0)
        axis.set(
            xlabel="objective above its least value (nats)", ylabel="dimensions in use"
        )
        axis.legend(loc="center left")
        style.logarithmic(axis, "x")
    return fig


def along_objective(ways: pd.DataFrame) -> Figure:
    """Dimensions in use against the objective, from 220 nats down: a panel each D,
    lines as in `along_gap`.
    """
    least = ways["objective"].min() - 2
    with style.context():
        fig, axes = style.panels(1, ways["D"].nunique(), height=2.8)
        names = list(ways["optimiser"].unique())
        for axis, (D, ours) in zip(axes[0], ways.groupby("D")):
            _along(axis, ours, ours["objective"], names)
            axis.set(title=f"D = {D}", xlabel="objective (nats)", ylim=(0, D + 0.5))
            axis.set_xlim(220, least)
            axis.set_yticks(range(0, D + 1, max(1, D // 5)))
        axes[0, 0].set_ylabel("dimensions in use")
        axes[0, 0].legend()
    return fig


def _along(axis: Axes, records: pd.DataFrame, x: pd.Series, names: list[str]) -> None:
    """A step line each run, over the least `x` that it has come to; a look for each of
    `names`, whichever of them are there.
    """
    records = records.assign(x=x)
    keys = [name for name in ("model", "D", "seed") if name in records]
    for i, name in enumerate(names):
        ours = records[records["optimiser"] == name]
        for j, (_, run) in enumerate(ours.groupby(keys)):
            axis.step(
                run["x"].cummin(),
                run["in_use"] + 0.08 * (i - 1),
                color=style.COLOURS[i],
                ls=("-", "--", ":", "-.")[i],
                where="post",
                label=name if j == 0 else None,
            )
    axis.invert_xaxis()


def nats_over_time(records: pd.DataFrame, problem: LinearProblem) -> Figure:
    """Nats of each dimension against steps for the first seed, a panel an optimiser."""
    names = list(records["optimiser"].unique())
    first = records[records["seed"] == records["seed"].min()]
    with style.context():
        fig, axes = style.panels(1, len(names), height=2.4, sharey=True)
        for axis, name in zip(axes[0], names):
            ours = first[first["optimiser"] == name]
            nats = ours.filter(regex=r"^kl_\d+$").dropna(axis="columns")
            last = nats.iloc[-1].sort_values(ascending=False)
            for column, colour in zip(last.index, style.ordered(len(last))):
                axis.plot(ours["step"], nats[column], color=colour, lw=1.2)
            for level in problem.optimal_kl(len(last)):
                axis.axhline(float(level), color=style.FAINT, lw=0.6, ls="--")
            style.logarithmic(axis, "x")
            axis.set(title=name, xlabel="step", ylim=(-0.05, 3))
        axes[0, 0].set_ylabel("nats")
    return fig


def told_and_measured(
    told: NDArray[np.float64], measured: NDArray[np.float64]
) -> Figure:
    """Each dimension's curvature (D,) as measured, against what the posterior tells."""
    least = 0.01  # nats by squared unit: flatter ones are drawn here
    with style.context():
        fig, axes = style.panels(1, 1, height=3.0)
        axis = axes[0, 0]
        ends = [least, 2 * max(told.max(), measured.max())]
        axis.plot(ends, ends, color=style.FAINT, lw=0.8, zorder=0)
        axis.plot(told.clip(min=least), measured.clip(min=least), "o")
        axis.set(xlabel="told by the posterior", ylabel="measured")
        style.logarithmic(axis, "x")
        style.logarithmic(axis, "y")
    return fig
