"""The results of a study: collected from its runs into a few files, and read back by
the pages.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from disentlib.files import atomic_write, read_json
from disentlib.paths import RESULTS
from disentlib.scoring.pictures import Pictures, load_pictures
from disentlib.study.plan import Run, Study, load_study

IDENTITY = ["variant", "model", "D", "seed"]  # which run a row is about
COLUMNS = [*IDENTITY, "step", "codes", "measure", "value"]
CURVES = 50  # points of each run's history that are kept
SHOWN_FIRST = ("thesis", "desk", "quick")


def run_table(run: Run, folder: Path) -> pd.DataFrame:
    """Rows of one scored run: its scores, and its held-out losses, seconds and joules.

    Columns `COLUMNS`; `codes` is "sampled", "mean" or, for what needs no codes, empty.
    Raises `FileNotFoundError` in one line for a run that is not finished.
    """
    for name in ("result.json", "scores.csv"):
        if not (folder / name).exists():
            raise FileNotFoundError(
                f"{folder / name} is not there; run its study first"
            )
    result = read_json(folder / "result.json")
    scores = pd.read_csv(folder / "scores.csv", keep_default_na=False)
    measures = {f"held_out_{name}": value for name, value in result["held_out"].items()}
    measures |= {"seconds": result["seconds"], "joules": result["joules"]}
    measures |= {"active_dimensions": result["active"]}
    own = pd.DataFrame(
        [(result["step"], "", measure, value) for measure, value in measures.items()],
        columns=["step", "codes", "measure", "value"],
    ).dropna()
    table = pd.concat([scores, own], ignore_index=True)
    identity = [run.variant, run.config.model, run.config.D, run.config.seed]
    return table.assign(**dict(zip(IDENTITY, identity)))[COLUMNS]


def run_history(run: Run, folder: Path) -> pd.DataFrame:
    """The history of one run, thinned to `CURVES` points, each the mean over its
    stretch.
    """
    history = pd.read_csv(folder / "history.csv")
    names = [
        "step",
        "epoch",
        "seconds",
        "reconstruction",
        "kl",
        "total_correlation",
        "total",
    ]
    names += ["active", "discriminator_accuracy"]
    names += [name for name in history if name.startswith("kl_")]  # of each dimension
    stretch = np.arange(len(history)) * min(CURVES, len(history)) // len(history)
    thinned = history[names].groupby(stretch).mean().round(4)
    identity = [run.variant, run.config.model, run.config.D, run.config.seed]
    return thinned.assign(**dict(zip(IDENTITY, identity)))[[*IDENTITY, *names]]


def collect(study: Study, unfinished: bool = False, folder: Path | None = None) -> Path:
    """Write `table.csv`, `history.csv` and `pictures/` of a study's runs; returns their
    folder.

    Pictures are kept of the first seed of each model, D and variant. With `unfinished`,
    runs that are not there are left out; else they raise `FileNotFoundError`.
    """
    folder = folder or RESULTS / study.name
    runs = [
        run
        for run in study.runs
        if not unfinished or (study.folder(run) / "scores.csv").exists()
    ]
    if not runs:
        raise FileNotFoundError(f"no finished run of study {study.name}; run it first")
    for name, of_run in (("table", run_table), ("history", run_history)):
        table = pd.concat(
            [of_run(run, study.folder(run)) for run in runs], ignore_index=True
        )
        with atomic_write(folder / f"{name}.csv") as temporary:
            table.to_csv(temporary, index=False, float_format="%.6g")
    kept = {
        picture_name(run.config.model, run.config.D, run.variant): run
        for run in reversed(runs)
    }
    shutil.rmtree(folder / "pictures", ignore_errors=True)
    for name, run in kept.items():
        with atomic_write(folder / "pictures" / name) as temporary:
            shutil.copyfile(study.folder(run) / "pictures.npz", temporary)
    return folder


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

    def pictures(self, model: str, D: int, variant: str = "") -> Pictures:
        """Pictures of the first seed of a model; `FileNotFoundError` where there are
        none.
        """
        return load_pictures(self.folder / "pictures" / picture_name(model, D, variant))


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
    table = pd.read_csv(here / "table.csv", keep_default_na=False)
    history = pd.read_csv(here / "history.csv", dtype={"variant": str}).fillna(
        {"variant": ""}
    )
    table["value"] = table["value"].astype(float)
    return Results(load_study(name), table, history, here)


def first_there(folder: Path = RESULTS) -> str:
    """The fullest study that has results."""
    there = [name for name in SHOWN_FIRST if (folder / name / "table.csv").exists()]
    return there[0] if there else SHOWN_FIRST[-1]


if __name__ == "__main__":
    import sys

    print(collect(load_study(sys.argv[1]), unfinished="--unfinished" in sys.argv[2:]))
