"""Two questions of the results beside the families of scores, each its own family."""

from collections.abc import Sequence

from disentlib.study.effects import BEST, effect_of, family
from disentlib.study.evidence import Evidence
from disentlib.study.measures import FAMILIES, ONE_FOR_ONE
from disentlib.study.pooled import estimated
from disentlib.study.titles import title
from disentlib.study.words import counted, p_told

PER = "for ten more dimensions"


def of_single_questions(evidence: Evidence) -> list[str]:
    """Two questions that families by model do not ask: the slope of both models
    together, and whether D = 10 scores above the other D, which no slope shows.
    """
    both = [None] if len(evidence.models) > 1 else []
    slope = _along_budgets(evidence, "slope", both)
    best = _along_budgets(evidence, "best", [*evidence.models, *both])
    sentences = []
    if slope:
        sentences.append(f"*What ten more dimensions change in group 1*: {slope}.")
    if best:
        sentences.append(
            f"*D = {BEST} less the mean of the other D, in group 1*: {best}."
        )
    return sentences


def _along_budgets(
    evidence: Evidence, question: str, models: Sequence[str | None]
) -> str:
    """The effects of a question on the first group of scores, at each main budget: one
    family of tests.
    """
    asked = [(step, model) for step in evidence.main_budgets for model in models]
    scores = FAMILIES[ONE_FOR_ONE]
    found = [
        effect_of(evidence.table, scores, "sampled", model, question, step)
        for step, model in asked
    ]
    known = [(*a, e) for a, e in zip(asked, found) if e is not None and e.decided]
    parts = []
    for (step, model, _), effect in zip(known, family(e for *_, e in known)):
        who = title(model) if model else "both together"
        p = p_told(effect.p_family)
        parts.append(f"{who} {estimated(effect.pooled)} at {step:,d} steps ({p})")
    if not parts:
        return ""
    corrected = f" (p after Holm's correction of {counted(len(parts), 'test')})"
    return "; ".join(parts) + corrected * (len(parts) > 1)
