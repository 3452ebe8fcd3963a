"""From finished runs to one table, and back: with runs made by hand."""

import io
import json
import shutil
from dataclasses import asdict, replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from disentlib.models.networks import VAE
from disentlib.scoring.decoded import take_pictures
from disentlib.scoring.pictures import (
    COLUMNS,
    Pictures,
    load_pictures,
    save_pictures,
)
from disentlib.sprites.grid import GRID
from disentlib.sprites.table import load_sprites
from disentlib.study import collecting, figures
from disentlib.study import plan as study
from disentlib.study import results as study_results
from disentlib.study.collecting import collect, run_history
from disentlib.study.results import load_results

STUDY = """
title: By hand
grid: {model: [beta_vae, factor_vae], D: [2, 3], seed: [0, 7]}
training: {steps: 5}
"""


def finish(folder, config, score):
    """Write into `folder` what a trained and scored run leaves there."""
    folder.mkdir(parents=True)
    result = {"step": 5, "seconds": 2.0, "joules": 20.0, "energy_source": "estimate"}
    result["provenance"] = {"commit": "abc", "device": "a card"}
    (folder / "result.json").write_text(json.dumps(result))
    scores = [
        (5, "sampled", "factor_vae_score", score, 0.25),
        (5, "mean", "factor_vae_score", 0.9, None),
        (5, "", "kl", 3.0, None),
        (5, "", "held_out_reconstruction", 100.0 + config.D, None),
    ]
    if config.model == "factor_vae":
        scores.append((5, "", "held_out_total_correlation", 0.5, None))
    pd.DataFrame(
        scores, columns=["step", "codes", "measure", "value", "spread"]
    ).to_csv(folder / "scores.csv", index=False)
    history = pd.DataFrame(
        {"step": np.arange(1, 201), "seconds": np.arange(200) / 10.0}
    )
    for name in ("epoch", "reconstruction", "kl", "total", "active"):
        history[name] = 1000.0 / history["step"]
    for d in range(config.D):
        history[f"kl_{d}"] = 1.0 / (d + 1)
    for name in ("total_correlation", "discriminator_accuracy"):
        history[name] = 0.5 if config.model == "factor_vae" else np.nan
    history.to_csv(folder / "history.csv", index=False)
    tiles = np.zeros((config.D, COLUMNS, 64, 64), np.uint8)
    ten = np.zeros((10, 64, 64), np.uint8)
    importances = np.full((config.D, 5), 1 / config.D, np.float32)
    save_pictures(folder / "pictures.npz", Pictures(ten, ten, tiles, importances))


@pytest.fixture
def made(tmp_path, monkeypatch):
    monkeypatch.setattr(study, "STUDIES", tmp_path)
    monkeypatch.setattr(study, "RUNS", tmp_path / "runs")
    (tmp_path / "hand.yml").write_text(STUDY)
    hand = study.load_study("hand")
    for i, run in enumerate(hand.runs):
        finish(hand.folder(run), run.config, i / 10)
    return hand, tmp_path / "results"


def test_one_tidy_table(made):
    hand, there = made
    collect(hand, folder=there / "hand")
    loaded = load_results("hand", there)
    assert loaded.runs_there == 8
    assert list(loaded.table.columns) == study_results.COLUMNS
    assert loaded.table["spread"].dropna().tolist() == [0.25] * 8
    assert not loaded.table.duplicated(
        ["model", "D", "seed", "step", "codes", "measure"]
    ).any()
    one = loaded.values("factor_vae_score", "sampled", model="factor_vae", D=3, seed=7)
    assert one["value"].tolist() == [pytest.approx(0.7)]
    assert set(loaded.values("held_out_total_correlation")["model"]) == {"factor_vae"}
    assert (
        loaded.values("held_out_reconstruction", D=3)["value"].tolist() == [103.0] * 4
    )
    assert (
        loaded.history.groupby(["model", "D", "seed"]).size().tolist()
        == [collecting.CURVES] * 8
    )
    assert loaded.history.query("D == 2")["kl_2"].isna().all()
    assert (loaded.history.query("D == 3")["kl_2"] == 0.3333).all()
    assert loaded.pictures("beta_vae", 3).traversals.shape == (3, COLUMNS, 64, 64)
    assert len(list((there / "hand" / "pictures").iterdir())) == 4


def test_a_run_is_a_row_with_settings_cost_and_machine(made):
    hand, there = made
    collect(hand, folder=there / "hand")
    runs = pd.read_csv(there / "hand" / "runs.csv")
    assert len(runs) == 8 and not runs.duplicated(["model", "D", "seed"]).any()
    row = runs.iloc[0]
    assert (row["steps"], row["seconds"], row["joules"]) == (5, 2.0, 20.0)
    assert (row["commit"], row["device_name"]) == ("abc", "a card")


def test_settings_of_a_row_are_those_that_the_run_had(made):
    hand, _ = made
    run = hand.runs[0]
    asked = replace(run.config, steps=9, snapshots=(2, 7))
    path = hand.folder(run) / "result.json"
    had = run.config.to_dict() | {"steps": 5, "snapshots": [2]}
    path.write_text(json.dumps(json.loads(path.read_text()) | {"config": had}))
    run = replace(run, config=asked)
    row = collecting.run_row(run, hand.folder(run)).iloc[0]
    assert (row["steps"], row["snapshots"]) == (5, "2") and "together" not in row
    path.write_text(json.dumps(json.loads(path.read_text()) | {"together": 10}))
    assert collecting.run_row(run, hand.folder(run)).iloc[0]["together"] == 10


def test_tables_of_before_there_were_spreads_are_read():
    for name in ("desk", "recipe"):
        table = load_results(name).table
        assert list(table.columns) == [*study_results.COLUMNS] and len(table) > 100
        assert np.isfinite(table["value"]).all()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("0.9", "high", r"scores\.csv: value 'high' is no number"),
        ("0.25", "wide", r"scores\.csv: spread 'wide' is no number"),
        (",value", ",worth", r"scores\.csv: no column value; make it again"),
    ],
)
def test_text_is_no_number_and_a_column_has_its_name(made, old, new, message):
    hand, there = made
    path = hand.folder(hand.runs[0]) / "scores.csv"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(ValueError, match=message):
        collect(hand, folder=there / "hand")


def test_files_that_are_no_tables_are_named(made):
    hand, there = made
    history = hand.folder(hand.runs[0]) / "history.csv"
    history.write_text("")
    with pytest.raises(ValueError, match=r"history\.csv: no table .*make it again"):
        collect(hand, folder=there / "hand")


def test_a_damaged_run_changes_none_of_the_tables(made):
    """They are read together."""
    hand, there = made
    collect(hand, folder=there / "hand")
    before = {path: path.read_bytes() for path in (there / "hand").glob("*.csv")}
    folder = hand.folder(hand.runs[0])
    for name, old, new in (("history", "1000.0", "2000.0"), ("scores", "0.9", "high")):
        path = folder / f"{name}.csv"
        path.write_text(path.read_text().replace(old, new))
    with pytest.raises(ValueError, match="value 'high' is no number"):
        collect(hand, folder=there / "hand")
    assert {path: path.read_bytes() for path in before} == before and len(before) == 3


def test_a_collecting_that_ends_early_costs_no_picture(made, monkeypatch):
    hand, there = made
    collect(hand, folder=there / "hand")
    before = sorted((there / "hand" / "pictures").iterdir())
    (there / "hand" / "pictures" / "old-D3.npz").touch()

    def ends(*_):
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(collecting.shutil, "copyfile", ends)
        with pytest.raises(OSError, match="No space"):
            collect(hand, folder=there / "hand")
    assert set(before) < set((there / "hand" / "pictures").iterdir())
    collect(hand, folder=there / "hand")
    assert sorted((there / "hand" / "pictures").iterdir()) == before


def test_a_run_of_other_settings_is_not_collected(made):
    hand, there = made
    first, second = hand.runs[:2]
    config = second.config.to_dict()
    (hand.folder(first) / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match="is of another configuration"):
        collect(hand, folder=there / "hand")


def test_pictures_of_the_run_that_comes_nearest(made):
    hand, there = made
    collect(hand, folder=there / "hand")
    loaded = load_results("hand", there)
    run, pictures = loaded.first_pictures("factor_vae", 10)
    assert (run.config.model, run.config.D) == ("factor_vae", 3)
    assert len(pictures.traversals) == 3
    for path in (there / "hand" / "pictures").iterdir():
        path.unlink()
    assert loaded.first_pictures("factor_vae", 10) is None


def test_scores_of_an_earlier_model_are_not_collected(made):
    hand, there = made
    place = hand.folder(hand.runs[0]) / "scored.json"
    place.write_text('{"digest": "another"}')
    with pytest.raises(ValueError, match="of an earlier model; score this run again"):
        collect(hand, folder=there / "hand")
    place.write_text('{"digest": null}')  # these results have none
    collect(hand, folder=there / "hand")


def test_thinning_keeps_means_and_short_histories(made):
    hand, _ = made
    folder = hand.folder(hand.runs[0])
    full, thin = pd.read_csv(folder / "history.csv"), run_history(hand.runs[0], folder)
    assert thin["kl"].mean() == pytest.approx(full["kl"].mean(), rel=1e-3)
    full.head(7).to_csv(folder / "history.csv", index=False)
    assert run_history(hand.runs[0], folder)["step"].tolist() == list(range(1, 8))


def test_unfinished_runs_stop_the_collecting_unless_asked(made):
    hand, there = made
    (hand.folder(hand.runs[3]) / "scores.csv").unlink()
    with pytest.raises(FileNotFoundError, match=r"scores\.csv is not there"):
        collect(hand, folder=there / "hand")
    assert not (there / "hand" / "table.csv").exists()
    collect(hand, unfinished=True, folder=there / "hand")
    assert load_results("hand", there).runs_there == 7


def test_runs_that_are_elsewhere_stay_in_the_tables(made):
    """A second machine that has some of the runs takes nothing from the results."""
    hand, there = made
    collect(hand, folder=there / "hand")
    files = sorted(path for path in (there / "hand").rglob("*") if path.is_file())
    before = {path: path.read_bytes() for path in files}
    for run in (*hand.runs[:3], hand.runs[7]):
        shutil.rmtree(hand.folder(run))
    collect(hand, unfinished=True, folder=there / "hand")
    assert {path: path.read_bytes() for path in files} == before
    (there / "hand" / "runs.csv").unlink()  # as of a study that was collected without
    collect(hand, unfinished=True, folder=there / "hand")
    runs = there / "hand" / "runs.csv"
    runs.write_bytes(before[runs])  # and of one that was before a setting
    pd.read_csv(runs).drop(columns="warmup").to_csv(runs, index=False)
    collect(hand, unfinished=True, folder=there / "hand")
    assert (pd.read_csv(runs)["warmup"] == 0).all()
    runs.write_bytes(before[runs])
    assert {path: path.read_bytes() for path in files} == before
    scores = hand.folder(hand.runs[4]) / "scores.csv"
    scores.write_text(scores.read_text().replace("0.4,", "0.45,", 1))
    collect(hand, unfinished=True, folder=there / "hand")
    old, new = (
        pd.read_csv(io.BytesIO(text))
        for text in (
            before[there / "hand" / "table.csv"],
            (there / "hand" / "table.csv").read_bytes(),
        )
    )
    assert (old["value"] != new["value"]).sum() == 1 and old.shape == new.shape


def test_a_run_that_is_not_scored_anew_yet_stays_as_it_was(made):
    hand, there = made
    collect(hand, folder=there / "hand")
    before = (there / "hand" / "table.csv").read_bytes()
    folder = hand.folder(hand.runs[0])
    how = {"digest": "of an earlier model"}
    (folder / "scored.json").write_text(json.dumps(how))
    with pytest.raises(ValueError, match="of an earlier model; score this run again"):
        collect(hand, folder=there / "hand")
    collect(hand, unfinished=True, folder=there / "hand")
    assert (there / "hand" / "table.csv").read_bytes() == before


def test_scores_of_other_sizes_are_not_collected(made):
    hand, there = made
    place = hand.folder(hand.runs[0]) / "scored.json"
    how = {"digest": None, "scoring": asdict(replace(hand.scoring, train=350))}
    place.write_text(json.dumps(how))
    with pytest.raises(ValueError, match="not scored as study hand says"):
        collect(hand, folder=there / "hand")
    assert not (there / "hand" / "table.csv").exists()


def test_missing_results_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="make study STUDY=quick"):
        load_results("quick", tmp_path)


def test_the_shown_study_is_the_fullest_or_the_chosen(made, monkeypatch):
    hand, there = made
    collect(hand, folder=there / "desk")
    monkeypatch.delenv("STUDY", raising=False)
    assert study_results.first_there(there) == "desk"
    collect(hand, folder=there / "hand")
    monkeypatch.setenv("STUDY", "hand")
    assert load_results(folder=there).study.name == "hand"


@pytest.mark.parametrize("D", [1, 4])
def test_the_middle_of_a_traversal_is_the_reconstruction(tmp_path, D):
    shown = take_pictures(VAE(D).eval(), load_sprites(), np.eye(D, 5))
    assert shown.traversals.shape == (D, COLUMNS, 64, 64)
    for row in shown.traversals:
        # Batches of other sizes round differently: one grey level of 255.
        assert (
            np.abs(row[COLUMNS // 2].astype(int) - shown.reconstructions[0]).max() <= 1
        )
    assert len(shown.originals) == 10 and set(np.unique(shown.originals)) == {0, 255}
    save_pictures(tmp_path / "p.npz", shown)
    assert (load_pictures(tmp_path / "p.npz").traversals == shown.traversals).all()


def test_figures_serve_any_D_and_any_number_of_seeds(made, tmp_path):
    hand, there = made
    collect(hand, folder=there / "hand")
    loaded = load_results("hand", there)
    shown = {f"D = {D}": loaded.pictures("beta_vae", D) for D in (2, 3)}
    drawn = {
        "losses": figures.loss_curves(loaded.history),
        "one": figures.loss_curves(loaded.history.query("seed == 0 and D == 2")),
        "scores": figures.scores_against(
            loaded.table[loaded.table.codes == "sampled"], ["factor_vae_score"]
        ),
        "traversals": figures.traversals("D = 2", shown["D = 2"].traversals),
        "pairs": figures.reconstructions(
            {k: (v.originals, v.reconstructions) for k, v in shown.items()}
        ),
        "hinton": figures.hinton(
            {k: v.importances for k, v in shown.items()}, GRID.names
        ),
    }
    for name, figure in drawn.items():
        figure.savefig(tmp_path / f"{name}.png")
        assert (tmp_path / f"{name}.png").stat().st_size > 3000
    plt.close("all")


def test_a_hinton_square_has_the_area_of_its_importance():
    matrix = np.array([[0.25, 0.0], [0.75, 1.0]])
    figure = figures.hinton({"": matrix}, ["a", "b"])
    sides = {(round(p.get_x() + p.get_width() / 2), round(p.get_y() + p.get_height() / 2)): p
             for p in figure.axes[0].patches}  # fmt: skip
    for (d, k), value in np.ndenumerate(matrix):
        area = sides[d, k].get_width() * sides[d, k].get_height()
        assert area == pytest.approx(0.96**2 * value)
    plt.close("all")
