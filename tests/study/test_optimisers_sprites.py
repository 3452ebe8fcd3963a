"""Runs on dSprites by different optimisers, at an equal objective and at equal steps."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from synthetic_study import synthetic

from disentlib.study import optimisers_sprites as page
from disentlib.study import plan
from disentlib.study.figures.optimisers import along_objective

RUN = {"model": "beta_vae", "D": 10}


def way(optimiser, seed, objectives, in_use):
    rows = pd.DataFrame({"objective": objectives, "in_use": in_use})
    return rows.assign(optimiser=optimiser, seed=seed, step=range(len(rows)), **RUN)


@pytest.fixture
def ways():
    """Adam comes to 140 with both seeds, Muon to 130, SGD to 150 with one of two."""
    parts = [
        way("Adam", 0, [500, 199, 160, 149, 139], [0, 10, 8, 7, 6]),
        way("Adam", 1, [500, 210, 155, 147, 140], [0, 10, 7, 6, 4]),
        way("Muon", 0, [500, 150, 138, 130, 160], [0, 10, 10, 9, 1]),
        way("Muon", 1, [500, 149, 136, 130, 120], [0, 10, 9, 10, 10]),
        way("SGD", 0, [500, 150, 149, 148], [0, 1, 1, 1]),
        way("SGD", 1, [500, 490, 480, 470], [0, 1, 1, 1]),
    ]
    return pd.concat(parts, ignore_index=True)


def test_dimensions_are_counted_where_the_objective_is_first_reached(ways):
    assert page.at_objective(ways, 140).to_dict() == {"Adam": 5.0, "Muon": 9.5}
    assert page.at_objective(ways, 130).to_dict() == {"Muon": 9.5}
    assert page.at_objective(ways, 500).to_dict() == dict.fromkeys(
        ("Adam", "Muon", "SGD"), 0.0
    )


def test_a_run_that_falls_past_a_level_is_not_of_it(ways):
    """Adam's second seed is at 210 and then at 155: at 200 nobody saw it."""
    assert page.at_objective(ways, 200).empty
    late = ways.assign(objective=ways["objective"].replace(155, 197))
    assert page.at_objective(late, 200).to_dict() == {"Adam": 8.5}


def test_a_level_is_shown_where_two_optimisers_come_there(ways):
    table = page.levels_table(ways)
    assert table["objective (nats)"].tolist() == ["150", "140"]
    assert table.iloc[-1].tolist() == [10, "140", "5.0", "9.5", "–"]
    found = page.SpriteRuns(ways, pd.DataFrame(), 3, "", {})
    words = "the objective first comes to 140 nats at D = 10: Adam 5.0 and Muon 9.5."
    assert page.equal_sentence(found) == f"Dimensions in use where {words}"


def test_no_level_and_no_line_mixes_two_D(ways):
    """Four dimensions in use are all at D = 4 and few at D = 10."""
    both = pd.concat([ways, ways.assign(D=4, in_use=ways["in_use"].clip(upper=4))])
    table = page.levels_table(both)
    assert table["D"].tolist() == [4, 4, 10, 10]
    assert table["Adam"].tolist() == ["4.0", "4.0", "6.5", "5.0"]
    found = page.SpriteRuns(both, pd.DataFrame(), 3, "", {})
    assert "140 nats at D = 4: Adam 4.0 and Muon 4.0; to 140" in page.equal_sentence(
        found
    )
    four, ten = along_objective(both).axes
    for axis, D in ((four, 4), (ten, 10)):
        assert axis.get_title() == f"D = {D}"
        lines = [line for line in axis.lines if len(line.get_xdata())]
        assert len(lines) == 6  # three optimisers of two seeds each
        for line in lines:
            x = np.asarray(line.get_xdata())
            assert len(x) <= 5 and x[0] >= 490 and max(line.get_ydata()) < D + 0.5


def test_the_sentence_is_of_the_D_with_the_most_runs(ways):
    row = {"optimiser": "Adam", "model": "β-VAE", "dimensions in use": "5.0"}
    row |= {"reconstruction error": "90.0", "FactorVAE score": "0.600"}
    counts = {4: 3, 10: 3, 15: 1}
    scores = pd.DataFrame([row | {"D": D, "runs": n} for D, n in counts.items()])
    sentence = page.sprites_sentence(page.SpriteRuns(ways, scores, 3, "", {}))
    assert "at D = 10, Adam" in sentence and "(3 runs)" in sentence


def test_at_the_largest_d_that_two_fill_their_scores_are_told():
    used = {("Adam", 4): "4.0", ("Adam", 10): "6.0", ("Adam", 2): "2.0"}
    used |= {("Muon", 4): "4.0", ("Muon", 10): "10.0", ("Muon", 2): "–"}
    rows = [
        {"optimiser": name, "model": "β-VAE", "D": D, "runs": 2}
        | {"dimensions in use": found, "FactorVAE score": f"0.{D}{len(name)}"}
        | {"DCI disentanglement": "0.1"}
        for (name, D), found in used.items()
    ]
    found = page.SpriteRuns(pd.DataFrame(), pd.DataFrame(rows), 3, "", {})
    told = "At D = 4 Adam and Muon use every dimension"
    assert page.full_sentence(found).startswith(told)
    assert "0.44 and 0.1 by Adam" in page.full_sentence(found)
    assert page.full_sentence(found).endswith("(2 runs each).")
    found.scores.loc[0, "runs"] = 3
    assert page.full_sentence(found).endswith("(3 and 2 runs).")
    none = pd.DataFrame([row for row in rows if row["optimiser"] == "Adam"])
    alone = page.SpriteRuns(pd.DataFrame(), none, 3, "", {})
    assert page.full_sentence(alone) == page.full_sentence(None)


def test_adams_runs_are_the_desk_studys_of_the_same_seeds(tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "STUDIES", tmp_path / "studies")
    made = {
        "desk": synthetic(tmp_path, name="desk", seeds=4, steps=[250, 1000]),
        "optimisers": synthetic(
            tmp_path, name="optimisers", levels=[10], variants={"muon": {"beta": 4.0}}
        ),
    }
    monkeypatch.setattr(page, "load_results", made.__getitem__)
    for name, variant, device in (("desk", "", "cuda"), ("optimisers", "muon", "cpu")):
        rows = {"variant": [variant], "device": [device], "precision": ["float32"]}
        pd.DataFrame(rows).to_csv(made[name].folder / "runs.csv", index=False)
    found = page.sprite_runs()
    assert found.where == {
        "Adam": "on a card in float32",
        "Muon": "on a CPU in float32",
    }
    assert found.step == 1000
    assert set(found.ways["seed"]) == {0, 1000, 2000} and set(found.ways["D"]) == {10}
    assert found.ways.groupby(["optimiser", "model", "seed"]).ngroups == 2 * 2 * 3
    assert found.scores["optimiser"].tolist() == ["Adam", "Adam", "Muon", "Muon"]
    assert set(found.scores["runs"]) == {3}
    sentence = page.sprites_sentence(found)
    assert "After 1,000 steps at D = 10, Adam has 5.0 dimensions" in sentence


def test_optimisers_are_compared_in_what_all_of_them_have(tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "STUDIES", tmp_path / "studies")
    variants = {"muon": {"beta": 4.0}, "sgd": {"beta": 4.0}}
    both = synthetic(tmp_path, name="optimisers", variants=variants, steps=[250, 1000])
    partly = ~(
        (both.table["variant"] == "muon")
        & ((both.table["D"] != 10) | (both.table["step"] > 250))
    )
    history = both.history[
        (both.history["variant"] != "muon") | (both.history["D"] == 10)
    ]
    made = {
        "desk": synthetic(tmp_path, name="desk", seeds=4, steps=[250, 1000]),
        "optimisers": replace(both, table=both.table[partly], history=history),
    }
    monkeypatch.setattr(page, "load_results", made.__getitem__)
    monkeypatch.setattr(page, "is_there", made.__contains__)
    found = page.sprite_runs()
    assert found.step == 250 and set(found.ways["D"]) == {10}
    assert set(found.ways["optimiser"]) == {"Adam", "Muon", "SGD"}


def test_optimisers_that_share_no_run_are_not_compared(tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "STUDIES", tmp_path / "studies")
    variants = {"muon": {"beta": 4.0}, "sgd": {"beta": 4.0}}
    both = synthetic(tmp_path, name="optimisers", variants=variants, steps=[250])
    apart = (both.table["variant"] == "muon") == (both.table["seed"] == 0)
    made = {
        "desk": synthetic(tmp_path, name="desk", steps=[250]),
        "optimisers": replace(both, table=both.table[apart]),
    }
    monkeypatch.setattr(page, "load_results", made.__getitem__)
    monkeypatch.setattr(page, "is_there", made.__contains__)
    assert page.sprite_runs() is None


def test_else_they_are_the_recipe_studys(tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "STUDIES", tmp_path / "studies")
    variants = {"plain": {}, "muon": {}, "batch_norm": {}}
    made = {
        "recipe": synthetic(tmp_path, name="recipe", levels=[10], variants=variants)
    }
    monkeypatch.setattr(page, "load_results", made.__getitem__)
    monkeypatch.setattr(page, "is_there", made.__contains__)
    found = page.sprite_runs()
    assert found.scores["optimiser"].tolist() == ["Adam", "Adam", "Muon", "Muon"]
    assert "`plain`" in page.sprites_sentence(found)


def test_without_runs_the_page_says_so(monkeypatch):
    monkeypatch.setattr(page, "is_there", lambda name: False)
    assert page.sprite_runs() is None
    assert "No runs on dSprites" in page.sprites_sentence(None)
    assert "No two optimisers" in page.equal_sentence(None)
    assert page.full_sentence(None) == "At no D do two optimisers use every dimension."
