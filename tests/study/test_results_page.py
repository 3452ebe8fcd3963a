"""The results' page on tables of one, two and ten seeds, with runs missing or away."""

import re

import jupytext
import pytest
from page_cells import run_cells
from synthetic_study import synthetic

from disentlib.paths import ROOT
from disentlib.study import evidence, permutation, plan

READS = ("notebooks/results.md",)  # whose cells run; for .ci/reads.py


@pytest.fixture
def page(tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "STUDIES", tmp_path / "studies")
    monkeypatch.setattr(permutation, "COUNTED", 20_000)
    monkeypatch.setattr(permutation, "DRAWN", 2_000)

    def build(beside=(), **options):
        made = {None: synthetic(tmp_path, **options)}
        for name, others in beside:
            made[name] = synthetic(tmp_path, name=name, pictures=False, **others)

        def load(name=None):
            return made[name]

        monkeypatch.setattr(evidence, "load_results", load)
        monkeypatch.setattr(evidence, "is_there", made.__contains__)
        return run_cells("results", monkeypatch, tmp_path)

    return build


def whole(glued):
    """No sentence has a hole, a number that is none, or a word where a number stands."""
    for name, text in glued.items():
        assert text.strip() and not re.search(r"\bnan\b|None|\{|\}|  |\.\.", text), name


def test_one_seed_of_two_dimensions(page):
    glued = page(seeds=1, levels=(4, 10), steps=[600], excess=False)
    whole(glued)
    assert "cannot say" in glued["results_answer"]
    assert "one seed at each D" in glued["results_spread"]
    assert "too few runs" in glued["results_thesis"]
    assert glued["results_seeds"] == "seed 0" and glued["results_runs"] == "4 of 4 runs"
    assert "at their end alone" in glued["results_budgets"]
    assert "standard deviation" not in glued["results_answer"]
    assert "No study of weights" in glued["results_weights"]


def test_two_seeds_with_one_run_away_and_one_missing(page):
    glued = page(
        seeds=2, runaway=("factor_vae", 15, 0), missing=[("beta_vae", 6, 1000)]
    )
    whole(glued)
    assert glued["results_runs"] == "19 of 20 runs"
    assert "D = 15, seed 0 ran away" in glued["results_runaways"]
    assert "1 planned run is not in" in glued["results_answer"]
    assert "differ with a standard deviation" in glued["results_spread"]


def test_ten_seeds_and_every_study_beside(page):
    weights = {f"w{w}": {"beta": float(w), "gamma": 10.0 * w} for w in (1, 4, 16)}
    sizes = {f"b{b}": {"batch_size": b} for b in (32, 64, 128)}
    with_norm = {
        "hidden": {"batch_norm": True},
        "means": {"batch_norm": False, "mean_norm": True, "grid": {"D": [10]}},
    }

    def at_fifteen(measure, model, D):
        return 0.2 * (measure.startswith("hidden/") and D == 15)

    glued = page(
        seeds=10,
        beside=[
            ("weights", {"variants": weights, "levels": (4, 15)}),
            ("batches", {"variants": sizes, "levels": (4, 15)}),
            (
                "batch_norm",
                {"variants": with_norm, "levels": (4, 10, 15), "effect": at_fifteen},
            ),
        ],
    )
    whole(glued)
    assert "excluded with 95 %" in glued["results_answer"]
    assert (
        "falls: −0." in glued["results_answer"] and "100 runs" in glued["results_runs"]
    )
    assert glued["results_runaways"] == "No run stands out by its divergence."
    assert "*holds*" not in glued["results_weights"].lower()
    assert "for a doubling" in glued["results_batches_change"]
    norm = glued["results_norm_finding"]
    assert "18 pairs of runs at D = 4, 10 and 15 say" in norm
    assert "after 1,000 steps, β-VAE" in norm
    means = glued["results_norm_means"]
    assert "D = 10 after 1,000 steps" in means
    assert "*With batch norm* at the hidden layers" in glued["results_answer"]
    told = r"VAE \+0\.1\d+ \[\S+, \S+\] with batch norm, [+−]?0\.0\d+ \["
    assert len(re.findall(told, norm)) == 2
    assert norm.count("(the interval of the difference has no 0 in it)") == 2
    assert len(re.findall(r" by \+0\.", glued["results_norm"])) == 6
    assert "500 → 1,000 steps" in glued["results_budgets"]
    assert "β-VAE 0.0" in glued["results_plateau"] and "all of them" in glued["results_plateau"]  # fmt: skip


@pytest.mark.parametrize("page_name", ["results", "recipe", "optimisers"])
def test_the_analysis_is_in_the_library(page_name):
    source = (ROOT / "notebooks" / f"{page_name}.md").read_text()
    cells = jupytext.reads(source.split("\n## Exercises")[0], fmt="md:myst").cells
    lines = [
        line
        for cell in cells
        if cell.cell_type == "code"
        for line in cell.source.splitlines()
        if line.strip()
    ]
    assert len(lines) <= 120
