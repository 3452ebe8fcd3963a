"""Two rates are compared at the steps that both have."""

import pandas as pd
import pytest
from synthetic_study import synthetic

from disentlib.study import plan
from disentlib.study.rates import (
    rate_values,
    rates_sentence,
    rates_table,
    seeds_told,
)

CYCLES = {
    "plain": {"schedule": "one_cycle"},
    "plain_longer": {"schedule": "one_cycle", "steps": 2000},
    "muon": {"schedule": "one_cycle", "optimizer": "muon"},
}


@pytest.fixture
def made(tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "STUDIES", tmp_path / "studies")

    def make(name, **options):
        return synthetic(tmp_path, name=name, pictures=False, **options)

    return make


def test_runs_of_both_rates_are_found_at_equal_steps(made):
    recipe = made("recipe", variants=CYCLES, levels=(10,), steps=(1000,))
    desk = made("desk", levels=(4, 10), steps=(500, 1000), seeds=4)
    values = rate_values(recipe, desk, "beta_vae", 10)
    assert set(values["step"]) == {1000}
    runs = values.groupby("rate")[["variant", "seed"]].apply(
        lambda own: len(own.drop_duplicates())
    )
    assert runs["one cycle"] == 6 and runs["averaged"] == 4
    table = rates_table(values)
    assert len(table) == 2 and not table.isna().any().any()
    assert "after 1,000 steps one cycle" in rates_sentence(values)
    assert "(6 runs)" in rates_sentence(values)
    assert "β-VAE, 4 seeds after 1,000 steps: FactorVAE score from" in seeds_told(
        values
    )


def test_two_models_are_told_one_after_the_other_each_at_its_own_budgets(made):
    recipe = made("recipe", variants=CYCLES, levels=(10,), steps=(1000,))
    desk = made("desk", levels=(10,), steps=(500, 1000))
    beta, factor = (
        rate_values(recipe, desk, m, 10) for m in ("beta_vae", "factor_vae")
    )
    factor["step"] = 700
    said = rates_sentence(pd.concat([beta, factor]))
    first, second = said.split("FactorVAE after 700 steps one cycle")
    assert "images: β-VAE after 1,000 steps one cycle" in first
    assert first.count("The averaged weights' error") == 1 and "1,000" not in second


def test_without_runs_of_both_nothing_is_compared(made):
    recipe = made("recipe", variants=CYCLES, levels=(10,), steps=(700,))
    values = rate_values(recipe, made("desk", levels=(10,)), "beta_vae", 10)
    assert rates_sentence(values) == "No runs by both rates are in."
    assert "told by two of them" in seeds_told(values)
