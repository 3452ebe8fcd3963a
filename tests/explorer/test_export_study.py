"""Models of a study for the explorer: what a script says of its run, and the catalogue."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from small_runs import small_sprites

from disentlib.models.networks import VAE
from disentlib.paths import RESULTS
from disentlib.scoring import pictures
from disentlib.study import explorer
from disentlib.study.catalogue import place_models
from disentlib.study.plan import load_study
from disentlib.study.results import (
    COLUMNS,
    Results,
    load_results,
    picture_name,
)
from disentlib.training.checkpoints import save_tensors
from disentlib.training.folder import RunFolder, claim

READS = ()  # it names a command and starts none; for .ci/reads.py


@pytest.fixture
def results(tmp_path):
    study = load_study("quick")
    rows = []
    for run in study.runs[:2]:  # the others are not scored
        config = run.config
        torch.manual_seed(0)
        folder = tmp_path / "runs" / run.key
        claim(folder, config)
        vae = VAE(config.D, config.batch_norm)
        save_tensors(RunFolder(folder).model(), vae.state_dict(), {"step": 500})
        identity = ("", config.model, config.D, config.seed)
        # Stopped at 500 of its 600 steps.
        for measure, value in (("mig", 0.25), ("mig_excess", 0.125), ("sap", 0.5)):
            rows.append([*identity, 500, "sampled", measure, value, None])
            rows.append([*identity, 300, "sampled", measure, 0.9, None])
            rows.append([*identity, 500, "mean", measure, 0.7, None])
        grey = np.zeros((2, 64, 64), np.uint8)
        kept = pictures.Pictures(
            grey,
            grey,
            np.zeros((config.D, 9, 64, 64), np.uint8),
            np.eye(config.D, 5),
            words=np.array(["nothing moves"] * config.D),
        )
        path = tmp_path / "results" / "quick" / "pictures"
        pictures.save_pictures(path / picture_name(config.model, config.D), kept)
    table = pd.DataFrame(rows, columns=COLUMNS)
    return Results(study, table, pd.DataFrame(), tmp_path / "results" / "quick")


def with_seed(runs, seed):
    """The runs, and after each one of another seed."""
    others = (replace(run, config=replace(run.config, seed=seed)) for run in runs)
    return tuple(run for pair in zip(runs, others) for run in pair)


@pytest.fixture
def few_images(monkeypatch):
    monkeypatch.setattr(explorer, "IMAGES", 20)
    small = small_sprites()
    monkeypatch.setattr(explorer, "GRID", small.grid)
    monkeypatch.setattr(explorer, "load_sprites", lambda: small)


def test_scripts_say_what_the_tables_say(results, tmp_path, few_images):
    paths = explorer.refresh(results, tmp_path / "runs")
    assert [path.name for path in paths] == [
        "quick-beta_vae-D4.js",
        "quick-beta_vae-D10.js",
    ]
    text = paths[0].read_text()
    facts = json.loads(text.removeprefix("Explorer.addModel(").removesuffix(");\n"))
    assert facts["title"] == "β-VAE, D = 4" and facts["step"] == 500
    assert facts["scores"] == [["MIG", 0.25, 0.125], ["SAP", 0.5, None]]
    assert facts["importances"] == np.eye(4, 5).tolist()
    assert facts["labels"] == ["nothing moves"] * 4
    assert len(facts["kl"]) == 4 and min(facts["kl"]) >= 0

    html = tmp_path / "html"
    assert place_models(html, tmp_path / "results") == 2
    catalogue = (html / "explorer" / "models" / "catalogue.js").read_text()
    entries = json.loads(catalogue.split(" = ", 1)[1].rstrip(";\n"))
    assert [entry["id"] for entry in entries] == [path.stem for path in paths]
    assert [entry["start"] for entry in entries] == [False, True]


@pytest.mark.parametrize(
    "path", sorted(RESULTS.glob("*/models/*.js")), ids=lambda p: p.stem
)
def test_scripts_in_the_results_say_what_their_tables_say(path):
    """Tables grow after models are exported: what is said of a run is what they say now."""
    results = load_results(path.parents[1].name)
    runs = {explorer.id_of(results, run): run for run in explorer.shown_runs(results)}
    facts = explorer.facts_of(results, runs[path.stem])
    text = path.read_text()
    said = json.loads(text.removeprefix("Explorer.addModel(").removesuffix(");\n"))
    again = f"type python -m disentlib collect {results.study.name} --unfinished"
    assert said["scores"] == [list(row) for row in facts["scores"]], again
    assert {name: said[name] for name in facts} == json.loads(json.dumps(facts)), again


def test_a_model_stays_where_its_run_is_in_the_table(results, tmp_path, few_images):
    """Its weights may be on another machine; those of another seed are not its own."""
    study = replace(results.study, runs=with_seed(results.study.runs, 1000))
    results = replace(results, study=study)
    models = results.folder / "models"
    models.mkdir(parents=True)
    for name in ("quick-beta_vae-D4.js", "quick-beta_vae-D7.js"):
        (models / name).touch()
    first, *_ = study.runs
    RunFolder(tmp_path / "runs" / first.key).model().unlink()
    written = explorer.refresh(results, tmp_path / "runs")
    assert [path.name for path in written] == ["quick-beta_vae-D10.js"]
    there = {path.name: path.stat().st_size > 0 for path in models.iterdir()}
    assert there == {"quick-beta_vae-D4.js": False, "quick-beta_vae-D10.js": True}


def test_weights_are_of_the_step_that_the_scores_are_of(results, tmp_path):
    """A run that was extended and is not scored anew keeps its rows."""
    run = results.study.runs[0]
    folder = tmp_path / "runs" / run.key
    files = RunFolder(folder)
    then = explorer.model_of(results, run, folder)
    files.model().rename(files.model(500))
    torch.manual_seed(1)
    now = VAE(run.config.D, run.config.batch_norm)
    save_tensors(files.model(), now.state_dict(), {"step": 900})
    found = explorer.model_of(results, run, folder)
    assert all(map(torch.equal, found.parameters(), then.parameters()))
    files.model(500).unlink()
    assert explorer.model_of(results, run, folder) is None


def test_a_book_without_models_has_an_empty_catalogue(tmp_path):
    assert place_models(tmp_path, tmp_path / "none") == 0
    catalogue = tmp_path / "explorer" / "models" / "catalogue.js"
    assert catalogue.read_text() == "Explorer.catalogue = [];\n"


def test_variants_are_named(results):
    run = replace(results.study.runs[0], variant="batch_norm")
    table = results.table.assign(variant="batch_norm")
    folder = results.folder / "pictures"
    (folder / picture_name("beta_vae", 4)).rename(
        folder / picture_name("beta_vae", 4, "batch_norm")
    )
    facts = explorer.facts_of(replace(results, table=table), run)
    assert facts["id"] == "quick-batch_norm-beta_vae-D4"
    assert facts["title"] == "β-VAE, D = 4, batch norm"
    assert facts["start"] is False
