"""What longer runs change, in a sentence."""

from disentlib.study.effects import effect_of
from disentlib.study.evidence import Evidence
from disentlib.study.measures import FAMILIES, ONE_FOR_ONE, runs
from disentlib.study.titles import title
from disentlib.study.words import counted, number


def along_budgets(evidence: Evidence) -> str:
    """What changes between the first and the last budget; empty with one budget."""
    first, last = evidence.steps[0], evidence.steps[-1]
    if first == last:
        return ""
    first_family, parts = FAMILIES[ONE_FOR_ONE], []
    table = evidence.ends
    count = len(runs(table, first_family, "sampled", first))
    for model in evidence.models:
        slopes = [
            effect_of(table, first_family, "sampled", model, "slope", step)
            for step in (first, last)
        ]
        used = [
            runs(table, "dimensions_in_use", step=step, model=model)
            for step in (first, last)
        ]
        if any(e is None for e in slopes) or any(len(rows) == 0 for rows in used):
            continue
        most = min(rows["D"].max() for rows in used)
        counts = [rows.loc[rows["D"] == most, "value"].mean() for rows in used]
        effect = [number(e.pooled.value, 2, signed=True) for e in slopes if e]
        parts.append(
            f"{title(model)} slope {effect[0]} → {effect[1]} and dimensions in use at "
            f"D = {most}: {number(counts[0], 1)} → {number(counts[1], 1)}"
        )
    if not parts:
        return ""
    return (
        f"*Along the budgets*, {first:,d} → {last:,d} steps of the "
        f"{counted(count, 'run')} that have both (group 1): "
        f"{'; '.join(parts)}."
    )
