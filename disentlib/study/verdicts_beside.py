"""The thesis' claims that studies beside the main one decide: weights and batches."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from disentlib.study import verdicts, verdicts_hypothesis
from disentlib.study.evidence import Evidence
from disentlib.study.measures import THESIS, budgets
from disentlib.study.pooled import Estimate, estimated
from disentlib.study.results import Results
from disentlib.study.settings import (
    batch_slopes,
    best_weights,
    gains_of_search,
    weight_runs,
    with_settings,
    with_two_batches,
)
from disentlib.study.stats import mean_interval
from disentlib.study.titles import title
from disentlib.study.verdicts import (
    FAILS,
    HOLDS,
    OPEN,
    Verdict,
    beside_seeds,
    spread_of,
)
from disentlib.study.words import all_counted, counted, interval, listed, number

BONFERRONI = 1 - 0.05 / 2  # two models, or two halves of a claim


def weights(evidence: Evidence) -> Verdict:
    """Claim 4: models are compared properly only after a search over the weights."""
    claim = "Comparing models needs a search over β and γ."
    results = evidence.beside.get("weights")
    if results is None:
        return Verdict("6.1, 4", claim, "–", OPEN, "A study of weights by D would.")
    values = weight_runs(results, THESIS)
    told, decisions = gains_told(evidence, values)
    text = f"gain over the thesis' weight: {told}"
    for model, best in best_weights(values).iterrows():
        each = [f"{weight:g} at D = {D}" for D, weight in best.dropna().items()]
        text += f"; best weight of the {title(str(model))}: {listed(each)}"
    seeds, step = counted(values["seed"].nunique(), "seed"), values["step"].max()
    text += f" ({seeds}, after {step:,d} steps; a gain for each seed, mean over D)"
    decision = HOLDS if HOLDS in decisions else OPEN if OPEN in decisions else FAILS
    why = (
        "Holds if a weight chosen on other seeds clearly beats the thesis' for a "
        "model; fails if for neither it can by more than one standard deviation "
        "between seeds."
    )
    return Verdict("6.1, 4", claim, text, decision, why)


def gains_told(evidence: Evidence, values: pd.DataFrame) -> tuple[str, list[str]]:
    """What a search over the weight gains for each model, and what that decides."""
    step, texts, decisions = int(values["step"].max()), [], []
    for model in evidence.models:
        ours = values[values["model"] == model]
        if ours.empty:  # the claim is of both weights: half of it is not against it
            texts.append(f"{title(model)} not searched")
            decisions.append(OPEN)
            continue
        gains = gains_of_search(ours)
        gain, low, high = mean_interval(gains, BONFERRONI) if gains else (np.nan,) * 3
        tried = listed([f"{weight:g}" for weight in sorted(ours["weight"].unique())])
        spread = spread_of(evidence, THESIS, model, step)
        told = "takes two seeds"
        if gains:
            told = (
                f"{number(gain, 3, True)} {interval(low, high)}{beside_seeds(spread)}"
            )
        texts.append(f"{title(model)}, of {tried}, {told}")
        decisions.append(HOLDS if low > 0 else FAILS if high < spread else OPEN)
    return "; ".join(texts), decisions


def gain_sentence(evidence: Evidence) -> str:
    """What a search over the weights gains, for a caption."""
    if (results := evidence.beside.get("weights")) is None:
        return "No study of weights is in."
    told, _ = gains_told(evidence, weight_runs(results, THESIS))
    return f"Gain over the thesis' weight: {told}."


def batch_values(results: Results) -> pd.DataFrame:
    """Scores of a study of batches at an equal number of steps and of images (`rule`).

    Each rule takes the count at which the most batch sizes were scored, the largest of
    those; a run that was scored on the way serves both.
    """
    parts = [
        with_settings(results, THESIS, ["batch_size"], "sampled", step).assign(
            step=step
        )
        for step in budgets(results.table)
    ]
    every = pd.concat(parts, ignore_index=True)
    every["images"] = every["step"] * every["batch_size"]
    chosen = []
    for rule, count in (("steps", "step"), ("images", "images")):
        sizes = every.groupby(count)["batch_size"].nunique()
        best = sizes[sizes == sizes.max()].index.max()
        chosen.append(every[every[count] == best].assign(rule=rule))
    return pd.concat(chosen, ignore_index=True)


def by_slopes(slopes: Mapping[str, Estimate], spread: float) -> str:
    """Holds where a slope is clear by both ways of counting, and of one sign
    (Bonferroni): by one alone it may be what that count changes besides, the images or
    the steps. Fails where three doublings change nothing by more than the spread.
    """
    counts: dict[str, list[float]] = {}
    for name, slope in slopes.items():
        clear = slope.p < 0.05 / len(slopes)
        place = name.rpartition("equal ")[0]
        counts.setdefault(place, []).append(np.sign(slope.value) if clear else 0.0)
    if any(abs(sum(signs)) == 2 for signs in counts.values()):
        return HOLDS
    return FAILS if all(3 * s.largest < spread for s in slopes.values()) else OPEN


def batches(evidence: Evidence) -> list[Verdict]:
    """Claim 6 in its two halves: the batch matters, and more as D changes."""
    claims = (
        "The batch of FactorVAE matters far more than expected.",
        "It needs another value when D changes.",
    )
    results = evidence.beside.get("batches")
    if results is None:
        why = "A study of batches by D would."
        return [Verdict("6.1, 6", claim, "–", OPEN, why) for claim in claims]
    values = batch_values(results)
    several = with_two_batches(values)["seed"].nunique() > 1
    step = int(values.loc[values["rule"] == "steps", "step"].iloc[0])
    own, more = doublings(values)
    spread = spread_of(evidence, THESIS, "factor_vae", step)
    text = _in_words(values, own)
    why = (
        "Holds if the score clearly changes with the batch at some D, the same way at "
        "equal steps and at equal images; fails if three doublings can change it "
        "nowhere by more than one standard deviation between seeds."
    )
    decided = by_slopes(own, spread) if several and own else OPEN
    beside = spread if own else np.nan
    first = Verdict("6.1, 6", claims[0], text, decided, why, beside)
    if not more:
        return [first, Verdict("6.1, 6", claims[1], "–", OPEN, "A second D would.")]
    text = "change for a doubling, largest D less smallest: " + "; ".join(
        f"{_told(change, several)} at {where}" for where, change in more.items()
    )
    why = (
        "Holds if the batch clearly acts differently at the two D, the same way at "
        "equal steps and at equal images; fails if three doublings can differ by no "
        "more than one standard deviation between seeds."
    )
    decided = by_slopes(more, spread) if several else OPEN
    return [first, Verdict("6.1, 6", claims[1], text, decided, why, spread)]


def doublings(
    values: pd.DataFrame,
) -> tuple[dict[str, Estimate], dict[str, Estimate]]:
    """What a doubling of the batch changes at each D and rule of counting, and the
    largest D less the smallest by rule; by their names in a sentence.
    """
    own: dict[str, Estimate] = {}
    more: dict[str, Estimate] = {}
    # Each rule by itself: a run that serves both is no two runs.
    for rule, of_rule in values.groupby("rule", sort=False):
        for D, slope in batch_slopes(of_rule).items():
            if D == "more":
                more[f"equal {rule}"] = slope
            else:
                own[f"D = {D} and equal {rule}"] = slope
    return own, more


def doublings_told(evidence: Evidence) -> str:
    """What a doubling of the batch changes, with the runs that say so."""
    if (results := evidence.beside.get("batches")) is None:
        return "no runs of other batches are in"
    values = batch_values(results)
    return _in_words(values, doublings(values)[0])


def _in_words(values: pd.DataFrame, slopes: Mapping[str, Estimate]) -> str:
    step, images = (
        values.loc[values["rule"] == rule, column].iloc[0]
        for rule, column in (("steps", "step"), ("images", "images"))
    )
    by_rule = with_two_batches(values).groupby("rule")["seed"].nunique()
    seeds = [int(by_rule.get(rule, 0)) for rule in ("steps", "images")]
    several = max(seeds) > 1
    told = "; ".join(f"{_told(s, several)} at {where}" for where, s in slopes.items())
    runs = f"{step:,d} steps or {images:,d} images, {all_counted(seeds, 'seed')}"
    return f"{runs}, for a doubling: {told or 'no seed has two batch sizes yet'}"


def _told(slope: Estimate, several: bool) -> str:
    """Without its interval where one seed says nothing of what another would give."""
    return estimated(slope) if several else number(slope.value, 3, signed=True)


def verdict_table(evidence: Evidence) -> pd.DataFrame:
    """Every claim of the thesis, in its order, as the page's table."""
    return verdicts.table_of(
        [
            verdicts.traversals(evidence),
            verdicts.overestimates(evidence),
            verdicts.hinton(evidence),
            weights(evidence),
            verdicts.reconstruction(evidence),
            *batches(evidence),
            verdicts_hypothesis.best_dimension(evidence),
            verdicts_hypothesis.reconstructs_better(evidence),
            verdicts_hypothesis.score_rises(evidence),
            verdicts.proposal(evidence),
        ]
    )
