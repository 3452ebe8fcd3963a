"""The README's findings are those of the tables."""

from disentlib.paths import ROOT
from disentlib.study import verdicts
from disentlib.study.answer import family_effects
from disentlib.study.effects import Effect, effect_of, family
from disentlib.study.evidence import load_evidence
from disentlib.study.measures import FAMILIES, ONE_FOR_ONE, ROTATED, THESIS, runs
from disentlib.study.words import counted

STEPS = (5000, 20000)


def test_what_came_out_is_in_the_tables():
    evidence = load_evidence("desk")
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    said = " ".join(text.split("## What came out")[1].split("## ")[0].split())

    def both(question: str, step: int) -> Effect:
        scores = FAMILIES[ONE_FOR_ONE]
        found = effect_of(evidence.table, scores, "sampled", None, question, step)
        assert found is not None
        return found

    def one(step: int, model: str | None) -> Effect:
        scores = FAMILIES[ONE_FOR_ONE]
        found = effect_of(evidence.table, scores, "sampled", model, "best", step)
        assert found is not None
        return found

    count = len(runs(evidence.table, "held_out_reconstruction", step=STEPS[0]))
    assert f"From {counted(count, 'run')} on one" in said
    ours = [e for e in family_effects(evidence, 5000) if e.measure == ONE_FOR_ONE]
    assert not any(e.clear for e in ours) and "in neither model a clear trend" in said
    most = max(e.pooled.largest for e in ours)
    assert f"changes of more than {most:.2f} for ten more dimensions are" in said
    slopes, best = ([both(q, step) for step in STEPS] for q in ("slope", "best"))
    first, last = (e.pooled.value for e in slopes)
    assert f"add {first:.2f} at 5,000 steps ({last:.2f} at 20,000, where" in said
    assert slopes[0].pooled.excludes_zero and not slopes[1].pooled.excludes_zero
    early, late = (e.pooled.value for e in best)
    assert f"scores {early:.2f} and {late:.2f} above the mean of the other D" in said
    assert all(e.pooled.excludes_zero for e in best)
    assert "neither clear once corrected" in said
    assert not any(e.clear for e in family(slopes))
    every = [one(step, m) for step in STEPS for m in (*evidence.models, None)]
    assert not any(e.clear for e in family(every))
    rotated = [score + ROTATED for score in THESIS]
    turned = effect_of(evidence.table, rotated, "sampled")
    assert turned is not None
    assert f"still get {turned.mean:.2f} on average" in said
    pruned = verdicts.proposal(evidence)
    assert pruned.decision != verdicts.HOLDS and "takes not clearly more" in said
    used = runs(evidence.table, "dimensions_in_use")["value"]
    assert (used.min(), used.max()) == (4, 7) and "with four to seven dim" in said
