"""Runs far past the budget are told from the budget on, and shown at their end."""

import pytest
from synthetic_study import synthetic

from disentlib.study import plan, shown
from disentlib.study.evidence import Evidence
from disentlib.study.long_runs import (
    FROM,
    long_pictures,
    long_table,
    long_values,
)

STEPS = [1000, FROM, 5 * FROM]


@pytest.fixture
def long(tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "STUDIES", tmp_path / "studies")
    return synthetic(tmp_path, name="long", levels=(4, 15), seeds=1, steps=STEPS)


def test_a_row_a_run_and_budget_from_the_desks_on(long):
    values = long_values(Evidence(long, long.table, {"long": long}))
    assert len(values) == 4 * 2 and set(values["step"]) == set(STEPS[1:])
    end = long.values("held_out_reconstruction", model="beta_vae", D=15)["value"].item()
    own = values[(values["model"] == "beta_vae") & (values["D"] == 15)]
    assert own["held_out_reconstruction"].iloc[-1] == end
    assert list(long_table(values)["steps"]) == ["20,000", "100,000"] * 4


def test_without_long_runs_nothing_is_told(long):
    none = long_values(Evidence(long, long.table, {}))
    assert not len(none) and not len(long_table(none))


def test_pictures_are_those_of_each_run(long):
    assert list(long_pictures(long)) == [
        f"{model}, D = {D}, 100,000 steps"
        for model in ("β-VAE", "FactorVAE")
        for D in (4, 15)
    ]


def test_a_figure_is_shown_where_its_study_is_in(long, monkeypatch):
    evidence, showing = Evidence(long, long.table, {"long": long}), []
    monkeypatch.setattr(shown.plt, "show", lambda: showing.append(name))
    for name in ("long", "weights", "batches"):
        shown.show_beside(evidence, name)
    assert showing == ["long"]
    assert len(shown.long_rows(evidence)) == 8
