"""From a trained run's folder to its table of scores."""

import dataclasses
import json
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from small_runs import config, run

from disentlib import metrics, scoring
from disentlib.files import write_json
from disentlib.metrics import designs, sampling
from disentlib.metrics.rotations import rotated_within
from disentlib.scoring import kept
from disentlib.scoring import run as scoring_run
from disentlib.scoring.kept import weights_of
from disentlib.scoring.pictures import load_pictures
from disentlib.scoring.run import score_codes, score_run
from disentlib.scoring.table import COLUMNS, keep_scores
from disentlib.sprites import FactorGrid, Sprites
from disentlib.study.marks import is_scored
from disentlib.training.checkpoints import load_tensors
from disentlib.training.folder import RunFolder, locked

SIZES = scoring.Scoring(
    train=60, test=30, batch_size=4, n_estimators=1, score_seed=5, score_seeds=2
)

GRID = FactorGrid(("a", "b", "c"), (4, 5, 6))
ZEROS = np.zeros((GRID.size, 2), np.float32)


@pytest.fixture(scope="module")
def trained(small, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    run(config(D=2, snapshots=(3, 7)), small, folder)
    return folder


@pytest.fixture(scope="module")
def table(small, trained):
    return score_run(trained, SIZES, small, n_jobs=1)


def test_a_row_for_each_snapshot_kind_of_codes_and_measure(table, trained):
    assert list(table.columns) == COLUMNS
    assert not table.duplicated(["step", "codes", "measure"]).any()
    assert table["step"].unique().tolist() == [3, 7]
    measures = table.groupby(["step", "codes"])["measure"].agg(list)
    assert measures[7, "sampled"] == measures[7, "mean"] == measures[3, "mean"]
    assert len(measures[7, "mean"]) == len(metrics.SCORES) + 2
    assert {"kl", "held_out_kl", "kl_1", "dimensions_in_use"} <= {*measures[3, ""]}
    scored = table[table["codes"] != ""]
    assert np.isfinite(scored[["value", "spread"]]).all().all()
    kept = pd.read_csv(trained / "scores.csv", keep_default_na=False)
    assert kept["measure"].tolist() == table["measure"].tolist()
    shown = load_pictures(trained / "pictures.npz")
    assert shown.traversals.shape[0] == len(shown.words) == 2
    read = table.set_index(["step", "measure"])["value"]
    assert (3, "traversal_purity") not in read.index
    assert read[7, "traversal_distance"] == pytest.approx(shown.distances.mean())


def test_held_out_losses_are_those_of_the_snapshot(table, trained):
    values = table.set_index(["step", "codes", "measure"])["value"]
    for step, name in ((3, "model-3"), (7, "model")):
        said = load_tensors(trained / f"{name}.safetensors")[1]["held_out"]
        assert values[step, "", "held_out_elbo"] == said["elbo"]
        assert values[step, "", "kl_0"] == said["kl_per_dimension"][0]
        assert values[step, "", "active_dimensions"] == said["active"]
    assert (3, "", "held_out_total_correlation") not in values.index


def test_value_and_spread_are_over_the_score_seeds(table, trained, small):
    rows = scoring.planned_rows(small.grid, SIZES)
    vae = scoring_run.load_model(trained)
    posterior = scoring.encode(vae, small, rows)
    single = [
        score_codes(
            posterior,
            small.grid,
            dataclasses.replace(SIZES, score_seed=s, score_seeds=1),
        ).table
        for s in SIZES.seeds
    ]
    assert single[0]["spread"].isna().all()
    values = np.stack([one["value"] for one in single])
    both = score_codes(posterior, small.grid, SIZES).table
    assert both["value"].to_numpy() == pytest.approx(values.mean(axis=0))
    assert both["spread"].to_numpy() == pytest.approx(values.std(axis=0, ddof=1))
    last = table[(table["step"] == 7) & table["measure"].isin(both["measure"])]
    assert last["value"].to_numpy() == pytest.approx(both["value"].to_numpy())


def test_excess_over_rotations(small):
    grid = small.grid
    mean = np.column_stack([designs.identity(grid), designs.noise(grid, 1)])
    posterior = scoring.Posterior(
        (mean * [1, 1, 1, 1, 1, 0]).astype(np.float32),
        np.tile(np.float32([-4] * 5 + [0]), (grid.size, 1)),
    )
    sizes = dataclasses.replace(SIZES, train=200, test=100, score_seeds=1, rotations=2)
    scored = score_codes(posterior, grid, sizes, run=3)
    table = scored.table.set_index(["codes", "measure"])["value"]
    own = metrics.dci(posterior.mean, grid, 5, train=200, test=100, n_estimators=1)
    turned = [
        metrics.dci(
            rotated_within(posterior.mean, 5, r, np.arange(6) < 5, 3),
            grid,
            5,
            train=200,
            test=100,
            n_estimators=1,
        ).disentanglement
        for r in range(2)
    ]
    assert table["mean", "dci_disentanglement"] == own.disentanglement
    over = own.disentanglement - np.mean(turned)
    assert table["mean", "dci_disentanglement_excess"] == pytest.approx(over)
    assert over > 0.3
    assert scored.importances.shape == (6, 5)


def test_each_run_has_rotations_of_its_own(tmp_path, small, monkeypatch):
    run(config(D=2, seed=3, steps=1), small, tmp_path)
    monkeypatch.setattr(
        "disentlib.scoring.run.which_in_use", lambda *_: np.ones(2, bool)
    )
    sizes = dataclasses.replace(SIZES, score_seeds=1, rotations=1)
    table = score_run(tmp_path, sizes, small, n_jobs=1)
    rows = scoring.planned_rows(small.grid, sizes)
    posterior = scoring.encode(scoring_run.load_model(tmp_path), small, rows)
    own, other = (
        score_codes(posterior, small.grid, sizes, run=s).table for s in (3, 0)
    )
    table = table[: len(own)]
    assert table["value"].tolist() == own["value"].tolist()
    differ = own["value"] != other["value"]
    assert differ.any() and own["measure"][differ].str.endswith("_excess").all()


def test_one_process_scores_a_run_at_a_time(trained, small, table):
    before = (trained / "scores.csv").read_bytes()
    with (
        locked(trained),
        pytest.raises(RuntimeError, match="is at work here; wait for it or stop it"),
    ):
        score_run(trained, dataclasses.replace(SIZES, train=50), small)
    assert (trained / "scores.csv").read_bytes() == before


def test_other_factors_are_scored_but_not_read(tmp_path):
    packed = np.random.default_rng(0).integers(0, 256, (60, 512), np.uint8)
    other = Sprites(torch.from_numpy(packed), FactorGrid(("a", "b"), (6, 10)))
    run(config(steps=1, D=2), other, tmp_path)
    table = score_run(tmp_path, SIZES, other, n_jobs=1)
    assert "dci_disentanglement" in set(table["measure"])
    assert "traversal_purity" not in set(table["measure"])
    assert load_pictures(tmp_path / "pictures.npz").words is None


def test_a_run_that_is_not_trained_is_named(tmp_path, small):
    with pytest.raises(FileNotFoundError, match=r"model\.safetensors is not there"):
        score_run(tmp_path, SIZES, small)


def test_what_is_no_table_of_sprites_is_named(trained):
    with pytest.raises(ValueError, match=r"^sprites='x' must be a Sprites$"):
        score_run(trained, SIZES, "x")


@pytest.mark.parametrize(
    ("mean", "logvar", "message"),
    [
        ([[1]], [[2]], r"^posterior.mean=\[\[1\]\] must be a ndarray$"),
        (ZEROS, None, "^posterior.logvar=None must be a ndarray$"),
        (ZEROS[0], ZEROS[0], r"^posterior.mean of shape \(2,\) must be \(n, D\)$"),
        (ZEROS[1:], ZEROS[1:], r"^codes of shape \(119, 2\) do not match the grid's"),
        (ZEROS, ZEROS[:, :1], r"^mean \(120, 2\) and logvar \(120, 1\) must have one"),
        (ZEROS.astype(str), ZEROS, "^codes are <U32; give real numbers"),
        (ZEROS, ZEROS.astype(str), "^logvar are <U32; give real numbers"),
    ],
)
def test_a_posterior_that_is_no_tables_of_the_grid_is_named(mean, logvar, message):
    with pytest.raises(ValueError, match=message):
        score_codes(scoring.Posterior(mean, logvar), GRID, SIZES)


def test_a_row_that_was_not_encoded_is_that_of_the_grid():
    row = sampling.training_rows(GRID, SIZES.score_seed, SIZES.train)[7]
    mean = np.where(np.arange(GRID.size)[:, None] == row, np.nan, ZEROS)
    with pytest.raises(
        ValueError, match=rf"^codes row {row} holds nan; encode the rows"
    ):
        score_codes(scoring.Posterior(mean, ZEROS), GRID, SIZES)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train": 0}, "train=0 must be a whole number of at least 2"),
        ({"batch_size": 99_999}, "batch_size=99999 exceeds the 18432 images"),
        ({"n_estimators": 0}, "n_estimators=0 must be"),
        ({"score_seeds": 0}, "score_seeds=0 must be"),
        ({"rotations": -1}, "rotations=-1 must be"),
        ({"train": 10**7}, "name more than 50,000,000 images"),
    ],
)
def test_sizes_are_checked_when_they_are_given(changes, message):
    with pytest.raises(ValueError, match=message):
        scoring.Scoring(**changes)


def test_sizes_of_numpys_kind_are_ints():
    sizes = scoring.Scoring(train=np.int64(60), score_seed=np.int8(3))
    assert json.loads(json.dumps(dataclasses.asdict(sizes)))["train"] == 60


def test_other_scores_are_not_taken_for_the_studys(trained, small):
    """Whoever scores says how, so that scores by hand are no study's."""
    files = RunFolder(trained)
    write_json(files.scoring_page, {})
    other = dataclasses.replace(SIZES, train=50, score_seeds=1)
    score_run(trained, other, small, n_jobs=1)
    assert is_scored(files, other) and not is_scored(files, SIZES)
    keep_scores(files, [pd.DataFrame(columns=COLUMNS)], load_pictures(files.pictures))
    assert not is_scored(files, other)  # which a card's session leaves


@pytest.fixture
def encoded(monkeypatch):
    """The models that are encoded, by their weights."""
    seen, plain = [], scoring_run.encode

    def encode(vae, *given, **named):
        seen.append(weights_of(vae))
        return plain(vae, *given, **named)

    monkeypatch.setattr(scoring_run, "encode", encode)
    return seen


def test_a_run_that_was_trained_further_is_scored_from_there(tmp_path, small, encoded):
    """To the same table as one that is scored once, at its end."""
    folder, sizes = tmp_path / "run", dataclasses.replace(SIZES, rotations=1)
    run(config(D=2, steps=4, snapshots=(2,)), small, folder)
    score_run(folder, sizes, small, n_jobs=1)
    run(config(D=2, steps=8, snapshots=(2, 4)), small, folder)
    del encoded[:]
    score_run(folder, sizes, small, n_jobs=1)
    assert len(encoded) == 1  # the end; what was the end is a snapshot now
    files = RunFolder(folder)
    extended = files.scores.read_bytes()
    files.scored_how.unlink()
    score_run(folder, sizes, small, n_jobs=1)
    assert files.scores.read_bytes() == extended and len(encoded) == 4


@pytest.mark.parametrize("what", ["sizes", "images", "library", "table", "nothing"])
def test_scores_are_kept_where_they_would_be_the_same(
    what, trained, small, encoded, monkeypatch, tmp_path
):
    folder = shutil.copytree(trained, tmp_path / "run")
    score_run(folder, SIZES, small, n_jobs=1)
    del encoded[:]
    sizes = dataclasses.replace(SIZES, score_seed=7) if what == "sizes" else SIZES
    if what == "images":
        small = Sprites(small.packed.flip(0), small.grid)
    if what == "library":
        monkeypatch.setattr(kept, "_library", lambda: "another")
    if what == "table":
        RunFolder(folder).scores.unlink()
    score_run(folder, sizes, small, n_jobs=1)
    assert len(encoded) == (1 if what == "nothing" else 2)
