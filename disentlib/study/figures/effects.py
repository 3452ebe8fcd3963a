"""Effects of D as a forest: a line a measure, an interval a model."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from disentlib.study import style
from disentlib.study.effects import Effect
from disentlib.study.figures.names import heading
from disentlib.study.figures.scores import MARKERS

LINE = 0.3  # inches a measure


def forest(columns: dict[str, Sequence[Effect]], label: str) -> Figure:
    """Pooled effects with their intervals, a column of panels each entry, a row a
    measure.

    The grey bar of a row reaches one standard deviation between seeds to both sides of
    zero: an effect that stays within it is smaller than that. Filled marks
    are clear (interval and permutation test after Holm), open ones are not. `label`
    says in which unit.
    """
    every = [effect for effects in columns.values() for effect in effects]
    measures = list(dict.fromkeys(effect.measure for effect in every))
    models = list(dict.fromkeys(effect.model for effect in every))
    with style.context():
        fig, axes = style.panels(
            1, len(columns), height=0.9 + LINE * len(measures), sharex=True, sharey=True
        )
        for axis, (name, effects) in zip(axes[0], columns.items()):
            axis.axvline(0, color=style.FAINT, lw=0.8, zorder=0)
            for effect in effects:
                draw_effect(axis, effect, measures, models)
            axis.set_title(name)
            axis.set_xlabel(label)
        axes[0, 0].set_yticks(range(len(measures)), [heading(m) for m in measures])
        axes[0, 0].set_ylim(len(measures) - 0.4, -0.6)
        for i, model in enumerate(models):
            axes[0, 0].plot(
                [], [], MARKERS[i] + "-", color=style.COLOURS[i], label=heading(model)
            )
        style.key(fig, axes[0, 0])
    return fig


def draw_effect(
    axis: Axes, effect: Effect, measures: Sequence[str], models: Sequence[str]
) -> None:
    """One interval at the place of its measure, moved aside by its model."""
    i = models.index(effect.model)
    shift = 0.22 * (2 * i - len(models) + 1)
    place = measures.index(effect.measure) + shift
    colour = style.COLOURS[i]
    spread = effect.spread[0]
    if not np.isnan(spread):
        axis.barh(place, 2 * spread, 0.34, left=-spread, color=style.FAINT, alpha=0.25)
    if effect.decided:
        axis.plot([effect.pooled.low, effect.pooled.high], [place] * 2, color=colour)
    face = colour if effect.clear else "none"
    axis.plot(effect.pooled.value, place, MARKERS[i], color=colour, mfc=face)
