"""The three parts of the thesis' hypothesis (4.2.3), each with what decides it."""

import numpy as np

from disentlib.study.effects import BEST, effect_of, seeds_by_model
from disentlib.study.evidence import Evidence
from disentlib.study.measures import THESIS, runs
from disentlib.study.pooled import Estimate, estimated, pooled_contrast
from disentlib.study.settings import paired_change
from disentlib.study.verdicts import (
    FAILS,
    HOLDS,
    MARGIN,
    OPEN,
    Verdict,
    by_interval,
    spread_of,
)
from disentlib.study.words import listed


def best_dimension(evidence: Evidence) -> Verdict:
    """Hypothesis 4.2.3: D = 10 is the best, that is, better than each other D.

    To hold, all contrasts must speak for it, and each may be asked at 95 %; to fail,
    one is enough, and each is asked at Bonferroni's level.
    """
    claim = f"D = {BEST} attains the highest scores."
    leads = leads_of(evidence, BEST)
    bounds = leads_of(evidence, BEST, 1 - 0.05 / max(1, len(leads)))
    if not leads or not all(lead.df for lead in leads.values()):
        return Verdict("4.2.3", claim, "–", OPEN, "Runs at D = 10 and others would.")
    over = [f"{estimated(lead)} over D = {D}" for D, lead in leads.items()]
    text = f"mean of the three scores, lead of D = {BEST}: {listed(over)}"
    margin, decision = spread_of(evidence, THESIS), OPEN
    if all(lead.low > 0 for lead in leads.values()):
        decision = HOLDS
    elif any(bound.high < np.fmax(margin, 0.0) for bound in bounds.values()):
        decision = FAILS
    why = (
        f"Holds if D = {BEST} is clearly above each other D; fails if it can lead one "
        f"of them by no more than one standard deviation between seeds (Bonferroni)."
    )
    return Verdict("4.2.3", claim, text, decision, why, margin)


def leads_of(evidence: Evidence, best: int, level: float = 0.95) -> dict[int, Estimate]:
    """The mean of the thesis' scores at one D less that at each other, both models
    together; none without runs at that D and another.
    """
    ours = runs(evidence.table, THESIS, "sampled")
    seeds = seeds_by_model(ours)
    levels, leads = sorted(int(D) for D in ours["D"].unique()), {}
    for D in [D for D in levels if best in levels and best != D]:
        weights = {float(best): 1.0, float(D): -1.0}
        try:
            leads[D] = pooled_contrast(ours["D"], ours["value"], seeds, weights, level)
        except ValueError:  # no seed has both
            return {}
    return leads


def reconstructs_better(evidence: Evidence) -> Verdict:
    """Hypothesis 4.2.3: the β-VAE reconstructs better than FactorVAE."""
    claim = "The β-VAE reconstructs better than FactorVAE."
    rows = runs(evidence.table, "held_out_reconstruction")
    first, second = (rows[rows["model"] == m] for m in ("beta_vae", "factor_vae"))
    change = paired_change(first, second, keys=("D", "seed"))
    if change is None or not change.df:
        return Verdict("4.2.3", claim, "–", OPEN, "More pairs of runs would.")
    why = "Holds if the interval is above 0; fails if it is below."
    text = f"error of FactorVAE less that of the β-VAE: {estimated(change, 1)} nats"
    decision = OPEN
    if change.excludes_zero:
        decision = HOLDS if change.value > 0 else FAILS
    return Verdict("4.2.3", claim, text, decision, why)


def score_rises(evidence: Evidence) -> Verdict:
    """Hypothesis 4.2.3: the β-VAE score rises with D."""
    claim = "A larger D makes the β-VAE score easier to reach."
    effect = effect_of(evidence.table, "beta_vae_score", "sampled")
    if effect is None:
        return Verdict("4.2.3", claim, "–", OPEN, "Runs at two D would.")
    text = f"for ten more D: {estimated(effect.pooled)}"
    why = "Holds if it clearly rises with D; " + MARGIN.format(
        other="falls", same="rise"
    )
    decision, spread = by_interval(effect), effect.spread[0]
    return Verdict("4.2.3", claim, text, decision, why, spread)
