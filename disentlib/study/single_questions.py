"""Questions of the results that are asked once, and so stand in no family of tests."""

from collections.abc import Sequence

from disentlib.study.effects import BEST, effect_of
from disentlib.study.evidence import Evidence
from disentlib.study.measures import FAMILIES
from disentlib.study.words import interval, number, title

PER = "for ten more dimensions"


def of_single_questions(evidence: Evidence) -> list[str]:
    """Two questions that are asked once, so of no family of tests: the slope of both
    models together, and whether D = 10 scores above the other D, which no slope shows.
    """
    both = [None] if len(evidence.models) > 1 else []
    slope = _along_budgets(evidence, "slope", both)
    best = _along_budgets(evidence, "best", [*evidence.models, *both])
    sentences = []
    if slope:
        sentences.append(
            f"*What ten more dimensions change*, first family, uncorrected: {slope}."
        )
    if best:
        sentences.append(
            f"*D = {BEST} less the mean of the other D*, first family, uncorrected: "
            f"{best}."
        )
    return sentences


def _along_budgets(
    evidence: Evidence, question: str, models: Sequence[str | None]
) -> str:
    """The effects of a question on the first family, at each main budget."""
    parts = []
    for step in evidence.main_budgets:
        for model in models:
            scores = next(iter(FAMILIES.values()))
            effect = effect_of(evidence.table, scores, "sampled", model, question, step)
            if effect is None or not effect.decided:
                continue
            size = number(effect.pooled.value, signed=True)
            between = interval(effect.pooled.low, effect.pooled.high)
            who = title(model) if model else "both together"
            parts.append(f"{who} {size} {between} at {step:,d} steps")
    return "; ".join(parts)
