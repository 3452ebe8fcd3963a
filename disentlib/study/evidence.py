"""All that the pages of results read: one study, and those beside it that are there."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from disentlib.study.measures import (
    budgets,
    ran_away,
    runs,
    with_dimensions,
    with_rotations,
)
from disentlib.study.pooled import Estimate
from disentlib.study.results import IDENTITY, Results, load_results
from disentlib.study.settings import paired_change, with_settings

BESIDE = ("batch_norm", "weights", "batches", "long", "recipe")


@dataclass(frozen=True)
class Evidence:
    """The study on the page, its table with derived measures, and the other studies."""

    main: Results
    table: pd.DataFrame
    beside: Mapping[str, Results]

    @property
    def models(self) -> list[str]:
        """Models with runs in the table."""
        return list(self.table["model"].unique())

    @property
    def levels(self) -> list[int]:
        """Dimensions D with runs in the table, in order."""
        return sorted(int(D) for D in self.table["D"].unique())

    @property
    def seeds(self) -> list[int]:
        """Seeds with runs in the table, in order."""
        return sorted(int(seed) for seed in self.table["seed"].unique())

    @property
    def steps(self) -> list[int]:
        """The budgets at which runs were scored; the last is the page's."""
        return budgets(self.table)

    @property
    def missing(self) -> int:
        """Planned runs that are not in the table."""
        return len(self.main.study.runs) - self.main.finished

    @property
    def runaways(self) -> pd.DataFrame:
        """Runs whose divergence stands out: variant, model, D, seed, value."""
        return ran_away(self.table)

    @property
    def without_runaways(self) -> pd.DataFrame:
        """The table less the runs that ran away."""
        out = self.runaways[IDENTITY].apply(tuple, axis=1).tolist()
        return self.table[~self.table[IDENTITY].apply(tuple, axis=1).isin(out)]


def load_evidence(name: str | None = None) -> Evidence:
    """The evidence of a study by its name, or of the one to show (`load_results`)."""
    beside = {}
    for other in BESIDE:
        try:
            beside[other] = load_results(other)
        except (FileNotFoundError, ValueError):
            continue  # not planned or not run yet: the page says what is missing
    return evidence_of(load_results(name), beside)


def evidence_of(main: Results, beside: Mapping[str, Results]) -> Evidence:
    """The evidence of results that are loaded."""
    return Evidence(main, with_rotations(with_dimensions(main)), beside)


def norm_change(evidence: Evidence, model: str, measure: str) -> Estimate | None:
    """What batch norm changes in a measure, run by run: from `batch_norm` against the
    study on the page, else from the recipe study's pairs.
    """
    for name in ("batch_norm", "recipe"):
        if name not in evidence.beside:
            continue
        other = evidence.beside[name]
        rows = with_settings(other, measure, ["batch_norm", "steps", "schedule"])
        rows = rows[rows["model"] == model]
        if name == "recipe":
            rows = rows[rows["variant"].isin(("plain", "batch_norm"))]
        with_norm, without = rows[rows["batch_norm"]], rows[~rows["batch_norm"]]
        if name == "batch_norm" and len(without) == 0 and len(with_norm):
            step = int(with_norm["steps"].max())
            plain = runs(evidence.table, measure, "sampled", step, model=model)
            without = plain
        change = paired_change(without, with_norm)
        if change is not None:
            return change
    return None
