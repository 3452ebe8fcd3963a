"""The thesis' claims, each with the number that decides it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from disentlib.scoring.reader import moving
from disentlib.scoring.sizes import EXCESS
from disentlib.study.correlation import correlation_within
from disentlib.study.effects import LEVEL, Effect, effect_of, spread_of_runs
from disentlib.study.evidence import Evidence
from disentlib.study.measures import ROTATED, THESIS, runs
from disentlib.study.permutation import holm
from disentlib.study.pooled import estimated
from disentlib.study.settings import paired_change
from disentlib.study.stats import mean_interval
from disentlib.study.titles import title
from disentlib.study.words import interval, number

HOLDS, FAILS, OPEN = "holds", "does not hold", "not decided"
WEAK = 0.3  # a correlation within ± this is called close to none
PURITY = "traversal_purity"


@dataclass(frozen=True)
class Verdict:
    """A claim, the number that decides it with its interval, the decision, and why.

    `why` gives the rule that decided; for what is not decided, what would decide it.
    `spread` is the standard deviation between seeds that the rule compares with.
    """

    place: str
    claim: str
    number: str
    decision: str
    why: str
    spread: float = np.nan


MARGIN = (
    "fails if it clearly {other}, or, where neither is clear, can {same} by no more "
    "than one standard deviation between seeds."
)


def by_interval(effect: Effect | None, sign: int = 1) -> str:
    """Holds for a clear effect of that sign; fails for a clear one of the other, or if
    none is clear and it can be no larger than one standard deviation between seeds.
    """
    if effect is None or not effect.decided:
        return OPEN
    if effect.pooled.excludes_zero and effect.p < LEVEL:
        return HOLDS if sign * effect.pooled.value > 0 else FAILS
    most = sign * (effect.pooled.high if sign > 0 else effect.pooled.low)
    return FAILS if most < effect.spread[0] else OPEN


def traversals(evidence: Evidence) -> Verdict:
    """Claim 1: traversals cannot be judged when D is large."""
    effect = effect_of(evidence.table, PURITY, "")
    claim = "Traversals are too abstract to be judged when D is large."
    if effect is None:
        used = runs(evidence.table, "dimensions_in_use").groupby("D")["value"].mean()
        first, last = (number(used.iloc[place], 1) for place in (0, -1))
        text = (
            f"rows that say anything: {first} at D = {used.index[0]}, {last} at "
            f"D = {used.index[-1]}"
        )
        why = "A reading of each row against the images of the grid would."
        return Verdict("6.1, 1", claim, text, OPEN, why)
    change = estimated(effect.pooled)
    text = f"purity of a row that moves something, for ten more D: {change}"
    why = "Holds if the purity of rows in use clearly falls as D grows; "
    why += MARGIN.format(other="rises", same="fall")
    decision, spread = by_interval(effect, -1), effect.spread[0]
    return Verdict("6.1, 1", claim, text, decision, why, spread)


def overestimates(evidence: Evidence) -> Verdict:
    """Claim 2: scores overestimate, and more so when D is large."""
    claim = "The scores overestimate, and are more accurate when D is small."
    names = [score + ROTATED for score in THESIS]
    effect = effect_of(evidence.table, names, "sampled")
    if effect is None:
        why = "The scores of random rotations of the same codes would."
        return Verdict("6.1, 2", claim, "–", OPEN, why)
    level = number(effect.mean, 2)
    text = (
        f"the three scores of random rotations: {level} on average, for ten more D "
        f"{estimated(effect.pooled)}"
    )
    why = "Holds if what a code scores without axes of its own clearly rises with D; "
    why += MARGIN.format(other="falls", same="rise")
    decision, spread = by_interval(effect), effect.spread[0]
    return Verdict("6.1, 2", claim, text, decision, why, spread)


def hinton(evidence: Evidence) -> Verdict:
    """Claim 3: Hinton diagrams are useful, as far as traversals can be judged."""
    claim = "Hinton diagrams are useful, but are judged by traversals."
    shares = agreements(evidence)
    if not shares:
        why = "Comparing each row's reading with the diagram's largest square would."
        return Verdict("6.1, 3", claim, "–", OPEN, why)
    share, low, high = mean_interval(shares)
    text = (
        f"rows whose reading names the diagram's factor: {number(share, 2)} "
        f"{interval(low, high, 2)}, over {len(shares)} models"
    )
    decision = HOLDS if low > 0.5 else FAILS if high < 0.5 else OPEN
    why = "Useful if most rows do what the diagram says; guessing gives 0.2."
    return Verdict("6.1, 3", claim, text, decision, why)


def agreements(evidence: Evidence) -> list[float]:
    """For each model whose pictures were read: in which share of the rows that move
    something the factor that moves most is that of the largest importance.
    """
    shares = []
    for model in evidence.models:
        for D in evidence.levels:
            try:
                one = evidence.main.pictures(model, D)
            except FileNotFoundError:
                continue
            if one.shares is None or not (moves := moving(one)).any():
                continue
            same = one.shares.argmax(axis=1) == one.importances.argmax(axis=1)
            shares.append(float(same[moves].mean()))
    return shares


def reconstruction(evidence: Evidence) -> Verdict:
    """Claim 5: reconstruction says little about disentanglement."""
    claim = "Reconstruction is close to uncorrelated with disentanglement."
    scores = ("factor_vae_score", "dci_disentanglement")
    found = [
        correlation_within(evidence.table, "held_out_reconstruction", score)
        for score in scores
    ]
    if not found[0].df:
        why = "More seeds would: the correlation is over runs that differ in the seed."
        return Verdict("6.1, 5", claim, "–", OPEN, why)
    text = "; ".join(f"{title(s)} {estimated(e, 2)}" for s, e in zip(scores, found))
    decision, adjusted = OPEN, holm([estimate.p for estimate in found])
    if (adjusted < LEVEL).any():
        decision = FAILS
    elif all(estimate.largest < WEAK for estimate in found):
        decision = HOLDS
    why = f"Holds if both intervals lie within ± {WEAK}; fails if one of the two is "
    why += "clearly not 0 (p below 0.05 after Holm)."
    return Verdict("6.1, 5", claim, text, decision, why)


def proposal(evidence: Evidence) -> Verdict:
    """Proposal 6.2: prune dimensions that matter to several factors."""
    claim = "Pruning shared dimensions makes the FactorVAE score more reliable."
    names = ("factor_vae_score", "pruned_factor_vae_score")
    excess = [runs(evidence.table, name + EXCESS, "sampled") for name in names]
    plain = [runs(evidence.table, name, "sampled") for name in names]
    change = paired_change(*plain)
    if change is None or not change.df:
        return Verdict("6.2", claim, "–", OPEN, "Runs with both scores would.")
    text = f"pruned less plain: {estimated(change)}"
    gain = paired_change(*excess)
    if gain is None or not gain.df:
        why = "What each scores beyond random rotations of the codes would."
        return Verdict("6.2", claim, text, OPEN, why)
    decision, spread = OPEN, spread_of(evidence, names[0])
    if gain.excludes_zero:
        decision = HOLDS if gain.value > 0 else FAILS
    elif gain.largest < spread:
        decision = FAILS
    text += f"; of what is beyond rotations: {estimated(gain)}"
    why = (
        "Holds if pruning clearly takes more from random rotations than from the "
        "model; fails if clearly less, or if the difference can be no larger than one "
        "standard deviation of the FactorVAE score between seeds."
    )
    return Verdict("6.2", claim, text, decision, why, spread)


def spread_of(
    evidence: Evidence,
    measures: str | Sequence[str],
    model: str | None = None,
    step: int | None = None,
) -> float:
    """Standard deviation of a score (or of the mean of several) between seeds of the
    main study at one model and D; NaN where no two are there after these steps.
    """
    where = {"model": model} if model else {}
    return spread_of_runs(runs(evidence.table, measures, "sampled", step, **where))[0]


def beside_seeds(spread: float) -> str:
    """The yardstick of a rule that has one, to stand behind what it judges."""
    return "" if np.isnan(spread) else f" (between seeds ± {number(spread, 3)})"


def table_of(verdicts: list[Verdict]) -> pd.DataFrame:
    """The verdicts as the page's table."""
    names = ["in the thesis", "claim", "verdict", "what decides", "rule"]
    rows = [
        (v.place, v.claim, v.decision, v.number + beside_seeds(v.spread), v.why)
        for v in verdicts
    ]
    return pd.DataFrame(rows, columns=names)
