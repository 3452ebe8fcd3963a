"""Is it the same study in 16 bits? Runs that differ in nothing else, pair by pair."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from disentlib.study.measures import codes_of, fullest, measured, with_dimensions
from disentlib.study.pooled import Estimate, spread_between_seeds
from disentlib.study.recipes import CHOICES, change_of
from disentlib.study.results import IDENTITY, Results
from disentlib.study.settings import PAIRED, mean_change
from disentlib.study.titles import digits_of, title
from disentlib.study.words import by_chance, counted, listed, number

# What two runs agree in; steps may differ, as a run is scored on the way.
OTHER = ("precision", "steps")
SAME = [*PAIRED, "split_seed"]
SAME += [name for choice in CHOICES if choice not in OTHER for name in CHOICES[choice]]
MEASURES = (
    "held_out_reconstruction",
    "held_out_kl",
    "dimensions_in_use",
    "beta_vae_score",
    "factor_vae_score",
    "dci_disentanglement",
    "dci_completeness",
    "dci_informativeness",
    "mig",
    "sap",
    "modularity",
    "explicitness",
    "irs",
)
MACHINE = ("precision", "device_name")
TOLERATED = 0.03  # of a score, before one speaks of another study
TOLERATED_LOSS = 0.02  # of the reconstruction error, as a share


@dataclass(frozen=True)
class PrecisionPairs:
    """Runs in 32 bits, each with one in bfloat16: a row a pair and measure, with
    value_float32 and value_bfloat16, at the budget that the most pairs share.
    """

    values: pd.DataFrame
    step: int

    @property
    def pairs(self) -> pd.DataFrame:
        """The model, D and seed of each pair."""
        return self.values[PAIRED].drop_duplicates()

    @property
    def others(self) -> list[str]:
        """What else the two runs of a pair differ in."""
        one, two = (self.values[f"several_{side}"] for side in ("float32", "bfloat16"))
        apart = len(self.values.loc[one != two, PAIRED].drop_duplicates())
        some = f"for {apart} of them " * (apart < len(self.pairs))
        return [f"{some}the number of draws behind a score"] if apart else []

    @property
    def changes(self) -> dict[str, Estimate]:
        """What bfloat16 changes in each measure, over the pairs."""
        changes = {
            str(measure): mean_change(own["value_bfloat16"] - own["value_float32"])
            for measure, own in self.values.groupby("measure", sort=False)
        }
        return {measure: change for measure, change in changes.items() if change}


def precision_pairs(studies: Iterable[Results]) -> PrecisionPairs | None:
    """The pairs in the tables of `studies`, whichever of them a run is from, both on
    machines of one kind; None where there are none.
    """
    every = pd.concat([_values(results) for results in studies], ignore_index=True)
    every["value"] = every["value"].astype(float)  # else no type, if one has no rows
    sides = (every[every["precision"] == name] for name in ("float32", "bfloat16"))
    keys = [*SAME, "planned", "device_name", "step", "measure"]
    single = (side.drop_duplicates(keys) for side in sides)
    both = pd.merge(*single, on=keys, suffixes=("_float32", "_bfloat16"))
    if not len(both):
        return None
    step = fullest(both.drop_duplicates([*PAIRED, "step"]))
    return PrecisionPairs(both[both["step"] == step], step)


def _values(results: Results) -> pd.DataFrame:
    """A row a run, budget and measure, with the run's settings, where they are kept."""
    settings = results.run_rows
    if settings.empty:
        columns = [*SAME, "planned", *MACHINE, "step", "measure", "value", "several"]
        return pd.DataFrame(columns=columns)
    # On a cycle a snapshot on the way is not a run's end; at a constant rate it is.
    settings["planned"] = settings["steps"].where(settings["schedule"] != "constant", 0)
    kept = [*dict.fromkeys([*IDENTITY, *SAME, "planned", *MACHINE])]
    own = measured(with_dimensions(results), MEASURES).merge(
        settings[kept], on=IDENTITY
    )
    scored = results.table.dropna(subset="spread")[[*IDENTITY, "step"]]
    several = set(scored.itertuples(index=False, name=None))
    ids = own[[*IDENTITY, "step"]].itertuples(index=False, name=None)
    return own.assign(several=[one in several for one in ids])


def precision_table(found: PrecisionPairs) -> pd.DataFrame:
    """A row a measure: its mean in 32 bits, and bfloat16's less that with the interval
    of the mean over pairs.
    """
    rows = []
    for measure, change in found.changes.items():
        own = found.values[found.values["measure"] == measure]
        digits = digits_of(measure)
        row = {
            "measure": title(measure),
            "32 bits": number(own["value_float32"].mean(), digits),
            "16 bits less 32": change_of(measure, change),
            "pairs": len(own),
        }
        rows.append(row)
    return pd.DataFrame(rows)


def precision_sentence(found: PrecisionPairs | None) -> str:
    """How many pairs there are, and which measures have an interval without zero."""
    if found is None:
        return "No two runs that differ in the precision alone are in."
    asked = {m: change for m, change in found.changes.items() if change.df}
    clear = [title(m) for m, change in asked.items() if change.excludes_zero]
    pairs = found.pairs
    levels = listed(sorted(pairs["D"].unique()))
    models = listed([title(model) for model in pairs["model"].unique()])
    scored = max([change.df + 1 for m, change in asked.items() if codes_of(m)] or [0])
    beside = f", {scored} of them scored" if scored < len(pairs) else ""
    differ = listed(["the precision", *found.others]) + "," * bool(found.others)
    said = (
        f"{counted(len(pairs), 'pair')} of runs ({models}, D = {levels}) differ in "
        f"{differ} and nothing else{beside}. After {found.step:,d} steps "
    )
    if not asked:
        return said + "they are too few for an interval."
    said += f"the interval of {listed(clear) if clear else 'no measure'} leaves out "
    said += f"zero (of {len(asked)} measures). {by_chance(len(asked))}"
    return said


def precision_bounds(found: PrecisionPairs | None) -> str:
    """What would make it another study, and which means and intervals lie within."""
    changes = found.changes if found else {}
    if found is None or not (loss := changes.get(MEASURES[0])) or not loss.df:
        return ""
    own = found.values[found.values["measure"] == MEASURES[0]]
    bound = TOLERATED_LOSS * own["value_float32"].mean()
    scores = {m: e for m, e in changes.items() if codes_of(m) and e.df}
    near = sum(abs(change.value) <= TOLERATED for change in scores.values())
    held = [title(m) for m, change in scores.items() if change.largest <= TOLERATED]
    beyond = "within" if abs(loss.value) <= bound else "beyond"
    reaches = "stays within it" if loss.largest <= bound else "reaches beyond it"
    said = (
        f"Another study would be a mean that differs by {TOLERATED_LOSS:.0%} of the "
        f"reconstruction error, here {number(bound, 1)} nats, or by {TOLERATED:g} of a "
        f"score. The mean difference of the error lies {beyond} the first, and its "
        f"interval {reaches}"
    ).replace("%", " %")
    if not scores:
        return f"{said}."
    return (
        f"{said}; those of {near} of {len(scores)} scores lie within the second, "
        f"and the interval of {listed(held) if held else 'none'}."
    )


def precision_spread(found: PrecisionPairs | None) -> str:
    """How far the two runs of a pair lie apart, beside two seeds of one precision."""
    if found is None:
        return ""
    own = found.values[found.values["measure"] == MEASURES[0]]
    change = own["value_bfloat16"] - own["value_float32"]
    cell = own.groupby(["model", "D"]).ngroup()
    cells = pd.concat([cell, -1 - cell])  # by precision too
    values = pd.concat([own["value_float32"], own["value_bfloat16"]])
    spread, _, _ = spread_between_seeds(cells, values)
    apart = number(float((change**2).mean() ** 0.5), 1)
    said = f"The two runs of a pair lie {apart} nats of reconstruction apart"
    if np.isnan(spread):
        return f"{said} (root mean square)."
    seeds = number(2**0.5 * spread, 1)
    return f"{said}, two seeds of one precision {seeds} (root mean squares)."
