"""A run's folder: whose it is, and what it takes for its own."""

import shutil
from dataclasses import replace

import pytest
from small_runs import config, run

from disentlib.files import read_json, write_json
from disentlib.sprites import Sprites
from disentlib.training import checkpoints, load_model
from disentlib.training.checkpoints import load_tensors
from disentlib.training.folder import (
    RunFolder,
    compare,
    configuration_of,
    finished_steps,
)
from disentlib.training.loop import resolved, train
from disentlib.training.same import require_whose


@pytest.fixture(scope="module")
def trained(small, tmp_path_factory):
    """Folders of two runs that differ in their seeds."""
    folders = [tmp_path_factory.mktemp(f"run{seed}") for seed in (0, 1)]
    for seed, folder in enumerate(folders):
        run(config(steps=3, seed=seed, snapshots=(2,)), small, folder)
    return folders


@pytest.fixture
def folder(trained, tmp_path):
    return RunFolder(shutil.copytree(trained[0], tmp_path / "run"))


def refusal(folder, step=None):
    with pytest.raises(ValueError) as error:
        load_model(folder.path, step)
    assert "\n" not in str(error.value) and str(folder.path) in str(error.value)
    return str(error.value)


def test_a_model_of_another_run_is_not_loaded(trained, folder):
    shutil.copy(trained[1] / "model.safetensors", folder.path)
    assert "is another run's: put its own back" in refusal(folder)


def test_a_model_older_than_a_setting_had_its_default_then(trained):
    facts = load_tensors(trained[0] / "model.safetensors")[1]
    then = {n: v for n, v in facts["config"].items() if not n.startswith("weight_")}
    require_whose({"config": then}, config(), trained[0])
    moving = config(weight_start=3.0, weight_steps=5)
    with pytest.raises(ValueError, match="of another configuration"):
        require_whose({"config": then}, moving, trained[0])
    require_whose({}, moving, trained[0])  # older still: it does not say whose it is


def test_a_model_of_another_step_is_no_snapshot(folder):
    shutil.copy(folder.model(), folder.model(2))
    assert "it is of step 3" in refusal(folder, 2)


def test_a_snapshot_of_another_run_is_neither_loaded_nor_kept(trained, folder, small):
    shutil.copy(trained[1] / "model-2.safetensors", folder.path)
    assert "of another configuration (seed 1, not 0)" in refusal(folder, 2)
    shutil.copy(trained[1] / "model-2.safetensors", folder.model(4))
    with pytest.raises(ValueError, match=r"another configuration \(seed 1, not 0\)"):
        run(config(steps=5, snapshots=(2, 4)), small, folder.path)


def test_a_finished_run_on_other_images_is_not_passed_off(folder, small):
    other = Sprites(255 - small.packed, small.grid)
    with pytest.raises(ValueError, match=r"result\.json is of a run on other images"):
        run(config(steps=3, snapshots=(2,)), other, folder.path)
    with pytest.raises(ValueError, match="safetensors is of a run on other images"):
        run(config(steps=5, snapshots=(2,)), other, folder.path)


def test_a_configuration_of_another_size_is_named(folder):
    content = read_json(folder.configuration)
    write_json(folder.configuration, content | {"D": 4})
    assert "its shapes are not of D = 4" in refusal(folder)


@pytest.mark.parametrize("content", [[], "x", {"D": 3}, {"D": "3"}, {"no": 1}])
def test_a_configuration_that_is_none_is_named(folder, content):
    write_json(folder.configuration, content)
    assert "config.json" in refusal(folder)


@pytest.mark.parametrize("name", ["config.json", "result.json"])
def test_json_of_another_kind_is_named(folder, small, name):
    write_json(folder.path / name, [3])
    with pytest.raises(ValueError, match=f"{name}: not a JSON object; remove it"):
        run(config(steps=3, snapshots=(2,)), small, folder.path)
    assert name in refusal(folder)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("result", {"step": None}),
        ("result", {"step": "x"}),
        ("config", {"snapshots": None}),
        ("config", {"steps": "10"}),
    ],
)
def test_a_value_of_another_kind_is_named(folder, small, name, changes):
    path = folder.path / f"{name}.json"
    write_json(path, read_json(path) | changes)
    with pytest.raises(ValueError, match=f"{name}.json: ") as error:
        run(config(steps=3, snapshots=(2,)), small, folder.path)
    assert "\n" not in str(error.value)


def test_a_finished_run_without_its_configuration_is_still_itself(folder, small):
    """A damaged config.json is to be removed; the result knows the settings too."""
    before = folder.configuration.read_bytes()
    folder.configuration.unlink()
    assert configuration_of(folder.path).D == 3 and load_model(folder.path)
    assert resolved(config(precision="auto"), folder).precision == "float32"
    for other in ({"D": 4}, {"seed": 5}, {"steps": 2, "snapshots": ()}):
        with pytest.raises(ValueError, match=r"result\.json is of another"):
            run(config(**{"steps": 3, "snapshots": (2,)} | other), small, folder.path)
    assert len(run(config(steps=3, snapshots=(2,)), small, folder.path)) == 1
    assert folder.configuration.read_bytes() == before


def test_copies_of_models_are_no_snapshots(folder):
    for name in ("model-old.safetensors", "model-2.safetensors.bak"):
        shutil.copy(folder.model(), folder.path / name)
    assert list(folder.kept_on_the_way()) == [2]


def test_a_history_that_is_no_whole_one_is_named(folder, small):
    whole = folder.history.read_bytes()
    for content in (b"", b"text", whole[:-40], b"\xff" + whole, None):
        folder.history.unlink()
        if content is not None:
            folder.history.write_bytes(content)
        with pytest.raises(ValueError, match=r"history\.csv: no whole history"):
            run(config(steps=3, snapshots=(2,)), small, folder.path)
        folder.history.write_bytes(whole)
    folder.history.unlink()
    run(config(steps=4, snapshots=(2,)), small, folder.path)
    assert folder.history.read_bytes().startswith(whole[:100])


def test_a_damaged_model_is_named_before_the_steps_that_follow(folder, small):
    content = bytearray(folder.model().read_bytes())
    content[-5] ^= 1
    folder.model().write_bytes(content)
    with pytest.raises(ValueError, match="remove it and run again"):
        next(train(config(steps=5, snapshots=(2,)), small, folder.path))
    folder.model().unlink()
    run(config(steps=5, snapshots=(2,)), small, folder.path)
    assert finished_steps(folder) == 5


def test_the_last_damaged_checkpoint_says_that_all_is_lost(folder):
    for path in (kept := checkpoints.checkpoints(folder.checkpoints)):
        path.write_bytes(path.read_bytes()[:100])
    with pytest.warns() as said:
        found = checkpoints.load_checkpoint(folder.checkpoints, {}, "")
    words = ["going on from the one before"] * (len(kept) - 1) + ["starting at step 0"]
    assert found is None and [str(w.message).split("; ")[-1] for w in said] == words


def test_a_setting_newer_than_the_run_is_no_hindrance(small, folder):
    content = read_json(folder.configuration)
    for name in ("average", "warmup", "precision"):
        del content[name]
    write_json(folder.configuration, content)
    settings = config(steps=3, snapshots=(2,))
    assert configuration_of(folder.path) == settings
    compare(folder.path, settings)
    assert load_model(folder.path).D == 3
    assert len(run(settings, small, folder.path)) == 1


def test_a_model_that_is_gone_comes_back_from_the_last_checkpoint(small, folder):
    before = checkpoints.load_tensors(folder.model())
    folder.model().unlink()
    settings = config(steps=3, snapshots=(2,))
    assert not finished_steps(folder)
    run(settings, small, folder.path)
    after = checkpoints.load_tensors(folder.model())
    assert checkpoints.digest(before[0]) == checkpoints.digest(after[0])
    assert finished_steps(folder) == 3


@pytest.mark.parametrize("bad", [{"batch_size": 4000}, {"device": "cuda:99"}])
def test_a_start_that_fails_claims_nothing(bad, small, tmp_path):
    settings = config(steps=2)
    with pytest.raises((ValueError, RuntimeError)) as error:
        run(replace(settings, **bad), small, tmp_path)
    assert str(next(iter(bad.values()))) in str(error.value)
    assert "\n" not in str(error.value)
    assert {path.name for path in tmp_path.iterdir()} <= {".lock"}
    run(settings, small, tmp_path)
