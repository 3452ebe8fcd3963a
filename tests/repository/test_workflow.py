"""The sweep: what Snakemake plans after a finished study, a lost run, a new seed, a bad
study.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
import starts
from copies import compiled, copied, read_by_test

from disentlib.paths import ROOT

MINI = """
title: Mini
grid: {model: [beta_vae], D: [2], seed: [0]}
training: {steps: 4, batch_size: 8, log_every: 2, evaluation_images: 32, batch_norm: false}
scoring: {train: 60, test: 30, batch_size: 4, n_estimators: 1}
"""


RUN = "runs/mini/beta_vae/D2/seed0"
# What runs here, for .ci/reads.py.
READS = (
    ".ci/reads.py",
    "Snakefile",
    "disentlib/__main__.py",
    "notebooks/training.md",
    "notebooks/scoring.md",
)


def words_of(*arguments, study="mini", **settings):
    """The command's words."""
    chosen = [
        f"{name}={value}" for name, value in ({"study": study} | settings).items()
    ]
    return [*arguments, "--cores", "2", "--rerun-incomplete", "--config", *chosen]


def snakemake(folder, *arguments, **settings):
    return starts.snakemake(folder, *words_of(*arguments, **settings))


def planned(folder, target="table"):
    """Rules that a dry run would run, with their counts."""
    run = snakemake(folder, target, "-n", "--quiet", "rules")
    assert run.returncode == 0, run.stdout + run.stderr
    lines = [line.split() for line in (run.stdout + run.stderr).splitlines()]
    rules = ("train", "score", "collect", "book")
    return {
        line[0]: int(line[1]) for line in lines if len(line) == 2 and line[0] in rules
    }


def worth(folder):
    """What cost hours: each file of the run that is no mark, with its bytes' digest."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A copy of the repository in which the study `mini` is trained, scored and
    collected. Its path has spaces, quotes and an accent.
    """
    folder = copied(tmp_path_factory.mktemp("a repository's é"))
    (folder / "studies" / "mini.yml").write_text(MINI)
    command = [sys.executable, "-m", "snakemake", *words_of("table")]
    run = subprocess.run(
        command,
        cwd=folder,
        env=os.environ
        | {"PYTHONPATH": str(folder), "MPLBACKEND": "agg"}
        | {"PYTHONDONTWRITEBYTECODE": ""},  # `copies.compiled` asks what ran
        capture_output=True,
        text=True,
        timeout=1500,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    noise = ("ERROR", "Traceback", "TCP", "KeyboardInterrupt")
    assert not [word for word in noise if word in run.stdout + run.stderr]
    return folder


@contextmanager
def changed(path, old, new):
    """The file with a change, and afterwards as it was."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    try:
        yield
    finally:
        path.write_text(text)


def one_line(run, words):
    """The one line in which a refusal says `words`."""
    said = [line for line in (run.stdout + run.stderr).splitlines() if words in line]
    assert run.returncode != 0 and len(said) == 1, run.stdout + run.stderr
    assert "Traceback" not in run.stderr
    return said[0]


def test_a_finished_study_plans_nothing_more(finished):
    names = {path.name for path in (finished / RUN).iterdir()}
    kept = {
        "model.safetensors",
        "result.json",
        "history.csv",
        "scores.csv",
        "scored.json",
    }
    assert kept | {"pictures.npz", "training.ipynb", "scoring.ipynb"} <= names
    assert not [name for name in names if "tmp" in name or "failed" in name]
    assert planned(finished) == {}


def test_executed_notebooks_name_no_folder_of_the_machine(finished):
    for name in ("training", "scoring"):
        text = (finished / RUN / f"{name}.ipynb").read_text()
        assert str(finished) not in text and f"{RUN}" in text


def test_a_lost_run_is_planned_with_what_hangs_on_it(finished, tmp_path):
    shutil.move(finished / RUN, tmp_path / "aside")
    try:
        assert planned(finished) == {"train": 1, "score": 1, "collect": 1}
    finally:
        shutil.move(tmp_path / "aside", finished / RUN)
    assert planned(finished) == {}


def test_a_new_seed_plans_the_new_run_only(finished):
    with changed(finished / "studies" / "mini.yml", "seed: [0]", "seed: [0, 1]"):
        assert planned(finished) == {"train": 1, "score": 1, "collect": 1}


def test_a_changed_setting_is_refused_and_touches_nothing(finished):
    before = worth(finished / RUN)
    with changed(finished / "studies" / "mini.yml", "steps: 4", "steps: 4, beta: 2.0"):
        line = one_line(snakemake(finished, "table"), "another configuration")
    assert "config.json" in line and "beta 4.0, not 2.0" in line
    line = one_line(
        snakemake(finished, "table", device="cuda"), "another configuration"
    )
    assert "device 'cpu', not 'cuda'" in line
    assert worth(finished / RUN) == before and planned(finished) == {}


def test_lost_marks_cost_a_moment_and_no_model(finished):
    """As after a kill of Snakemake alone, or a run that a job array trained."""
    before = worth(finished / RUN)
    for mark in (".trained", ".scored"):
        (finished / RUN / mark).unlink()
    assert planned(finished) == {"train": 1, "score": 1, "collect": 1}
    run = snakemake(finished, "table")
    assert run.returncode == 0, run.stdout + run.stderr
    assert worth(finished / RUN) == before and planned(finished) == {}


def test_more_steps_and_scores_by_hand_are_seen(finished, tmp_path):
    """As after `disentlib train` and `score`, of which Snakemake knows nothing."""
    folder = finished / RUN
    for name in (".trained", ".scored", "result.json"):
        shutil.copy2(folder / name, tmp_path)
    everything = {"train": 1, "score": 1, "collect": 1}
    with changed(finished / "studies" / "mini.yml", "steps: 4", "steps: 5"):
        assert planned(finished) == everything  # the marks are of fewer steps
    shutil.copy2(tmp_path / ".trained", folder)
    shutil.copy2(tmp_path / ".scored", folder)
    with changed(folder / "result.json", '"digest": "', '"digest": "0'):
        assert planned(finished) == {"score": 1, "collect": 1}  # of an earlier model
    shutil.copy2(tmp_path / "result.json", folder)
    (folder / ".scored").write_text("of another model")
    assert planned(finished) == {"collect": 1}
    shutil.copy2(tmp_path / ".scored", folder)
    assert planned(finished) == {}


@pytest.mark.slow
def test_a_page_that_fails_after_training_costs_no_model(finished):
    """A cell behind the run raises: the model stays, and the next start goes on."""
    page, study = (
        finished / "notebooks" / "training.md",
        finished / "studies" / "mini.yml",
    )
    with changed(study, "seed: [0]", "seed: [2]"):
        with changed(
            page,
            "result = read_json",
            "assert False, 'no LaTeX here'\nresult = read_json",
        ):
            said = one_line(
                snakemake(finished, "table"), "AssertionError: no LaTeX here"
            )
        assert "training.md" in said
        folder = finished / "runs/mini/beta_vae/D2/seed2"
        before = worth(folder)
        assert {"model.safetensors", "result.json", "history.csv"} <= before.keys()
        run = snakemake(finished, "table")
        assert run.returncode == 0, run.stdout + run.stderr
        after = worth(folder)
        assert {name: after.get(name) for name in before if "ipynb" not in name} == {
            name: digest for name, digest in before.items() if "ipynb" not in name
        }
        assert "training.failed.ipynb" not in after


def start_alone(folder, *arguments):
    """Snakemake as a process that can be killed without its jobs."""
    command = [sys.executable, "-m", "snakemake", *arguments, "--cores", "1"]
    return subprocess.Popen(
        [*command, "--rerun-incomplete", "--config", "study=mini"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def wait_for(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "not within the time allowed"
        time.sleep(0.05)


@pytest.mark.slow
def test_snakemake_killed_while_its_job_goes_on_costs_no_model(finished):
    with changed(finished / "studies" / "mini.yml", "seed: [0]", "seed: [3]"):
        folder = finished / "runs/mini/beta_vae/D2/seed3"
        head = start_alone(finished, "table")
        wait_for(lambda: (folder / ".lock").exists())
        head.kill()
        head.wait()
        wait_for(
            lambda: (
                (folder / "training.ipynb").exists() and (folder / ".trained").exists()
            )
        )
        before = worth(folder)
        assert "model.safetensors" in before
        assert snakemake(finished, "table", "--unlock").returncode == 0
        run = snakemake(finished, "table")
        assert run.returncode == 0, run.stdout + run.stderr
        after = worth(folder)
        assert {name: after.get(name) for name in before} == before
    assert planned(finished) == {"collect": 1}  # the study is the first again


def test_results_outlive_a_collecting_that_fails(finished):
    before = worth(finished / "results" / "mini")
    scores = finished / RUN / "scores.csv"
    with changed(scores, "value", "worth"):
        run = snakemake(finished, "table", "--forcerun", "collect")
    one_line(run, "scores.csv: no column value")
    assert worth(finished / "results" / "mini") == before


def test_a_bad_study_is_one_line(finished):
    path = finished / "studies" / "typo.yml"
    path.write_text(MINI.replace("beta_vae", "bete_vae"))
    line = one_line(snakemake(finished, "-n", study="typo"), "bete_vae")
    path.unlink()
    assert "choose one of" in line


# Names alone are tried in tests/study/test_plan.py.
@pytest.mark.parametrize("name", ["x$(touch pwn);`touch pwn`", "../mini"])
def test_no_word_of_a_user_is_run_by_a_shell(finished, name):
    line = one_line(snakemake(finished, "table", study=name), "is no name")
    assert "letter first" in line and not (finished / "pwn").exists()


def test_no_word_of_a_study_is_run_by_a_shell(finished):
    path = finished / "studies" / "evil.yml"
    evil = "cpu'$(touch pwn)'; touch pwn"
    path.write_text(MINI.replace("steps: 4", f'steps: 4, device: "{evil}"'))
    one_line(snakemake(finished, "table", study="evil"), "device")
    path.write_text(MINI)
    one_line(snakemake(finished, "table", study="evil", device=evil), "device")
    path.unlink()
    assert not (finished / "pwn").exists()


def test_every_word_that_reaches_a_shell_is_quoted():
    """Names are checked before; this holds where a check is forgotten."""
    text = (ROOT / "Snakefile").read_text()
    commands = re.findall(r'shell:\s+"(.+)"\n', text)
    assert len(commands) == text.count("shell:") == 4
    words = re.findall(r"\{(.+?)\}", " ".join(commands))
    assert len(words) >= 10 and {word.partition(":")[2] for word in words} == {"q"}


def test_what_ran_is_what_this_file_says_that_it_reads(finished):
    ran = compiled(finished)
    assert {"disentlib/training/loop.py", "disentlib/metrics/dci.py"} <= ran
    read = read_by_test(__file__)
    assert ran <= read and "disentlib/study/verdicts.py" not in read
