"""All that the pages of results read: one study, and those beside it that are there."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pandas as pd

from disentlib.study.measures import (
    budgets,
    fullest,
    of_every_step,
    ran_away,
    with_dimensions,
    with_rotations,
)
from disentlib.study.results import IDENTITY, Results, is_there, load_results

BESIDE = ("batch_norm", "weights", "batches", "long")


@dataclass(frozen=True, eq=False)
class Evidence:
    """The study on the page, its table with derived measures, and the other studies.

    Evidence is itself alone, whatever its tables hold, so that what is asked of it
    often can be kept.
    """

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
    def fullest(self) -> int:
        """The longest of the budgets that the most runs have reached."""
        return fullest(self.table.drop_duplicates([*IDENTITY, "step"]))

    @property
    def main_budgets(self) -> list[int]:
        """The budgets that an answer speaks of: the fullest, and the longest."""
        return sorted({self.fullest, self.steps[-1]})

    @property
    def ends(self) -> pd.DataFrame:
        """The table at the first and the last budget, of the runs that have both."""
        at = self.table["step"].isin((self.steps[0], self.steps[-1]))
        return of_every_step(self.table[at])

    @property
    def missing(self) -> int:
        """Planned runs that are not in the table."""
        return len(self.main.study.runs) - self.main.runs_there

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
    # What is not planned or not run yet is missing, and the page says so.
    beside = {other: load_results(other) for other in BESIDE if is_there(other)}
    return evidence_of(load_results(name), beside)


def evidence_of(main: Results, beside: Mapping[str, Results]) -> Evidence:
    """The evidence of results that are loaded; of a study of variants, that of the
    first which has runs, since its runs are of one kind alone.
    """
    there = set(main.table["variant"])
    if len(there) > 1:
        first = next(r.variant for r in main.study.runs if r.variant in there)
        study = replace(
            main.study,
            title=f"{main.study.title}, {first.replace('_', ' ')}",
            runs=tuple(run for run in main.study.runs if run.variant == first),
        )
        table, history = (
            part[part["variant"] == first] for part in (main.table, main.history)
        )
        main = replace(main, study=study, table=table, history=history)
    return Evidence(main, with_rotations(with_dimensions(main)), beside)
