"""What the page on optimisers says of the runs on dSprites."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from disentlib.study.optimisers_sprites import (
    SpriteRuns,
    longest_of_two,
    nats_of_each,
    of_first_model,
    shared_levels,
)
from disentlib.study.words import counted, listed, number

FLAT = 0.5  # nats by squared unit: an eighth of β = 4, some 0.06 nats


def page_values(found: SpriteRuns | None) -> dict[str, str]:
    """What the page's text glues, by name."""
    return {
        "sprites": sprites_sentence(found),
        "sprites_equal": equal_sentence(found),
        "sprites_full": full_sentence(found),
        "sprites_nats": nats_sentence(found),
    }


def sprites_sentence(found: SpriteRuns | None) -> str:
    """What each optimiser has at an equal number of steps: at the largest D after the
    steps that all have, and where two of them went furthest.
    """
    if found is None:
        return "No runs on dSprites by different optimisers are in yet."
    rows = of_first_model(found.scores)
    ends = {D: longest_of_two(own) for D, own in rows.groupby("D")}
    places = [(found.common, rows["D"].max())]
    furthest = max(ends, key=lambda D: (ends[D], D))
    places += [(ends[furthest], furthest)] * (ends[furthest] > found.common)
    apart = ""
    if len(set(found.where.values())) > 1:
        told = [f"{name} {words}" for name, words in found.where.items()]
        apart = f" They also differ in where they were trained: {'; '.join(told)}."
    told = [
        _in_words(rows[(rows["step"] == step) & (rows["D"] == D)], step, D)
        for step, D in places
    ]
    return f"Adam's runs are the desk study's.{apart} {' '.join(told)}"


def _in_words(rows: pd.DataFrame, step: int, D: int) -> str:
    parts = [
        f"{row['optimiser']} has {row['dimensions in use']} dimensions in use, an "
        f"error of {row['error (nats)']} nats and a FactorVAE score of "
        f"{row['FactorVAE score']}"
        for _, row in rows.iterrows()
    ]
    runs = counted(rows["runs"].iloc[0], "run")
    return f"After {step:,d} steps at D = {D} ({runs} each), {'; '.join(parts)}."


def equal_sentence(found: SpriteRuns | None) -> str:
    """How many dimensions are in use at the lowest level that two optimisers reach, of
    each D.
    """
    levels = () if found is None else shared_levels(found.ways)
    lowest = {D: (level, means["in_use"]) for D, level, means in levels}
    if not lowest:
        return "No two optimisers have come to an equal objective yet."
    told = []
    for D, (level, used) in lowest.items():
        means = [f"{name} {mean:.1f}" for name, mean in used.items()]
        told.append(f"to {level} nats at D = {D}: {listed(means)}")
    return f"Dimensions in use where the objective first comes {'; '.join(told)}."


def full_sentence(found: SpriteRuns | None) -> str:
    """The scores at the largest D of which two optimisers use every dimension: what
    differs there is not their number.
    """
    if found is not None:
        rows = of_first_model(found.scores)
        rows = rows[rows["step"] == found.common]
        used = pd.to_numeric(rows["dimensions in use"], errors="coerce")
        full = rows[used == rows["D"]]
        for D, own in sorted(full.groupby("D"), reverse=True):
            if len(own) > 1:
                told = [
                    f"{row['FactorVAE score']} and {row['DCI disentanglement']} by "
                    f"{row['optimiser']}"
                    for _, row in own.iterrows()
                ]
                return (
                    f"At D = {D} {listed(list(own['optimiser']))} use every dimension "
                    f"after {found.common:,d} steps, so that what differs there is not "
                    f"their number: the FactorVAE score and DCI disentanglement are "
                    f"{listed(told)} ({counted(own['runs'].iloc[0], 'run')} each)."
                )
        return "At no D do two optimisers use every dimension."
    return "There are no runs to tell."


def nats_sentence(found: SpriteRuns | None) -> str:
    """In words, what `nats_of_each` ends with."""
    if found is None:
        return ""
    ways = nats_of_each(found)
    ends = {name: own.iloc[-1] for name, own in ways.items()}
    told = [f"{name} {end['in_use']}" for name, end in ends.items()]
    where = next(iter(ends.values()))
    return (
        f"Dimensions in use at the right of each panel (D = {where['D']}, seed "
        f"{where['seed']}): {listed(told)}."
    )


def curvature_sentence(
    told: NDArray[np.float64],
    measured: NDArray[np.float64],
    errors: NDArray[np.float64],
) -> str:
    """How far the curvature of each dimension lies from what the posterior tells."""
    bent, parts = told > FLAT, []
    if bent.any():
        ratios, apart = measured[bent] / told[bent], errors[bent] / told[bent]
        parts.append(
            f"{_from_to(ratios, 2)} times what the posterior tells where that is "
            f"{_from_to(told[bent], 1)} ({counted(int(bent.sum()), 'dimension')}; "
            f"standard errors {_from_to(apart, 2)})"
        )
    if not bent.all():
        most = max(np.abs(part[~bent]).max() for part in (told, measured))
        parts.append(
            f"at most {number(np.ceil(100 * most) / 100, 2)} by both in the others "
            f"({counted(int((~bent).sum()), 'dimension')})"
        )
    return f"The measured curvature is {', and '.join(parts)}."


def _from_to(values: NDArray[np.float64], digits: int) -> str:
    """The least and the most of some numbers, or the one that both print as."""
    ends = dict.fromkeys(number(end, digits) for end in (values.min(), values.max()))
    return " to ".join(ends)
