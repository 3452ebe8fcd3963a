"""The results of a study, as its pages read them: the tables that were collected."""

import os
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from disentlib.paths import RESULTS, STUDIES
from disentlib.scoring.pictures import Pictures, load_pictures
from disentlib.study.plan import Run, Study, load_study
from disentlib.training.same import settings_then

IDENTITY = ["variant", "model", "D", "seed"]  # which run a row is about
COLUMNS = [*IDENTITY, "step", "codes", "measure", "value", "spread"]
SHOWN_FIRST = ("thesis", "desk", "quick")


def read_table(path: Path, needed: Collection[str], **options: Any) -> pd.DataFrame:
    """The CSV file at `path`; `ValueError` in one line where it is damaged or a column
    that is `needed` is not there.
    """
    try:
        table = pd.read_csv(path, **options)
    except ValueError as error:  # those of pandas, too: they name no file
        raise ValueError(f"{path}: no table ({error}); make it again") from error
    if missing := [name for name in needed if name not in table]:
        raise ValueError(f"{path}: no column {', '.join(missing)}; make it again")
    return table


def numbers(table: pd.DataFrame, name: str, path: Path) -> pd.Series:
    """A column as floats, NaN where empty or absent; `ValueError` names a text."""
    given = table.get(name, pd.Series("", index=table.index)).replace("", None)
    values = pd.to_numeric(given, errors="coerce").astype(float)
    if (text := given[values.isna() & given.notna()]).any():
        raise ValueError(f"{path}: {name} {text.iloc[0]!r} is no number")
    return values


def picture_name(model: str, D: int, variant: str = "") -> str:
    """File name of the pictures of a model, D and variant."""
    return "-".join(filter(None, (variant, model, f"D{D}"))) + ".npz"


def identity(run: Run) -> dict[str, Any]:
    """The columns that say which run a row is about."""
    config = run.config
    return dict(zip(IDENTITY, (run.variant, config.model, config.D, config.seed)))


def pictured(runs: Iterable[Run]) -> dict[str, Run]:
    """Of runs in the order of their study, the first of each variant, model and D, by
    the name of its pictures: those that are kept.
    """
    first: dict[str, Run] = {}
    for run in runs:
        name = picture_name(run.config.model, run.config.D, run.variant)
        first.setdefault(name, run)
    return first


def as_then(rows: pd.DataFrame) -> pd.DataFrame:
    """Runs with settings that are newer than their table, as those were then.

    Where a run was trained, and its snapshots, are told by its row or not at all.
    """
    known = {*rows, "device", "precision", "compile", "threads", "snapshots"}
    newer = {n: v for n, v in settings_then({}).items() if n not in known}
    return rows.assign(**newer)


@dataclass(frozen=True)
class Results:
    """What a page reads of a study."""

    study: Study
    table: pd.DataFrame
    history: pd.DataFrame
    folder: Path

    @property
    def runs_there(self) -> int:
        """How many of the study's runs are in the table."""
        return len(self.table[IDENTITY].drop_duplicates())

    @property
    def run_rows(self) -> pd.DataFrame:
        """A row a run, see `run_row`, with settings that are newer than it as they were
        then; empty where results are from before those.
        """
        path = self.folder / "runs.csv"
        if not path.exists():
            return pd.DataFrame()
        named: dict[str, Any] = {"dtype": {"variant": str}}
        rows = read_table(path, (), keep_default_na=False, **named)
        return as_then(rows)

    def values(self, measure: str, codes: str = "", **where: object) -> pd.DataFrame:
        """Rows of one measure (of the last step), narrowed by columns, such as model or
        D.
        """
        table = self.table[
            (self.table["measure"] == measure) & (self.table["codes"] == codes)
        ]
        for name, value in where.items():
            table = table[table[name] == value]
        return table.sort_values("step").groupby(IDENTITY, as_index=False).last()

    def pictures(self, model: str, D: int, variant: str | None = None) -> Pictures:
        """Pictures of the first seed of a model, where no variant is given of the
        first; `FileNotFoundError` where there are none.
        """
        if variant is None:
            at = ((r.variant, r.config.model, r.config.D) for r in self.study.runs)
            variant = next((v for v, *whose in at if whose == [model, D]), "")
        return load_pictures(self.folder / "pictures" / picture_name(model, D, variant))

    def first_pictures(self, model: str, D: int) -> tuple[Run, Pictures] | None:
        """The run, with its pictures, that comes nearest to a model and D, of those
        that have some; None where none has.
        """
        runs = sorted(
            self.study.runs,
            key=lambda r: (r.config.model != model, abs(r.config.D - D)),
        )
        for run in runs:
            with suppress(FileNotFoundError):
                config = run.config
                return run, self.pictures(config.model, config.D, run.variant)
        return None


def load_results(name: str | None = None, folder: Path = RESULTS) -> Results:
    """The results of a study, by its name; without one, those to show.

    To show are those of `$STUDY`, else the first of thesis, desk and quick that is
    there. Raises `FileNotFoundError` in one line where there are none.
    """
    name = name or os.environ.get("STUDY") or first_there(folder)
    here = folder / name
    if not (here / "table.csv").exists():
        raise FileNotFoundError(
            f"{here / 'table.csv'} is not there; type make study STUDY={name} first"
        )
    path = here / "table.csv"
    named: dict[str, Any] = {"dtype": {"variant": str}}
    table = read_table(path, COLUMNS[:-1], keep_default_na=False, **named)
    history = read_table(here / "history.csv", IDENTITY, **named)
    history = history.fillna({"variant": ""})
    for column in ("value", "spread"):  # tables of one score seed have no spread
        table[column] = numbers(table, column, path)
    return Results(load_study(name), table, history, here)


def is_there(name: str) -> bool:
    """Whether a study of this name is planned and has results, sound or not."""
    plan, table = STUDIES / f"{name}.yml", RESULTS / name / "table.csv"
    return plan.exists() and table.exists()


def first_there(folder: Path = RESULTS) -> str:
    """The fullest study that has results."""
    there = [name for name in SHOWN_FIRST if (folder / name / "table.csv").exists()]
    return there[0] if there else SHOWN_FIRST[-1]
