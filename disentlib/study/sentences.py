"""Sentences of the results' page, section by section, each true of its evidence."""

from functools import lru_cache

import numpy as np
import pandas as pd

from disentlib.scoring.sizes import EXCESS
from disentlib.study.answer import thesis_effects, told
from disentlib.study.effects import FACTORS, UNIT, Effect, effect_of, effects_of
from disentlib.study.evidence import Evidence
from disentlib.study.measures import EVERY, MEAN_OF_THREE, THESIS, longest_runs, runs
from disentlib.study.pooled import Estimate, estimated
from disentlib.study.results import IDENTITY
from disentlib.study.titles import title
from disentlib.study.words import counted, listed, number, p_told


def effects_sentence(effects: list[Effect], what: str) -> str:
    """How many effects of a family are clear, which, and what is the smallest p."""
    decided = [effect for effect in effects if effect.decided]
    if not decided:
        return f"There are too few runs for an interval of any {what}."
    clear = [effect for effect in decided if effect.clear]
    names = [f"the {title(e.measure)} of {title(e.model)} {told(e)}" for e in clear]
    least = min(decided, key=lambda effect: effect.p)
    sentence = f"Of {counted(len(decided), what)} {'none is' if not clear else ''}"
    if clear:
        sentence += f"{'one is' if len(clear) == 1 else f'{len(clear)} are'}"
    sentence += f" clear{': ' + '; '.join(names) if names else ''}."
    if not clear:
        sentence += (
            f" The closest is the {title(least.measure)} of "
            f"{title(least.model)}, with {p_told(least.p_family)} in the family."
        )
    return sentence


def occasions_sentence(evidence: Evidence) -> str:
    """Which D of the longest runs were trained by which commit: what differs between
    occasions cannot be told from D where they go together.
    """
    rows = evidence.main.run_rows
    if "commit" not in rows or rows["commit"].isna().any():
        return "By which commit a run was trained is not kept with this study."
    last = rows[rows["steps"] == rows["steps"].max()]
    levels = last.groupby("commit")["D"].unique()
    if len({tuple(sorted(of_commit)) for of_commit in levels}) < 2:
        return "The longest runs of all D were trained by the same commits."
    parts = [
        f"D = {listed(sorted(of_commit))} by commit `{str(commit)[:7]}`"
        for commit, of_commit in levels.items()
    ]
    apart = levels.explode().is_unique
    return (
        f"The longest runs were trained on several occasions, {listed(parts)}: what "
        f"differs between these {'cannot' if apart else 'can only in part'} be told "
        "from D."
    )


def seeds_sentence(evidence: Evidence) -> str:
    """How far seeds of one model at one D are apart, where there is more than one."""
    spreads = [e for e in thesis_effects(evidence) if not np.isnan(e.spread[0])]
    if not spreads:
        return "With one seed at each D nothing tells how far another would be."
    low, high = (f([e.spread[0] for e in spreads]) for f in (min, max))
    return (
        f"Seeds of one model at one D differ with a standard deviation between "
        f"{number(low, 2)} and {number(high, 2)}, by score and model."
    )


def of_the_last_budget(evidence: Evidence) -> str:
    """How many of the runs have reached the last budget, where not all have."""
    last = runs(evidence.table, "held_out_reconstruction", step=evidence.steps[-1])
    if len(last) == evidence.main.runs_there:
        return ""
    return f", {len(last)} of them to {evidence.steps[-1]:,d} steps,"


def pairing_sentence(evidence: Evidence) -> str:
    """How far scores of one seed at two D hang together, and what pairing gains."""
    parts = []
    for model in evidence.models:
        ours = runs(evidence.table, THESIS, "sampled", model=model)
        by = ours.pivot_table(index="seed", columns="D", values="value").dropna()
        if len(by) < 3 or by.shape[1] < 2:
            continue
        pairs = np.triu_indices(by.shape[1], 1)
        mean = float(by.corr().to_numpy()[pairs].mean())
        parts.append(f"{number(mean, 2, signed=True)} for the {title(model)}")
    if not parts:
        return "Whether they are takes three seeds that have every D."
    return (
        f"The correlation of the {MEAN_OF_THREE} between two D over the seeds, on "
        f"average over pairs of D, is {listed(parts)}: one would mean that a seed "
        f"moves all D alike, and zero that pairs are no steadier than runs."
    )


def losses_sentence(evidence: Evidence) -> str:
    """Where the divergence peaks and where it ends in each model's longest runs at the
    largest D, as the curves show it.
    """
    history, parts, counts = evidence.main.history, [], set()
    D = history.groupby("model")["D"].max().min()
    for model, ours in history[history["D"] == D].groupby("model", sort=False):
        longest = longest_runs(ours)
        counts.add(len(longest[IDENTITY].drop_duplicates()))
        curve = longest.groupby("step")["kl"].mean()
        peak, last = curve.idxmax(), curve.iloc[-1]
        parts.append(
            f"of the {title(model)} it is largest around step {int(peak):,d}, at "
            f"{number(curve.max(), 1)} nats, and ends at {number(last, 1)}"
        )
    many = listed([counted(count, "run") for count in sorted(counts)])
    return (
        f"The divergence at D = {D} (mean over the longest runs, {many} a model): "
        f"{'; '.join(parts)}."
    )


def reconstruction_sentence(evidence: Evidence) -> str:
    """The held-out error at the smallest and the largest D, of each model."""
    rows = runs(evidence.table, "held_out_reconstruction")
    means = rows.groupby(["model", "D"], sort=False)["value"].median().unstack("D")
    first, last = means.columns.min(), means.columns.max()
    parts = [
        f"{title(model)} {number(own[first], 0)} nats at D = {first} and "
        f"{number(own[last], 0)} at D = {last}"
        for model, own in means.iterrows()
    ]
    return f"Median error over the seeds: {'; '.join(parts)}."


def codes_sentence(evidence: Evidence) -> str:
    """Where scores of means and of samples differ most: the score and the model."""
    both = {
        codes: pd.concat(
            runs(evidence.table, score, codes).assign(measure=score) for score in EVERY
        )
        .groupby(["measure", "model"])["value"]
        .mean()
        for codes in ("sampled", "mean")
    }
    moved = (both["mean"] - both["sampled"]).dropna()
    if moved.empty:
        return "The scores are of one kind of codes."
    measure, model = moved.abs().idxmax()
    return (
        f"From samples to means the average over D moves most for the {title(measure)} "
        f"of {title(model)}: {number(moved.loc[measure, model], 2, signed=True)}."
    )


@lru_cache(maxsize=8)  # for the sentence and for the figure
def every_effects(evidence: Evidence, codes: str) -> list[Effect]:
    """Slopes of every score over D, of "sampled" codes or of the "mean"."""
    return effects_of(evidence.table, EVERY, codes)


@lru_cache(maxsize=8)
def excess_effects(evidence: Evidence) -> list[Effect]:
    """Slopes of every score's excess over rotations: none where there is none."""
    names = [score + EXCESS for score in EVERY]
    return effects_of(evidence.table, names, "sampled")


def every_sentence(evidence: Evidence) -> str:
    """Which of all scores have a clear slope, for both kinds of codes."""
    parts = []
    for codes in ("sampled", "mean"):
        effects = every_effects(evidence, codes)
        decided = [e for e in effects if e.decided]
        if not decided:
            return "There are too few runs for an interval of any slope."
        clear = [_named(e) for e in decided if e.clear]
        which = listed(clear) if clear else "none"
        parts.append(f"of {codes} codes, {len(clear)} of {len(decided)} ({which})")
    return f"Slopes that are clear: {'; '.join(parts)}."


def excess_sentence(evidence: Evidence) -> str:
    """What is left of the scores' slopes once rotations are taken off."""
    effects = excess_effects(evidence)
    if not effects:
        return (
            "How much of a slope is the score's own doing is told by rotations of the "
            "codes, which these runs have not been scored with."
        )
    decided = [e for e in effects if e.decided]
    if not decided:
        return "These runs are too few for slopes of excesses over rotations."
    clear = [_named(e) for e in decided if e.clear]
    return (
        f"Of {counted(len(decided), 'slope')} of excesses over rotations "
        f"{len(clear) or 'none'} {'is' if len(clear) < 2 else 'are'} clear"
        f"{': ' + listed(clear) if clear else ''}."
    )


def _named(effect: Effect) -> str:
    return f"{title(effect.measure)} of {title(effect.model)} {effect.word}"


def plateau_sentence(evidence: Evidence) -> str:
    """Whether the dimensions in use still grow with D above the number of factors."""
    used = evidence.table[evidence.table["D"] > FACTORS]
    parts = []
    for model in evidence.models:
        effect = effect_of(used, "dimensions_in_use", "", model)
        if effect is None:
            continue
        slope = f"{title(model)} {estimated(effect.pooled, 1)} for ten offered"
        if effect.decided:
            slope += f" ({_of_those_offered(effect.pooled)})"
        parts.append(slope)
    if not parts:
        return f"Runs at two D above {FACTORS} would show where these stand."
    return f"Dimensions in use gained above D = {FACTORS}: {'; '.join(parts)}."


def _of_those_offered(gained: Estimate) -> str:
    """How many of ten more dimensions come into use, by their interval."""
    if gained.high < 0:
        return "fewer of them"
    if not gained.excludes_zero:
        return "0 in the interval"
    if gained.low > UNIT:
        return "more than all of them"
    return "all of them" if gained.high >= UNIT else "some of them"


def dimensions_sentence(evidence: Evidence) -> str:
    """Dimensions in use at the largest D, for a caption."""
    used = runs(evidence.table, "dimensions_in_use")
    most = used["D"].max()
    means = used[used["D"] == most].groupby("model", sort=False)["value"].mean()
    parts = [f"{title(model)} {number(mean, 1)}" for model, mean in means.items()]
    return f"In use at D = {most}: {', '.join(parts)}."
