"""Collecting: from the runs of a study to a few tables and pictures."""

import shutil
from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from disentlib.files import atomic_write, read_mapping
from disentlib.paths import RESULTS
from disentlib.study.plan import Run, Study
from disentlib.study.results import (
    COLUMNS,
    IDENTITY,
    as_then,
    identity,
    numbers,
    pictured,
    read_table,
)
from disentlib.training.folder import RunFolder, compare
from disentlib.training.history import FIRST_COLUMNS

CURVES = 50  # points of each run's history that are kept


def run_table(run: Run, folder: Path) -> pd.DataFrame:
    """Rows of one scored run: what `scoring.score_run` wrote, and its seconds and
    joules.

    Columns `COLUMNS`; `codes` is "sampled", "mean" or, for what needs no codes, empty.
    Raises in one line: `FileNotFoundError` for a run that is not finished, `ValueError`
    for one of other settings and for text in place of a number.
    """
    files = RunFolder(folder)
    result = result_of(files, run)
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


def result_of(files: RunFolder, run: Run) -> dict[str, Any]:
    """What `result.json` of a run says, once it is known that it is this run's."""
    for path in (files.result, files.scores):
        if not path.exists():
            raise FileNotFoundError(f"{path} is not there; run its study first")
    compare(files.path, run.config)
    if not has_scores(files):
        raise ValueError(f"{files.scores}: of an earlier model; score this run again")
    return read_mapping(files.result)


def has_scores(files: RunFolder) -> bool:
    """Whether a run has scores, and those of the model that it has now."""
    if not (files.result.exists() and files.scores.exists()):
        return False
    digest = read_mapping(files.result).get("digest")
    return bool(scored_how(files).get("digest", digest) == digest)


def scored_how(files: RunFolder) -> dict[str, Any]:
    """Of which model a run's scores are, and their settings, as far as it is said."""
    return read_mapping(files.scored_how) if files.scored_how.exists() else {}


def check_scoring(study: Study, run: Run) -> None:
    """Raise `ValueError` in one line for a run that was scored otherwise than the study
    has it.
    """
    files = RunFolder(study.folder(run))
    wanted = asdict(study.scoring)
    if scored_how(files).get("scoring", wanted) != wanted:
        raise ValueError(
            f"{files.scores}: not scored as study {study.name} says; score it again"
        )


def run_row(run: Run, folder: Path) -> pd.DataFrame:
    """One row: a run's settings, what it cost, and on what machine it was trained.

    The settings are those that the run had, which may be fewer steps than the study's;
    `together` is how many runs shared each step of the card.
    """
    result = result_of(RunFolder(folder), run)
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
    runs of the study that are not there, or not scored anew yet, stay as an earlier
    collecting, perhaps on another machine, has left them; else they raise
    `FileNotFoundError`. `ValueError` for a run that was scored otherwise than others.
    """
    folder = folder or RESULTS / study.name
    runs = [
        run
        for run in study.runs
        if not unfinished or has_scores(RunFolder(study.folder(run)))
    ]
    if not runs:
        raise FileNotFoundError(f"no finished run of study {study.name}; run it first")
    for run in runs:
        check_scoring(study, run)
    # The table last: the runs found for it are all that have scores.
    kinds = {"history": run_history, "runs": run_row, "table": run_table}
    tables = {}  # all of them before one is written: a damaged run changes none
    for name, of_run in kinds.items():
        found = {run: of_run(run, study.folder(run)) for run in runs}
        path = folder / f"{name}.csv"
        if unfinished and path.exists():
            earlier = read_table(path, IDENTITY, keep_default_na=False)
            if name == "runs":  # a joined column of both kinds would have blanks
                earlier = as_then(earlier)
            found = rows_of_others(study, earlier, found) | found
        tables[path] = pd.concat([found[r] for r in study.runs if r in found])
    for path, table in tables.items():
        with atomic_write(path) as temporary:
            table.to_csv(temporary, index=False, float_format="%.6g")
    shown = pictured(run for run in study.runs if run in found)
    for name, run in shown.items():
        if run in runs:
            with atomic_write(folder / "pictures" / name) as temporary:
                shutil.copyfile(RunFolder(study.folder(run)).pictures, temporary)
    remove_others(folder / "pictures", shown)
    return folder


def rows_of_others(
    study: Study, earlier: pd.DataFrame, found: Collection[Run]
) -> dict[Run, pd.DataFrame]:
    """The rows of an earlier table by run, of the runs that are not `found` now."""
    rows = dict(list(earlier.groupby(IDENTITY, sort=False)))
    others = {run: rows.get(tuple(identity(run).values())) for run in study.runs}
    return {run: r for run, r in others.items() if r is not None and run not in found}


def remove_others(folder: Path, names: Collection[str]) -> None:
    """Remove the files of `folder` that have none of `names`, once those are there: a
    kill on the way costs no old one. Hidden files are somebody's who is at work.
    """
    for path in folder.glob("[!.]*"):
        if path.is_file() and path.name not in names:
            path.unlink()
