"""Runs on dSprites by different optimisers, at an equal objective and at equal steps."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from synthetic_study import synthetic

from disentlib.study import optimisers_sprites as page
from disentlib.study import optimisers_words as words
from disentlib.study import plan
from disentlib.study.figures.optimisers import along_objective, told_and_measured

RUN = {"model": "beta_vae", "D": 10}


def way(optimiser, seed, objectives, in_use):
    rows = pd.DataFrame({"objective": objectives, "in_use": in_use})
    return rows.assign(optimiser=optimiser, seed=seed, step=range(len(rows)), **RUN)


def means_at(ways, level):
    rows = page.at_objective(ways, level)
    return {name: (row["in_use"], row["step"]) for name, row in rows.iterrows()}


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
    assert means_at(ways, 140) == {"Adam": (5.0, 4.0), "Muon": (9.5, 2.0)}
    assert means_at(ways, 130) == {"Muon": (9.5, 3.0)}
    assert means_at(ways, 500) == dict.fromkeys(("Adam", "Muon", "SGD"), (0.0, 0.0))


def test_a_run_that_falls_past_a_level_is_not_of_it(ways):
    """Adam's second seed is at 210 and then at 155: at 200 nobody saw it."""
    assert page.at_objective(ways, 200).empty
    late = ways.assign(objective=ways["objective"].replace(155, 197))
    assert means_at(late, 200) == {"Adam": (8.5, 1.5)}


def test_a_level_is_shown_where_two_optimisers_come_there(ways):
    ways = ways.assign(step=1000 * ways["step"])
    table = page.levels_table(ways)
    assert table["objective (nats)"].tolist() == ["150", "140"]
    assert table.iloc[-1].tolist() == [10, "140", "5.0 (4,000)", "9.5 (2,000)", "–"]
    told = "the objective first comes to 140 nats at D = 10: Adam 5.0 and Muon 9.5."
    found = page.SpriteRuns(ways, pd.DataFrame(), 3, {})
    assert words.equal_sentence(found) == f"Dimensions in use where {told}"


def test_no_level_and_no_line_mixes_two_D(ways):
    """Four dimensions in use are all at D = 4 and few at D = 10."""
    both = pd.concat([ways, ways.assign(D=4, in_use=ways["in_use"].clip(upper=4))])
    table = page.levels_table(both)
    assert table["D"].tolist() == [4, 4, 10, 10]
    used = [cell.partition(" ")[0] for cell in table["Adam"]]
    assert used == ["4.0", "4.0", "6.5", "5.0"]
    found = page.SpriteRuns(both, pd.DataFrame(), 3, {})
    told = words.equal_sentence(found)
    assert "140 nats at D = 4: Adam 4.0 and Muon 4.0; to 140" in told
    four, ten = along_objective(both).axes
    for axis, D in ((four, 4), (ten, 10)):
        assert axis.get_title() == f"D = {D}"
        lines = [line for line in axis.lines if len(line.get_xdata())]
        assert len(lines) == 6  # three optimisers of two seeds each
        for line in lines:
            x = np.asarray(line.get_xdata())
            assert len(x) <= 5 and x[0] >= 490 and max(line.get_ydata()) < D + 0.5


def scores(cells):
    """A row for each (optimiser, D, step), with as many dimensions in use."""
    rows = [
        {"optimiser": name, "model": "β-VAE", "D": D, "step": step, "runs": 2}
        | {"steps": f"{step:,d}", "dimensions in use": used, "error (nats)": "90.0"}
        | {"FactorVAE score": f"0.{D}{len(name)}", "DCI disentanglement": "0.1"}
        for (name, D, step), used in cells.items()
    ]
    return pd.DataFrame(rows)


def test_scores_are_told_where_all_came_and_where_two_went_furthest(ways):
    cells = {(name, D, 250): "4.0" for name in ("Adam", "Muon", "SGD") for D in (4, 10)}
    cells |= {("Adam", 4, 500): "4.0", ("SGD", 4, 500): "3.0", ("Muon", 10, 500): "9.0"}
    found = page.SpriteRuns(ways, scores(cells), 250, {})
    told = words.sprites_sentence(found)
    assert told.count("After") == 2
    assert "After 250 steps at D = 10 (2 runs each), Adam has 4.0 dimensions" in told
    assert "After 500 steps at D = 4 (2 runs each), Adam has 4.0 dimensions" in told
    table = page.scores_table(found)
    at = list(table[["optimiser", "D", "steps"]].itertuples(index=False, name=None))
    every = [(name, 4, "250") for name in ("Adam", "Muon", "SGD")]
    every += [("Adam", 4, "500"), ("SGD", 4, "500")]
    assert at == every + [(name, 10, "250") for name in ("Adam", "Muon", "SGD")]


def test_at_the_largest_d_that_two_fill_their_scores_are_told(ways):
    used = {("Adam", 4): "4.0", ("Adam", 10): "6.0", ("Adam", 2): "2.0"}
    used |= {("Muon", 4): "4.0", ("Muon", 10): "10.0", ("Muon", 2): "–"}
    cells = {(*key, 250): count for key, count in used.items()}
    cells |= {("Adam", 10, 500): "10.0", ("Muon", 10, 500): "10.0"}
    told = words.full_sentence(page.SpriteRuns(ways, scores(cells), 250, {}))
    assert told.startswith("At D = 4 Adam and Muon use every dimension after 250 steps")
    assert "0.44 and 0.1 by Adam" in told and told.endswith("(2 runs each).")
    alone = scores({key: n for key, n in cells.items() if key[0] == "Adam"})
    found = page.SpriteRuns(ways, alone, 250, {})
    assert words.full_sentence(found).startswith("At no D do two optimisers")


def test_nats_are_of_one_seed_at_the_largest_d_as_far_as_all_came(ways):
    short = ways[(ways["optimiser"] != "SGD") | (ways["step"] < 2)].assign(kl_0=1.0)
    both = pd.concat([short, short.assign(D=4)])
    found = page.SpriteRuns(both, pd.DataFrame(), 3, {})
    runs = page.nats_of_each(found)
    assert set(runs) == {"Adam", "Muon", "SGD"}
    for run in runs.values():
        assert run["step"].tolist() == [0, 1]
        assert set(run["D"]) == {10} and set(run["seed"]) == {0}
    told = "each panel (D = 10, seed 0): Adam 10, Muon 10 and SGD 1."
    assert words.nats_sentence(found) == f"Dimensions in use at the right of {told}"


def test_adams_runs_are_the_desk_studys_of_the_same_seeds(tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "STUDIES", tmp_path / "studies")
    made = {
        "desk": synthetic(tmp_path, name="desk", seeds=4, steps=[250, 1000]),
        "optimisers": synthetic(
            tmp_path, name="optimisers", levels=[10], variants={"muon": {"beta": 4.0}}
        ),
    }
    monkeypatch.setattr(page, "load_results", made.__getitem__)
    monkeypatch.setattr(page, "is_there", made.__contains__)
    for name, variant, device in (("desk", "", "cuda"), ("optimisers", "muon", "cpu")):
        rows = {"variant": [variant], "device": [device], "precision": ["float32"]}
        pd.DataFrame(rows).to_csv(made[name].folder / "runs.csv", index=False)
    found = page.sprite_runs()
    assert found.where == {
        "Adam": "on a card in float32",
        "Muon": "on a CPU in float32",
    }
    assert found.common == 1000
    assert set(found.ways["seed"]) == {0, 1000, 2000} and set(found.ways["D"]) == {10}
    assert found.ways.groupby(["optimiser", "model", "seed"]).ngroups == 2 * 2 * 3
    rows = found.scores[found.scores["step"] == 1000]
    assert rows["optimiser"].tolist() == ["Adam", "Adam", "Muon", "Muon"]
    assert set(rows["runs"]) == {3}
    sentence = words.sprites_sentence(found)
    assert "After 1,000 steps at D = 10 (3 runs each), Adam has 5.0" in sentence


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
    assert found.common == 250 and set(found.ways["D"]) == {10}
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


@pytest.mark.parametrize("seeds", [2, 3])
def test_batch_norm_stands_beside_them_where_it_has_their_runs(
    seeds, tmp_path, monkeypatch
):
    monkeypatch.setattr(plan, "STUDIES", tmp_path / "studies")
    norms = {"hidden": {"batch_norm": True}, "means": {"mean_norm": True}}
    made = {
        "desk": synthetic(tmp_path, name="desk", steps=[250]),
        "optimisers": synthetic(
            tmp_path, name="optimisers", variants={"muon": {}}, steps=[250]
        ),
        "batch_norm": synthetic(
            tmp_path, name="batch_norm", variants=norms, steps=[250], seeds=seeds
        ),
    }
    monkeypatch.setattr(page, "load_results", made.__getitem__)
    monkeypatch.setattr(page, "is_there", made.__contains__)
    found = page.sprite_runs()
    beside = {"Adam with batch norm"} if seeds == 3 else set()
    assert set(found.ways["optimiser"]) == {"Adam", "Muon"} | beside
    assert set(found.scores["optimiser"]) == {"Adam", "Muon"} | beside


def test_without_runs_the_page_says_so(monkeypatch):
    monkeypatch.setattr(page, "is_there", lambda name: False)
    assert page.sprite_runs() is None
    told = words.page_values(None)
    assert "No runs on dSprites" in told["sprites"]
    assert "No two optimisers" in told["sprites_equal"]
    assert told["sprites_full"] == "There are no runs to tell."


@pytest.mark.parametrize(
    ("told", "measured", "want"),
    [
        (
            [100, 10, 0.001],
            [110, 9, -0.003],
            "0.90 to 1.10 times what the posterior tells where that is 10.0 to 100.0 "
            "(2 dimensions; standard errors 0.01 to 0.10), and at most 0.01 by both in t",
        ),
        ([20], [10], "0.50 times what the posterior tells where that is 20.0 (1 dim"),
        ([20], [-10], "−0.50 times what the posterior tells"),
        ([0.1], [0.2], "at most 0.20 by both in the others (1 dimension)."),
    ],
)
def test_curvatures_are_told_by_their_ratios_where_they_are_not_flat(
    told, measured, want
):
    told, measured = np.array(told), np.array(measured)
    said = words.curvature_sentence(told, measured, np.ones(len(told)))
    assert said.startswith(f"The measured curvature is {want}")


def test_curvatures_are_marks_about_the_line():
    fig = told_and_measured(np.array([100.0, 0.0]), np.array([110.0, -1.0]))
    (axis,) = fig.axes
    line, marks = axis.get_lines()
    assert (line.get_xdata() == line.get_ydata()).all()
    assert marks.get_xydata().tolist() == [[100, 110], [0.01, 0.01]]
