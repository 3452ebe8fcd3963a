"""The model that pages demonstrate, and its scores under other conventions."""

import numpy as np

from disentlib import metrics
from disentlib.files import read_json
from disentlib.metrics import designs
from disentlib.paths import RESULTS
from disentlib.scoring.conventions import OTHERS, convention_moves
from disentlib.scoring.shown import shown_run
from disentlib.scoring.sizes import Scoring
from disentlib.study.plan import load_study
from disentlib.training.folder import configuration_of
from disentlib.training.trained import load_model


def test_a_kept_model_is_copied_and_left_as_it_is(tmp_path, small):
    kept = tmp_path / "models" / "desk"
    kept.mkdir(parents=True)
    for name in ("config.json", "model.safetensors"):
        (kept / name).write_text(name)
    run = shown_run(tmp_path / "here", small, models=tmp_path / "models")
    (run / "scores.csv").touch()
    assert (run / "model.safetensors").read_text() == "model.safetensors"
    assert {path.name for path in kept.iterdir()} == {
        "config.json",
        "model.safetensors",
    }


def test_what_is_shown_is_a_trained_model_of_the_desk_study(tmp_path, small):
    (kept,) = (RESULTS / "models").glob("*/")
    run = shown_run(tmp_path, small)
    load_model(run)  # its digest and shapes are right
    config = configuration_of(run)
    assert f"{config.model}-D{config.D}" == kept.name
    steps = load_study("desk").runs[0].config.steps
    assert read_json(run / "result.json")["step"] == config.steps == steps
    assert sum(path.stat().st_size for path in kept.iterdir()) <= 2**20


def test_conventions_move_scores_from_their_defaults(small):
    sizes = Scoring(train=60, test=30, batch_size=4, score_seed=3)
    mean = designs.rotated(small.grid)
    sampled = mean + 0.5 * designs.noise(small.grid, 5)
    table = convention_moves(sampled, mean, small.grid, sizes)
    assert len(table) == 4 + len(OTHERS)
    assert np.array_equal(table["moved"], table["value"] - table["default"])
    bins = table.set_index("convention").loc["10 bins in place of 20"]
    expected = metrics.mig(sampled, small.grid, 3, train=60, bins=10)
    assert bins["value"] == expected != bins["default"]
