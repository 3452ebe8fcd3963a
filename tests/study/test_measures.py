"""Means along steps and pairs of runs are of the same runs, whatever is there."""

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest

from disentlib.study.budgets import along_budgets
from disentlib.study.correlation import correlation_within
from disentlib.study.evidence import evidence_of
from disentlib.study.measures import (
    longest_runs,
    of_every_step,
    ran_away,
    runs,
    with_dimensions,
)
from disentlib.study.recipes import single_changes
from disentlib.study.tables import budget_rows


@pytest.fixture
def make(make_study):
    return partial(make_study, pictures=False)


def without(results, keep):
    return replace(results, table=results.table[keep(results.table)])


def test_a_mean_along_steps_is_of_the_same_runs():
    rows = [(0, 1, 1.0), (0, 2, 2.0), (1, 1, 100.0)]
    table = pd.DataFrame(rows, columns=["seed", "step", "value"]).assign(measure="mig")
    kept = of_every_step(table, ["seed"])
    assert kept["value"].tolist() == [1.0, 2.0]


def test_budgets_are_compared_over_the_runs_that_have_both(make):
    """The short runs are far off: no end of the comparison may see them."""
    results = make(seeds=4, levels=(4, 10, 15), steps=[500, 1000])
    table = results.table
    short = table["seed"] > 1000
    table.loc[short & (table["step"] == 500), "value"] += 7.0
    part = without(results, lambda t: ~((t["seed"] > 1000) & (t["step"] == 1000)))
    told = along_budgets(evidence_of(part, {}))
    alone = along_budgets(evidence_of(without(part, lambda t: t["seed"] <= 1000), {}))
    assert "of the 12 runs that have both" in told and told == alone
    drawn = budget_rows(evidence_of(part, {}), ["factor_vae_score"])
    assert set(drawn["seed"]) == {0, 1000} and set(drawn["step"]) == {500, 1000}


def test_dimensions_in_use_are_told_for_the_runs_that_did_not_say(make):
    results = make(seeds=3, levels=(4, 10), steps=[1000])
    whole = with_dimensions(results)
    said = whole[(whole["measure"] == "dimensions_in_use") & (whole["seed"] == 0)]
    table = pd.concat([results.table, said], ignore_index=True)
    again = with_dimensions(replace(results, table=table))
    assert len(runs(again, "dimensions_in_use", step=1000)) == 2 * 2 * 3


def test_a_short_run_can_run_away_as_well(make):
    results = make(seeds=4, levels=(4, 10), steps=[500, 1000])
    table = results.table
    ends = table[table["measure"] == "held_out_kl"]
    halfway = ends.assign(step=500)
    away = (halfway["seed"] == 3000) & (halfway["D"] == 10)
    halfway.loc[away & (halfway["model"] == "beta_vae"), "value"] = 1e5
    there = ~((table["seed"] == 3000) & (table["step"] == 1000))
    found = ran_away(pd.concat([table[there], halfway], ignore_index=True))
    assert found[["model", "D", "seed"]].values.tolist() == [["beta_vae", 10, 3000]]
    assert found["value"].tolist() == [1e5]


def test_recipes_are_compared_after_equal_steps(make):
    recipes = {"one": {"beta": 4.0}, "two": {"beta": 8.0}}

    def falling(measure, model, D):
        return 0.0

    results = make(variants=recipes, levels=(10,), steps=[500, 1000], effect=falling)
    table = results.table
    table.loc[table["step"] == 500, "value"] += 50.0
    part = without(results, lambda t: (t["variant"] != "one") | (t["step"] == 500))
    for change in single_changes(part):
        assert abs(change.by_measure["factor_vae_score"].value) < 1


def test_a_study_of_variants_shows_one_of_them(make):
    """Runs of different kinds are no sample of one."""
    results = make(variants={"b_1": {"beta": 1.0}, "b_16": {"beta": 16.0}}, seeds=2)
    evidence = evidence_of(results, {})
    assert set(evidence.table["variant"]) == {"b_1"} and evidence.missing == 0
    assert evidence.main.study.title.endswith(", b 1")


def test_cells_of_one_run_do_not_cost_the_correlation_its_runs():
    rng = np.random.default_rng(0)
    own = [("beta_vae", 4, seed) for seed in range(10)]
    single = [("beta_vae", 10 + i, 0) for i in range(8)]
    rows = []
    for model, D, seed in [*own, *single]:
        value = rng.normal()
        for measure, codes in (("held_out_kl", ""), ("mig", "sampled")):
            noise = 0.1 * rng.normal()
            rows.append(("", model, D, seed, 5, codes, measure, value + noise))
    columns = ["variant", "model", "D", "seed", "step", "codes", "measure", "value"]
    table = pd.DataFrame(rows, columns=columns)
    few = correlation_within(table[table["D"] == 4], "held_out_kl", "mig")
    assert few.df == 7 and correlation_within(table, "held_out_kl", "mig") == few


def test_a_mean_over_the_longest_runs_is_of_the_same_runs_at_every_step():
    """Runs of two budgets keep their records at other steps."""
    long = [{"seed": 0, "step": step, "kl": 10.0} for step in (250, 650, 1000)]
    short = [{"seed": 1, "step": step, "kl": 90.0} for step in (100, 200, 300)]
    other = [{"seed": 2, "step": step, "kl": 20.0} for step in (250, 650, 1000)]
    kept = longest_runs(pd.DataFrame([*short, *long, *other]))
    means = kept.groupby("step")["kl"].mean()
    assert means.to_dict() == {250: 15.0, 650: 15.0, 1000: 15.0}
