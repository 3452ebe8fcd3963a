"""The answer of a study in sentences, each written from its table."""

from functools import lru_cache

import numpy as np

from disentlib.scoring.sizes import EXCESS
from disentlib.study.batch_norm import norm_change, norm_pairs, slopes_in_words
from disentlib.study.budgets import along_budgets
from disentlib.study.effects import Effect, effect_of, effects_of, family
from disentlib.study.evidence import Evidence
from disentlib.study.measures import FAMILIES, ONE_FOR_ONE, THESIS, runs
from disentlib.study.pooled import estimated
from disentlib.study.single_questions import PER, of_single_questions
from disentlib.study.titles import digits_of, title
from disentlib.study.words import counted, interval, listed, number

NO_TREND = "**No clear trend"


@lru_cache(maxsize=8)  # at each budget, for each sentence
def family_effects(evidence: Evidence, step: int | None = None) -> list[Effect]:
    """The slope over D of each family of scores (their mean) and model, as one family
    of tests.
    """
    return family(
        effect_of(evidence.table, scores, "sampled", model, "slope", step, name)
        for name, scores in FAMILIES.items()
        for model in evidence.models
    )


def told(effect: Effect, unit: str = "") -> str:
    """An effect in words, with its interval: "falls: −0.10 [−0.12, −0.07]"."""
    digits = digits_of(effect.measure)
    if not effect.decided:
        value = number(effect.pooled.value, digits, signed=True)
        return f"{value}{unit}, from too few runs for an interval"
    word = effect.word if effect.clear else "no clear trend"
    return f"{word}: {estimated(effect.pooled, digits)}{unit}"


def headline(evidence: Evidence) -> str:
    """Whether D changes how well factors sit in single dimensions: a sentence a budget,
    of those with the most runs and the longest.
    """
    told_before, sentences = False, []
    for step in evidence.main_budgets:
        sentences.append(sentence(evidence, step, told_before))
        told_before = sentences[-1].startswith(NO_TREND)
    return " ".join(sentences)


def sentence(evidence: Evidence, step: int, told_before: bool = False) -> str:
    """The answer at one budget, shorter where no trend was told just before."""
    ours = [e for e in family_effects(evidence, step) if e.measure == ONE_FOR_ONE]
    decided = [e for e in ours if e.decided]
    found = runs(evidence.table, "held_out_reconstruction", step=step)
    where = f"at {step:,d} steps, from {counted(len(found), 'run')}"
    if not decided:
        return (
            f"**These runs cannot say** ({where}): a trend over D needs more than two "
            f"runs of a model."
        )
    clear = [e for e in decided if e.clear]
    if clear:
        told_clear = listed([f"{title(e.model)} ({told(e)})" for e in clear])
        rest = [title(e.model) for e in decided if not e.clear]
        but = f"; not clearly for {listed(rest)}" if rest else ""
        return (
            f"**D changes how well single dimensions hold single factors** {where}: "
            f"for {told_clear} {PER}{but}."
        )
    most = number(max(e.pooled.largest for e in decided), 2)
    either = " in either model" if len(decided) > 1 else ""
    unsure = " (its interval leaves out 0; its p-value after Holm is not small)"
    sizes = listed(
        [
            f"{title(e.model)} {estimated(e.pooled)}{unsure * e.pooled.excludes_zero}"
            for e in decided
        ]
    )
    if told_before:
        return f"**Nor** {where}: {sizes}; changes of more than {most} are excluded."
    each = ", for each model" if len(decided) > 1 else ""
    return (
        f"{NO_TREND} over D in how well single dimensions hold single "
        f"factors{either}** {where}: {sizes} {PER}. Changes of more than {most} are "
        f"excluded with 95 % confidence{each}."
    )


def of_families(evidence: Evidence) -> list[str]:
    """A sentence a family of scores."""
    effects, sentences = family_effects(evidence), []
    for group, (name, scores) in enumerate(FAMILIES.items(), 1):
        ours = [e for e in effects if e.measure == name]
        if ours:
            models = "; ".join(f"{title(e.model)} {told(e)}" for e in ours)
            members = listed([title(score) for score in scores])
            sentences.append(
                f"*{name.capitalize()}* (group {group}: {members}): {models}."
            )
    excess = family(
        effect_of(
            evidence.table,
            [score + EXCESS for score in FAMILIES[ONE_FOR_ONE]],
            "sampled",
            model,
        )
        for model in evidence.models
    )
    if excess:
        models = "; ".join(f"{title(e.model)} {told(e)}" for e in excess)
        sentences.append(
            f"*What group 1 scores beyond random rotations of the same codes*: "
            f"{models}."
        )
    return sentences


def of_dimensions(evidence: Evidence) -> str:
    """How many dimensions carry information, at each D."""
    means = by_D(evidence, "dimensions_in_use", "mean")
    return f"*Dimensions in use* (above 0.1 nats, mean) {means}."


def by_D(evidence: Evidence, measure: str, how: str) -> str:
    """A measure's mean or median (`how`) at each D, model by model."""
    rows = runs(evidence.table, measure)
    each = rows.groupby(["model", "D"])["value"].agg(how).unstack("D")
    parts = [
        f"{title(model)} {', '.join(number(value, 1) for value in each.loc[model])}"
        for model in evidence.models
        if model in each.index
    ]
    return f"at D = {listed([f'{D}' for D in each])}: {'; '.join(parts)}"


def of_reconstruction(evidence: Evidence) -> str:
    """What D does to the reconstruction error on held-out images."""
    ours = effects_of(evidence.table, ["held_out_reconstruction"], "")
    if not ours:
        return ""
    models = "; ".join(f"{title(e.model)} {told(e, ' nats')}" for e in ours)
    out = evidence.runaways["model"].unique()
    if len(out):
        kept = evidence.without_runaways
        again = [
            e
            for e in effects_of(kept, ["held_out_reconstruction"], "")
            if e.model in out
        ]
        beside = "; ".join(f"{title(e.model)} {told(e, ' nats')}" for e in again)
        models += f". Without the runs that ran away: {beside}" * bool(beside)
    medians = by_D(evidence, "held_out_reconstruction", "median")
    return f"*Reconstruction error* {PER}: {models}. Medians {medians} nats."


def comparison(evidence: Evidence) -> str:
    """The largest effect of D that is left possible, beside that of a seed and that of
    batch norm, all after the steps at which there are runs with batch norm.
    """
    measure, parts = "factor_vae_score", []
    step = norm_pairs(evidence, measure)[0] or evidence.steps[-1]
    for effect in effects_of(evidence.table, [measure], "sampled", step=step):
        if not effect.decided:
            continue
        words = (
            f"{title(effect.model)}: D at most {number(effect.pooled.largest, 2)} {PER}"
        )
        spread, low, high = effect.spread
        if not np.isnan(spread):
            words += (
                f", a seed ± {number(spread, 2)} {interval(low, high, 2)} "
                f"(one standard deviation)"
            )
        if (norm := norm_change(evidence, effect.model, measure)) is not None:
            words += f", batch norm {estimated(norm, 2)}"
        parts.append(words)
    if not parts:
        return ""
    return (
        f"*For scale*, the {title(measure)} after {step:,d} steps. {'. '.join(parts)}."
    )


def of_batch_norm(evidence: Evidence) -> str:
    """What D does under batch norm; empty without such runs at several D."""
    if not (slopes := slopes_in_words(evidence)):
        return ""
    return (
        f"*With batch norm* at the hidden layers, where the thesis has it, ten more "
        f"dimensions change the mean of its three scores: {slopes}."
    )


def of_runaways(evidence: Evidence) -> str:
    """Runs that ran away, by name, and how many runs are missing; empty if neither."""
    parts = []
    for _, run in evidence.runaways.iterrows():
        parts.append(
            f"{title(run['model'])} at D = {run['D']}, seed {run['seed']} ran away "
            f"({number(run['value'], 0)} nats of divergence) and is counted in"
        )
    if evidence.missing:
        parts.append(
            f"{counted(evidence.missing, 'planned run')} "
            f"{'is' if evidence.missing == 1 else 'are'} not in"
        )
    return f"*Runs*: {'; '.join(parts)}." if parts else ""


def answer(evidence: Evidence) -> str:
    """The box at the head of the results, as Markdown."""
    points = [
        *of_families(evidence),
        *of_single_questions(evidence),
        of_dimensions(evidence),
        of_reconstruction(evidence),
        comparison(evidence),
        of_batch_norm(evidence),
        along_budgets(evidence),
        of_runaways(evidence),
    ]
    lines = "\n".join(f"- {point}" for point in points if point)
    last = evidence.steps[-1]
    count = len(runs(evidence.table, "held_out_reconstruction", step=last))
    where = f"Where no other is named, after {last:,d} steps ({counted(count, 'run')}):"
    return f"{headline(evidence)}\n\n{where}\n\n{lines}"


@lru_cache(maxsize=8)  # for sentences, tables and figures
def thesis_effects(evidence: Evidence, question: str = "slope") -> list[Effect]:
    """The thesis' three scores of sampled codes, both models: one family of tests."""
    return effects_of(evidence.table, THESIS, "sampled", question)
