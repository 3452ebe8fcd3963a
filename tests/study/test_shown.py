"""What the pages show of a run, in words."""

from dataclasses import replace

import numpy as np
import pandas as pd
from synthetic_study import synthetic

from disentlib.scoring.pictures import Pictures
from disentlib.study import plan
from disentlib.study.evidence import evidence_of
from disentlib.study.figures.curves import loss_curves
from disentlib.study.figures.read import Block, read_blocks
from disentlib.study.pictured import UNREAD, purity_sentence, squares_sentence
from disentlib.study.sentences import losses_sentence
from disentlib.study.shown import traversal_figure


def test_a_row_is_named_once_with_the_first_two_things_it_does(tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "STUDIES", tmp_path / "studies")
    results = synthetic(tmp_path, seeds=1, steps=[1000], levels=[4])
    figure = traversal_figure(evidence_of(results, {}), "beta_vae")
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    words = "3 pixels down\nscale +0.1 (1.00)"
    assert sorted(labels) == [f"z{d}: {words}" for d in range(4)]


def test_words_beside_a_traversal_stay_within_the_figure():
    said = "z12: ellipse, square, heart, ellipse, square\nturns 102° clockwise (0.62)"
    tiles = np.zeros((2, 9, 64, 64), np.uint8)
    figure = read_blocks([Block("D = 2", tiles, [said, "z1: nothing moves (0.00)"])])
    figure.canvas.draw()
    labels = figure.axes[0].get_yticklabels()
    widest = max(label.get_window_extent().x1 for label in labels)
    assert widest <= figure.bbox.x1


def test_captions_tell_of_the_first_and_the_last_dimension():
    importances = np.array([[3.0, 0.0], [1.0, 0.0]], np.float32)
    none = np.zeros((1, 1, 1), np.uint8)
    few = Pictures(none, none, none, importances)
    read = replace(
        few,
        shares=np.array([[0.8, 0.2], [0.4, 0.6]], np.float32),
        movement=np.array([40.0, 0.0], np.float32),
        words=np.array(["3 pixels down", "nothing moves"]),
    )
    even = replace(few, importances=np.ones((2, 2), np.float32))
    said = squares_sentence({"D = 4": few, "D = 6": few, "D = 15": even})
    assert said.endswith("its largest square has 0.75 at D = 4 and 0.50 at D = 15.")
    assert squares_sentence({"D = 4": few}).endswith("has 0.75 at D = 4.")
    assert purity_sentence({"D = 4": read}).endswith("one factor makes 0.80 at D = 4.")
    assert purity_sentence({"D = 4": few}) == UNREAD
    assert "No factor" in squares_sentence({})


def test_losses_of_two_budgets_are_not_mixed(tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "STUDIES", tmp_path / "studies")
    results = synthetic(tmp_path, seeds=2, steps=[500, 1000], levels=[4])
    history = results.history
    short = (history["seed"] == 1000) & (history["step"] < history["step"].max())
    shifted = history[short].assign(kl=1000.0, step=history["step"] - 7)
    mixed = pd.concat([history[history["seed"] == 0], shifted], ignore_index=True)
    axis = loss_curves(mixed).axes[0]
    (line,) = axis.get_lines()
    ours = history[(history["seed"] == 0) & (history["model"] == "beta_vae")]
    assert [*line.get_xdata()] == [*ours["step"]]
    assert np.allclose(line.get_ydata(), ours["reconstruction"])
    told = losses_sentence(evidence_of(replace(results, history=mixed), {}))
    assert "1 run a model" in told and "1000.0" not in told and "1,000.0" not in told
