"""The sweep: what Snakemake plans after a finished study, a lost run, a new seed, a bad
study.
"""

import os
import shutil
import subprocess
import sys

import pytest

from disentlib.paths import ROOT

MINI = """
title: Mini
grid: {model: [beta_vae], D: [2], seed: [0]}
training: {steps: 4, batch_size: 8, log_every: 2, evaluation_images: 32, batch_norm: false}
scoring: {train: 60, test: 30, batch_size: 4, n_estimators: 1}
"""


def snakemake(folder, *arguments, study="mini"):
    """The command in a copy of the repository, whose library comes first."""
    environment = os.environ | {"PYTHONPATH": str(folder), "MPLBACKEND": "agg"}
    command = [sys.executable, "-m", "snakemake", *arguments, "--cores", "2"]
    return subprocess.run(
        [*command, "--config", f"study={study}"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=400,
    )


def planned(folder, target="table"):
    """Rules that a dry run would run, with their counts."""
    run = snakemake(folder, target, "-n", "--quiet", "rules")
    assert run.returncode == 0, run.stdout + run.stderr
    lines = [line.split() for line in (run.stdout + run.stderr).splitlines()]
    rules = ("train", "score", "collect", "book")
    return {
        line[0]: int(line[1]) for line in lines if len(line) == 2 and line[0] in rules
    }


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A copy of the repository in which the study `mini` is trained, scored and
    collected.
    """
    folder = tmp_path_factory.mktemp("repository")
    for name in ("disentlib", "notebooks", "book", "studies"):
        shutil.copytree(
            ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name in ("Snakefile", "_config.yml", "_toc.yml"):
        shutil.copy(ROOT / name, folder / name)
    (folder / "studies" / "mini.yml").write_text(MINI)
    run = snakemake(folder, "table")
    assert run.returncode == 0, run.stdout + run.stderr
    return folder


def test_a_finished_study_plans_nothing_more(finished):
    run = finished / "runs" / "mini" / "beta_vae" / "D2" / "seed0"
    left = {path.name for path in run.iterdir()}
    assert {
        "result.json",
        "scores.csv",
        "pictures.npz",
        "training.ipynb",
        "scoring.ipynb",
    } <= left
    assert planned(finished) == {}


def test_a_lost_run_is_planned_with_what_hangs_on_it(finished, tmp_path):
    run = finished / "runs" / "mini" / "beta_vae" / "D2" / "seed0"
    shutil.move(run, tmp_path / "aside")
    try:
        assert planned(finished) == {"train": 1, "score": 1, "collect": 1}
    finally:
        shutil.move(tmp_path / "aside", run)
    assert planned(finished) == {}


def test_a_new_seed_plans_the_new_run_only(finished):
    path = finished / "studies" / "mini.yml"
    path.write_text(MINI.replace("seed: [0]", "seed: [0, 1]"))
    try:
        assert planned(finished) == {"train": 1, "score": 1, "collect": 1}
    finally:
        path.write_text(MINI)


def test_a_bad_study_is_one_line(finished):
    path = finished / "studies" / "typo.yml"
    path.write_text(MINI.replace("beta_vae", "bete_vae"))
    run = snakemake(finished, "-n", study="typo")
    path.unlink()
    assert run.returncode != 0
    said = [
        line for line in (run.stdout + run.stderr).splitlines() if "bete_vae" in line
    ]
    assert (
        len(said) == 1 and "choose one of" in said[0] and "Traceback" not in run.stderr
    )


def test_the_quick_study_is_four_runs_and_a_book(tmp_path):
    run = subprocess.run(
        [sys.executable, "-m", "snakemake", "-n", "--quiet", "rules", "--cores", "2",
         "--snakefile", str(ROOT / "Snakefile"), "--directory", str(ROOT), "--forceall"],
        capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    counts = dict(
        line.split() for line in run.stdout.splitlines() if len(line.split()) == 2
    )
    assert {name: counts[name] for name in ("train", "score", "collect", "book")} == {
        "train": "4", "score": "4", "collect": "1", "book": "1"
    }  # fmt: skip
