"""Runs side by side spread over the cards of a machine."""

import os
import subprocess
import sys
from contextlib import ExitStack

import pytest

from disentlib.study import cards, stages
from disentlib.study.cards import VISIBLE, card_for, visible_cards
from disentlib.study.plan import load_study

HOLD = """
import sys, time
from pathlib import Path
from disentlib.study.cards import VISIBLE, card_for
import os
with card_for("cuda", Path(sys.argv[1])):
    print(os.environ[VISIBLE], flush=True)
    time.sleep(60)
"""


@pytest.fixture
def three(monkeypatch):
    monkeypatch.setenv(VISIBLE, "0, GPU-ab/1,5")


def seen(stack, folder):
    """The one card of one more run."""
    os.environ[VISIBLE] = "0, GPU-ab/1,5"  # what each process starts with
    stack.enter_context(card_for("cuda", folder))
    return os.environ[VISIBLE]


def test_each_run_has_the_card_with_the_fewest(three, tmp_path):
    with ExitStack() as stack:
        found = [seen(stack, tmp_path) for _ in range(7)]
    assert found == ["0", "GPU-ab/1", "5"] * 2 + ["0"]


def test_a_card_is_free_again_and_its_name_is_gone(three, tmp_path):
    for _ in range(2):
        with card_for("cuda", tmp_path):
            assert os.environ[VISIBLE] == "0"
        assert os.environ[VISIBLE] == "0, GPU-ab/1,5"
    with pytest.raises(ZeroDivisionError), card_for("cuda", tmp_path):
        1 / 0  # noqa: B018
    assert os.environ[VISIBLE] == "0, GPU-ab/1,5"


def test_a_process_that_is_killed_holds_no_card(three, tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "0\n"
        with card_for("cuda", tmp_path):
            assert os.environ[VISIBLE] == "GPU-ab/1"
        other.kill()
    with card_for("cuda", tmp_path):
        assert os.environ[VISIBLE] == "0"


@pytest.mark.parametrize("device", ["cpu", "cuda:1"])
def test_a_device_that_is_named_is_left_alone(three, tmp_path, device):
    with card_for(device, tmp_path):
        assert os.environ[VISIBLE] == "0, GPU-ab/1,5"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("given", ["", "3"])
def test_where_there_is_no_choice_nothing_is_written(monkeypatch, tmp_path, given):
    monkeypatch.setenv(VISIBLE, given)
    with card_for("cuda", tmp_path):
        assert os.environ[VISIBLE] == given
    assert not list(tmp_path.iterdir())


def test_without_the_variable_the_driver_is_asked(monkeypatch):
    monkeypatch.delenv(VISIBLE, raising=False)
    pynvml = pytest.importorskip("pynvml")
    monkeypatch.setattr(pynvml, "nvmlInit", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetCount", lambda: 2)
    assert visible_cards() == ["0", "1"]

    def none():
        raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    monkeypatch.setattr(pynvml, "nvmlInit", none)
    assert visible_cards() == []


def test_a_stage_trains_on_such_a_card(three, tmp_path, monkeypatch):
    ran = []
    monkeypatch.setattr(cards, "_own_folder", lambda: tmp_path)
    monkeypatch.setattr(stages, "_run", lambda *_: ran.append(os.environ[VISIBLE]))
    monkeypatch.setattr(stages, "mark_trained", lambda *_: None)
    study = load_study("quick", device="cuda")
    monkeypatch.setattr(type(study), "folder", lambda self, run: tmp_path / "run")
    stages.train(study, study.runs[0])
    assert ran == ["0"]
