"""The results of a study: collected from its runs into a few files, and read back by
the pages.
"""

import os
import shutil
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from disentlib.files import atomic_write, read_mapping
from disentlib.paths import RESULTS
from disentlib.scoring.pictures import Pictures, load_pictures
from disentlib.study.plan import Run, Study, load_study
from disentlib.training.folder import RunFolder, compare
from disentlib.training.history import FIRST_COLUMNS

IDENTITY = ["variant", "model", "D", "seed"]  # which run a row is about
COLUMNS = [*IDENTITY, "step", "codes", "measure", "value", "spread"]
CURVES = 50  # points of each run's history that are kept
SHOWN_FIRST = ("thesis", "desk", "quick")


def run_table(run: Run, folder: Path) -> pd.DataFrame:
    """Rows of one scored run: what `scoring.score_run` wrote, and its seconds and
    joules.

    Columns `COLUMNS`; `codes` is "sampled", "mean" or, for what needs no codes, empty.
    Raises in one line: `FileNotFoundError` for a run that is not finished, `ValueError`
    for one of other settings and for text in place of a number.
    """
    files = RunFolder(folder)
    result = finished(files, run)
    needed = [name for name in COLUMNS[len(IDENTITY) :] if name != "spread"]
    scores = read_table(files.scores, needed, keep_default_na=False)
    own = pd.DataFrame(
        [(result["step"], "", name, result[name]) for name in ("seconds", "joules")],
        columns=["step", "codes", "measure", "value"],
    )
    table = pd.concat([scores, own], ignore_index=True)
    for name in ("value", "spread"):
        table[name] = numbers(table, name, files.scores)
    return table.assign(**identity(run))[COLUMNS]


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


def finished(files: RunFolder, run: Run) -> dict[str, Any]:
    """What `result.json` of a run says, once it is known that it is this run's."""
    for path in (files.result, files.scores):
        if not path.exists():
            raise FileNotFoundError(f"{path} is not there; run its study first")
    compare(files.path, run.config)
    said = read_mapping(files.result)
    if files.scored_how.exists():
        scored = read_mapping(files.scored_how).get("digest")
        if scored != said.get("digest"):
            raise ValueError(
                f"{files.scores}: of an earlier model; score this run again"
            )
    return said


def numbers(table: pd.DataFrame, name: str, path: Path) -> pd.Series:
    """A column as floats, NaN where empty or absent; `ValueError` names a text."""
    given = table.get(name, pd.Series("", index=table.index)).replace("", None)
    values = pd.to_numeric(given, errors="coerce").astype(float)
    if (text := given[values.isna() & given.notna()]).any():
        raise ValueError(f"{path}: {name} {text.iloc[0]!r} is no number")
    return values


def identity(run: Run) -> dict[str, Any]:
    """The columns that say which run a row is about."""
    return {
        "variant": run.variant,
        "model": run.config.model,
        "D": run.config.D,
        "seed": run.config.seed,
    }


def run_row(run: Run, folder: Path) -> pd.DataFrame:
    """One row: a run's settings, what it cost, and on what machine it was trained.

    The settings are those that the run had, which may be fewer steps than the study's;
    `together` is how many runs shared each step of the card.
    """
    result = finished(RunFolder(folder), run)
    cost = {name: result.get(name) for name in ("seconds", "joules", "energy_source")}
    if "together" in result:
        cost["together"] = result["together"]
    settings = {
        name: " ".join(map(str, value)) if isinstance(value, list | tuple) else value
        for name, value in (vars(run.config) | result.get("config", {})).items()
    }
    machine = dict(result.get("provenance", {}))
    machine["device_name"] = machine.pop("device", None)
    machine = {name: machine[name] for name in machine if name not in settings}
    return pd.DataFrame([identity(run) | settings | cost | machine])


def run_history(run: Run, folder: Path) -> pd.DataFrame:
    """The history of one run, thinned to `CURVES` points, each the mean over its
    stretch.
    """
    names = [*FIRST_COLUMNS, "active", "discriminator_accuracy"]
    history = read_table(RunFolder(folder).history, names)
    names += [name for name in history if name.startswith("kl_")]  # of each dimension
    stretch = np.arange(len(history)) * min(CURVES, len(history)) // len(history)
    thinned = history[names].groupby(stretch).mean().round(4)
    return thinned.assign(**identity(run))[[*IDENTITY, *names]]


def collect(study: Study, unfinished: bool = False, folder: Path | None = None) -> Path:
    """Write `table.csv`, `history.csv`, `runs.csv` and `pictures/` of a study's runs;
    returns their folder.

    Pictures are kept of the first seed of each model, D and variant. With `unfinished`,
    runs that are not there are left out; else they raise `FileNotFoundError`.
    """
    folder = folder or RESULTS / study.name
    runs = [
        run
        for run in study.runs
        if not unfinished or RunFolder(study.folder(run)).scores.exists()
    ]
    if not runs:
        raise FileNotFoundError(f"no finished run of study {study.name}; run it first")
    tables = {"table": run_table, "history": run_history, "runs": run_row}
    for name, of_run in tables.items():
        table = pd.concat(
            [of_run(run, study.folder(run)) for run in runs], ignore_index=True
        )
        with atomic_write(folder / f"{name}.csv") as temporary:
            table.to_csv(temporary, index=False, float_format="%.6g")
    kept = {
        picture_name(run.config.model, run.config.D, run.variant): run
        for run in reversed(runs)
    }
    for name, run in kept.items():
        with atomic_write(folder / "pictures" / name) as temporary:
            shutil.copyfile(RunFolder(study.folder(run)).pictures, temporary)
    remove_others(folder / "pictures", kept)
    return folder


def remove_others(folder: Path, names: Collection[str]) -> None:
    """Remove the files of `folder` that have none of `names`, once those are there: a
    kill on the way costs no old one. Hidden files are somebody's who is at work.
    """
    for path in folder.glob("[!.]*"):
        if path.is_file() and path.name not in names:
            path.unlink()


def picture_name(model: str, D: int, variant: str = "") -> str:
    """File name of the pictures of a model, D and variant."""
    return "-".join(filter(None, (variant, model, f"D{D}"))) + ".npz"


@dataclass(frozen=True)
class Results:
    """What a page reads of a study."""

    study: Study
    table: pd.DataFrame
    history: pd.DataFrame
    folder: Path

    @property
    def finished(self) -> int:
        """How many of the study's runs are in the table."""
        return len(self.table[IDENTITY].drop_duplicates())

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


def first_there(folder: Path = RESULTS) -> str:
    """The fullest study that has results."""
    there = [name for name in SHOWN_FIRST if (folder / name / "table.csv").exists()]
    return there[0] if there else SHOWN_FIRST[-1]
