"""Recipes that differ in one choice, found and compared run by run."""

import pytest
from synthetic_study import synthetic

from disentlib.study import plan, recipe_page
from disentlib.study.recipes import (
    changes_sentence,
    changes_table,
    in_words,
    means_table,
    single_changes,
    variants,
)

SLOW = {"schedule": "constant", "learning_rate": 1e-4, "batch_norm": False}
RECIPES = {
    "plain": SLOW,
    "batch_norm": SLOW | {"batch_norm": True},
    "muon": SLOW | {"optimizer": "muon"},
    "longer": SLOW | {"steps": 2000},
    "both": SLOW | {"batch_norm": True, "optimizer": "muon"},
}


def effect(measure, model, D):
    return -0.2 * (measure == "batch_norm/factor_vae_score")


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "STUDIES", tmp_path / "studies")
    made = {"variants": RECIPES, "levels": (10,), "pictures": False, "effect": effect}
    return lambda **options: synthetic(tmp_path, **made | options)


def test_pairs_of_one_choice_are_found(results):
    changes = list(single_changes(results()))
    pairs = {(c.choice, c.first, c.second) for c in changes}
    assert pairs == {
        ("batch norm", "plain", "batch_norm"),
        ("optimiser", "plain", "muon"),
        ("optimiser", "batch_norm", "both"),
        ("batch norm", "muon", "both"),
    }
    norm = next(c for c in changes if c.second == "batch_norm")
    change = norm.by_measure["factor_vae_score"]
    assert norm.pairs == 3 and change.low < -0.2 < change.high
    text = changes_sentence(changes)
    assert "FactorVAE score of β-VAE from plain to batch norm −0." in text
    assert not changes_table(changes).isna().any().any()


def test_one_seed_has_differences_without_intervals(results):
    changes = list(single_changes(results(seeds=1)))
    assert "no interval" in changes_sentence(changes)
    assert "nan" not in changes_table(changes).to_string() and len(changes) == 8


def test_the_page_says_what_is_there(results):
    made = results(missing=[("factor_vae", 10, 0)])
    changes = list(single_changes(made))
    values = recipe_page.page_values(made, changes)
    assert values["absent"] == "All have runs."
    assert values["runs"] == "25 of 30 runs"
    assert all(text and "nan" not in text for text in values.values())
    scores = recipe_page.norm_scores(changes)
    assert scores["beta_vae"] == pytest.approx(0.2, abs=0.1)
    assert len(means_table(made)) == 10


FALLS = {"weight_start": 4.0, "weight_steps": 500}
WAYS = {"averaged": SLOW, "falling": SLOW | FALLS, "other": SLOW | {"beta": 2.0}}


def test_the_way_to_the_weight_is_told_by_pairs(results):
    def planted(measure, model, D):
        return -0.3 * (measure == "falling/factor_vae_score")

    made = results(variants=WAYS, effect=planted)
    table = recipe_page.to_weight_table(made)
    assert set(table["recipe"]) == {"averaged", "falling"}
    assert set(table["steps"]) == {"1,000"} and len(table) == 4
    said = recipe_page.to_weight_sentence(list(single_changes(made)))
    start = "Differences from the runs whose weight stays: falling (β-VAE, 1,000 "
    start += "steps, 3 pairs): "
    assert said.startswith(start) and "other" not in said
    assert "FactorVAE score −0.3" in said or "FactorVAE score −0.2" in said
    alone = results(variants=WAYS, seeds=1)
    said = recipe_page.to_weight_sentence(list(single_changes(alone)))
    assert "1 pair): reconstruction error" in said and "[" not in said


def test_where_no_weight_moves_the_page_says_so(results):
    made = results()
    assert recipe_page.to_weight_table(made).empty
    said = recipe_page.to_weight_sentence(list(single_changes(made)))
    assert said.startswith("No pair of runs is in yet, one whose weight moves")
    alone = results(variants={"averaged": SLOW})
    assert recipe_page.to_weight_table(alone).empty


def test_a_recipe_in_words(results):
    falling = variants(results(variants=WAYS))["falling"]
    assert "weight from 4 times its value over 500 steps" in in_words(falling)
    configs = variants(results())
    assert list(configs) == list(RECIPES)
    assert in_words(configs["both"]) == "constant 0.0001, Muon, batch norm, 1,000 steps"
