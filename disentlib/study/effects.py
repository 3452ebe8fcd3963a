"""What D does to a measure: one effect, asked of all runs of a model."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from disentlib.study.measures import runs
from disentlib.study.permutation import holm, permutation_p
from disentlib.study.pooled import (
    Estimate,
    pooled_contrast,
    pooled_slope,
    spread_between_seeds,
)
from disentlib.study.stats import mean_interval, trend

FACTORS = 5  # of dSprites
BEST = 10  # the D that the thesis expects to be the best (4.2.3)
UNIT = 10.0  # slopes are told for ten more dimensions
QUESTIONS = ("slope", "best", "above")
LEVEL = 0.05


@dataclass(frozen=True)
class Effect:
    """An effect of D on a measure of one model: by seed, pooled, and by permutation.

    Asked is the "slope" (for ten more dimensions), the "best" (D = 10 less the mean of
    the others) or "above" (D of at least K less D below K). `by_seed` is the mean of
    the seeds' own effects with its t interval; `pooled` the fit with seed effects; `p`
    the permutation within seeds, `p_family` after Holm over the family it was asked in;
    `spread` the standard deviation between seeds at one D, with its bounds.
    """

    measure: str
    model: str
    mean: float
    by_seed: tuple[float, float, float]
    pooled: Estimate
    p: float
    p_family: float
    spread: tuple[float, float, float]

    @property
    def clear(self) -> bool:
        """Whether interval and test, after Holm, both speak against no effect."""
        return self.pooled.excludes_zero and self.p_family < LEVEL

    @property
    def decided(self) -> bool:
        """Whether there are runs enough for an interval at all."""
        return self.pooled.df > 0

    @property
    def word(self) -> str:
        """In a word: rises, falls, not clear, or too few runs."""
        if not self.decided:
            return "too few runs"
        if self.clear:
            return "rises" if self.pooled.value > 0 else "falls"
        return "not clear"


def contrast_weights(
    question: str, levels: Iterable[float]
) -> Mapping[float, float] | None:
    """The contrast of a question over the levels that are there; None where it has
    none.
    """
    levels = sorted({float(level) for level in levels})
    if question == "best":
        first, second = [float(BEST)], [level for level in levels if level != BEST]
    elif question == "above":
        first = [level for level in levels if level >= FACTORS]
        second = [level for level in levels if level < FACTORS]
    else:
        raise ValueError(f"question {question!r}; ask one of {', '.join(QUESTIONS)}")
    if not second or not set(first) & set(levels):
        return None
    return {float(x): 1 / len(first) for x in first} | {
        float(x): -1 / len(second) for x in second
    }


def effect_of(
    table: pd.DataFrame,
    measure: str | Sequence[str],
    codes: str,
    model: str | None = None,
    question: str = "slope",
    step: int | None = None,
    name: str | None = None,
) -> Effect | None:
    """The effect of D on a measure (or the mean of several, called `name`) of a model.

    Without a model, of all models together, each with seeds of its own. None where the
    runs cannot say (no two D in one seed, or a contrast without its levels).
    """
    ours = runs(table, measure, codes, step, **({"model": model} if model else {}))
    if model is None:
        ours["seed"] = seeds_by_model(ours)
    if len(ours) == 0 or not (ours.groupby("seed")["D"].nunique() > 1).any():
        return None
    fits = _slopes(ours) if question == "slope" else _contrasts(ours, question)
    if fits is None:
        return None
    asked, pooled, own = fits
    values, seeds = ours["value"].to_numpy(), ours["seed"].to_numpy()
    p = permutation_p(asked, values, seeds) if pooled.df else np.nan
    return Effect(
        measure=name or (measure if isinstance(measure, str) else " + ".join(measure)),
        model=model or "",
        mean=float(values.mean()),
        by_seed=mean_interval(own) if own else (np.nan,) * 3,
        pooled=pooled,
        p=p,
        p_family=p,
        spread=spread_of_runs(ours),
    )


def seeds_by_model(ours: pd.DataFrame) -> pd.Series:
    """Seeds of several models, told apart: a seed of one is no seed of another."""
    return ours["model"] + " " + ours["seed"].astype(str)


Fits = tuple[NDArray[Any], Estimate, list[float]]  # regressor, pooled, each seed's own


def _slopes(ours: pd.DataFrame) -> Fits:
    levels, values, seeds = (ours[c].to_numpy() for c in ("D", "value", "seed"))
    own = [
        UNIT * trend(g["D"], g["value"])
        for _, g in ours.groupby("seed")
        if g["D"].nunique() > 1
    ]
    return levels, pooled_slope(levels, values, seeds).times(UNIT), own


def _contrasts(ours: pd.DataFrame, question: str) -> Fits | None:
    """None where the contrast lacks a level, or no seed has all of them."""
    levels, values, seeds = (ours[c].to_numpy() for c in ("D", "value", "seed"))
    contrast = contrast_weights(question, levels)
    if contrast is None:
        return None
    asked = np.array([contrast[float(level)] for level in levels])
    try:
        pooled = pooled_contrast(levels, values, seeds, contrast)
    except ValueError:
        return None
    own = [
        float(sum(contrast[float(d)] * v for d, v in zip(g["D"], g["value"])))
        for _, g in ours.groupby("seed")
        if set(g["D"]) == set(contrast)
    ]
    return asked, pooled, own


def spread_of_runs(ours: pd.DataFrame) -> tuple[float, float, float]:
    """Standard deviation between seeds of one model at one D, and its bounds; NaN
    without runs.
    """
    if ours.empty:
        return np.nan, np.nan, np.nan
    cells = ours.groupby(["model", "D"]).ngroup()
    return spread_between_seeds(cells, ours["value"])


def family(effects: Iterable[Effect | None]) -> list[Effect]:
    """The effects that could be asked, their p-values adjusted as one family (Holm)."""
    asked = [effect for effect in effects if effect is not None]
    adjusted = holm([effect.p for effect in asked])
    return [replace(e, p_family=float(p)) for e, p in zip(asked, adjusted)]


def effects_of(
    table: pd.DataFrame,
    measures: Iterable[str],
    codes: str,
    question: str = "slope",
    step: int | None = None,
) -> list[Effect]:
    """One family: the same question for each measure and model of the table."""
    models = table["model"].unique()
    return family(
        effect_of(table, measure, codes, model, question, step)
        for measure in measures
        for model in models
    )
