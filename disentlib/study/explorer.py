"""The models of the book's explorer: scripts under results/<study>/models/, which
`python -m disentlib collect` makes.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from disentlib import metrics
from disentlib.models.networks import VAE
from disentlib.scoring.codes import encode
from disentlib.scoring.export import save_script
from disentlib.scoring.sizes import EXCESS
from disentlib.scoring.table import models_of
from disentlib.seeds import stream
from disentlib.sprites.grid import GRID
from disentlib.sprites.table import load_sprites
from disentlib.study.collecting import remove_others
from disentlib.study.figures.names import heading
from disentlib.study.measures import THESIS, codes_of
from disentlib.study.plan import Run
from disentlib.study.results import IDENTITY, Results, identity, pictured
from disentlib.training.folder import RunFolder
from disentlib.training.trained import load_model

# random rows that the KL divergence of a dimension is averaged over, and weights are
# rounded for
IMAGES = 1024
SHOWN = (*THESIS, "dci_completeness", "mig", "sap", "modularity", "irs")
START = ("beta_vae", 10)  # what the page opens with, where it is there


def export_models(results: Results, runs: Iterable[tuple[Run, Path]]) -> list[Path]:
    """Write a script of each run (with its folder) whose model is there; returns the
    paths.

    Scores are those of the study's table, importances those of its pictures, the KL
    divergences are taken here.
    """
    sprites = load_sprites()
    rows = np.unique(stream(0, "explorer").integers(GRID.size, size=IMAGES))
    paths = []
    for run, folder in runs:
        vae = model_of(results, run, folder)
        if vae is None:
            continue
        posterior = encode(vae, sprites, rows)
        kl = metrics.kl_per_dimension(posterior.mean[rows], posterior.logvar[rows])
        facts = facts_of(results, run) | {"kl": kl.round(4).tolist()}
        path = results.folder / "models" / f"{facts['id']}.js"
        save_script(path, vae, facts, sprites.batch(rows))
        paths.append(path)
    return paths


def model_of(results: Results, run: Run, folder: Path) -> VAE | None:
    """The model whose scores the table has: that of its last step, which may be a
    snapshot where the run was extended and is not scored anew; None where it is not
    there.
    """
    files = RunFolder(folder)
    names = dict(models_of(files)) if files.model().exists() else {}
    step = int(rows_of(results, run)["step"].max())
    return load_model(folder, names[step]) if step in names else None


def refresh(results: Results, runs: Path) -> list[Path]:
    """Write the scripts of the runs whose weights are below the folder `runs` (of the
    study), and remove those of runs that are not in the table; returns what is written.

    A model whose weights are elsewhere stays, as its rows of the table do.
    """
    shown = {f"{id_of(results, run)}.js": run for run in shown_runs(results)}
    written = export_models(results, [(run, runs / run.key) for run in shown.values()])
    remove_others(results.folder / "models", shown)
    return written


def shown_runs(results: Results) -> list[Run]:
    """The first run of each variant, model and D that is in the table: the one whose
    pictures are kept.
    """
    there = set(results.table[IDENTITY].itertuples(index=False, name=None))
    runs = (r for r in results.study.runs if tuple(identity(r).values()) in there)
    return list(pictured(runs).values())


def id_of(results: Results, run: Run) -> str:
    """The name of a run's script, and of its model in a link."""
    parts = (results.study.name, run.variant, run.config.model, f"D{run.config.D}")
    return "-".join(filter(None, parts))


def facts_of(results: Results, run: Run) -> dict[str, Any]:
    """What the page says of a run: its name, its scores, its Hinton diagram, and what
    each row of its traversals was read to do.
    """
    model, D = run.config.model, run.config.D
    name = f"{heading(model)}, D = {D}"
    if run.variant:
        name = f"{name}, {heading(run.variant)}"
    pictures = results.pictures(model, D, run.variant)
    rows = rows_of(results, run)
    return {
        "id": id_of(results, run),
        "title": name,
        "step": int(rows["step"].max()),  # a run may have been stopped before its last
        "start": not run.variant and (model, D) == START,
        "scores": scores_of(rows),
        "importances": np.round(pictures.importances.astype(float), 4).tolist(),
        "labels": None if pictures.words is None else pictures.words.tolist(),
    }


def rows_of(results: Results, run: Run) -> pd.DataFrame:
    """The rows of the study's table that are about a run."""
    own, table = identity(run), results.table
    return table[(table[list(own)] == pd.Series(own)).all(axis=1)]


def scores_of(rows: pd.DataFrame) -> list[tuple[str, float, float | None]]:
    """Title, value and excess over rotations (None where there is none) of the scores
    of a run's last step, sampled codes, from the run's rows of the table.
    """
    rows = rows[rows["step"] == rows["step"].max()]
    values = {(row.measure, row.codes): float(row.value) for row in rows.itertuples()}
    found = []
    for measure in SHOWN:
        codes = codes_of(measure)
        if (measure, codes) in values:
            excess = values.get((measure + EXCESS, codes))
            found.append((heading(measure), values[measure, codes], excess))
    return found
