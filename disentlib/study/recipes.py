"""Recipes beside each other: what one changed setting does, run against run."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import pandas as pd

from disentlib.study.measures import codes_of, fullest, measured, runs, with_dimensions
from disentlib.study.pooled import Estimate, estimated
from disentlib.study.results import Results
from disentlib.study.settings import PAIRED, paired_change
from disentlib.study.titles import digits_of, title
from disentlib.study.words import by_chance, counted, number
from disentlib.training.configuration import TrainingConfig

MEASURES = (
    "held_out_reconstruction",
    "dimensions_in_use",
    "factor_vae_score",
    "dci_disentanglement",
)
# Settings that are one choice, by what the choice is called.
CHOICES = {
    "rate": ("learning_rate", "schedule", "warmup", "average"),
    "judge's rate": ("discriminator_learning_rate",),
    "optimiser": ("optimizer",),
    "batch norm": ("batch_norm", "mean_norm"),
    "batch": ("batch_size",),
    "precision": ("precision",),
    "weight": ("beta", "gamma"),
    "way to the weight": ("weight_start", "weight_steps"),
    "steps": ("steps",),
}


@dataclass(frozen=True)
class Change:
    """What one choice changes between two recipes of a model, by measure."""

    choice: str
    first: str
    second: str
    model: str
    pairs: int
    step: int
    by_measure: dict[str, Estimate]


def in_words(config: TrainingConfig) -> str:
    """A recipe in a line."""
    cycle = config.schedule == "one_cycle"
    words = [f"{'one cycle to' if cycle else 'constant'} {config.learning_rate:g}"]
    words += [f"after {config.warmup} steps of warm-up"] * (config.warmup > 0)
    words += [f"moving average {config.average:g}"] * (config.average > 0)
    if config.weight_steps:
        start, ends = config.weight_start, f"{config.weight_steps:,d} steps"
        words += [f"weight from {start:g} times its value over {ends}"]
    words += [config.optimizer.capitalize()] * (config.optimizer != "adam")
    words += ["batch norm"] * config.batch_norm
    words += ["batch norm on the means alone"] * config.mean_norm
    words += [f"batches of {config.batch_size}"] * (config.batch_size != 64)
    words += [config.precision] * (config.precision not in ("float32", "auto"))
    has_two = config.model == "factor_vae"
    if has_two and config.discriminator_learning_rate != config.learning_rate:
        words += [f"discriminator {config.discriminator_learning_rate:g}"]
    return ", ".join([*words, f"{config.steps:,d} steps"])


def variants(results: Results) -> dict[str, TrainingConfig]:
    """A configuration of each recipe that has runs, in the order of the file."""
    there = set(results.table["variant"])
    first: dict[str, TrainingConfig] = {}
    for run in results.study.runs:
        if run.variant in there:
            first.setdefault(run.variant, run.config)
    return first


def changed(first: TrainingConfig, second: TrainingConfig) -> list[str]:
    """The choices in which two recipes differ (models, D and seeds aside).

    FactorVAE's judge follows the encoder's rate in a recipe that raises both: then it
    is part of the choice of the rate.
    """
    out = [
        choice
        for choice, names in CHOICES.items()
        if any(getattr(first, name) != getattr(second, name) for name in names)
    ]
    return [c for c in out if c != "judge's rate" or "rate" not in out]


def single_changes(results: Results) -> Iterator[Change]:
    """Every pair of recipes that differ in one choice other than the steps, with runs
    of the same model, D and seed, after the steps that the most pairs have reached.
    """
    every = measured(with_dimensions(results), MEASURES)
    for (first, a), (second, b) in combinations(variants(results).items(), 2):
        differing = changed(a, b)
        if len(differing) != 1 or differing == ["steps"]:
            continue
        for model, ours in every.groupby("model", sort=False):
            sides = [ours[ours["variant"] == name] for name in (first, second)]
            step = _common_step(*sides)
            by_measure = {
                measure: change
                for measure in MEASURES
                for change in [_at(step, measure, *sides)]
                if change is not None
            }
            if by_measure:
                pairs = max(change.df for change in by_measure.values()) + 1
                yield Change(
                    differing[0], first, second, str(model), pairs, step, by_measure
                )


def _common_step(first: pd.DataFrame, second: pd.DataFrame) -> int:
    """The longest budget at which the most pairs have a measure; 0 without a pair."""
    keys = [*PAIRED, "step"]
    pairs = first[[*keys, "measure"]].merge(second).drop_duplicates(keys)
    return 0 if pairs.empty else fullest(pairs)


def _at(
    step: int, measure: str, first: pd.DataFrame, second: pd.DataFrame
) -> Estimate | None:
    there = (
        side[(side["step"] == step) & (side["measure"] == measure)]
        for side in (first, second)
    )
    return paired_change(*there)


def change_of(measure: str, estimate: Estimate) -> str:
    """A change as printed, with its interval where there are two pairs."""
    digits = digits_of(measure)
    if not estimate.df:
        return number(estimate.value, digits, signed=True)
    return estimated(estimate, digits)


def changes_table(changes: list[Change]) -> pd.DataFrame:
    """The changes as printed: second recipe less the first."""
    rows = []
    for change in changes:
        cells = {title(m): change_of(m, e) for m, e in change.by_measure.items()}
        names = {
            "choice": change.choice,
            "from": change.first.replace("_", " "),
            "to": change.second.replace("_", " "),
            "model": title(change.model),
            "pairs": change.pairs,
        }
        rows.append(names | cells)
    return pd.DataFrame(rows).fillna("–")


def changes_sentence(changes: list[Change]) -> str:
    """Which changes of a score or loss have an interval without zero."""
    told, asked = [], 0
    for change in changes:
        for measure, e in change.by_measure.items():
            asked += e.df > 0
            if e.excludes_zero:
                told.append(
                    f"{title(measure)} of {title(change.model)} from "
                    f"{change.first.replace('_', ' ')} to "
                    f"{change.second.replace('_', ' ')} "
                    f"{number(e.value, digits_of(measure), signed=True)}"
                )
    if not asked:
        return "No recipe has two runs to pair with another's, so there is no interval."
    clear = f": {'; '.join(told)}" if told else ""
    verb = "has" if len(told) == 1 else "have"
    return (
        f"Of {counted(asked, 'difference')} with an interval, {len(told) or 'none'} "
        f"{verb} one that leaves out zero{clear}. {by_chance(asked)}"
    )


def means_table(results: Results, step: int | None = None) -> pd.DataFrame:
    """A row a recipe, model and D: means over seeds after `step` steps, else at each
    run's end.
    """
    table, rows = with_dimensions(results), []
    keys = ["variant", "model", "D"]
    if step is not None:
        table = table[table["step"] == step]
    for (variant, model, D), ours in table.groupby(keys, sort=False):
        where = {"variant": variant, "model": model, "D": D}
        last = int(ours["step"].max())
        cells = {
            m: runs(table, m, codes_of(m), last, **where)["value"] for m in MEASURES
        }
        rows.append(
            {
                "recipe": variant.replace("_", " "),
                "model": title(model),
                "D": D,
                "steps": f"{last:,d}",
                "runs": len(cells[MEASURES[0]]),
            }
            | {title(m): number(v.mean(), digits_of(m)) for m, v in cells.items()}
        )
    return pd.DataFrame(rows)
