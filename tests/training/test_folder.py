"""A run's folder: whose it is, and what it takes for its own."""

import shutil
from dataclasses import replace

import pytest
from small_runs import config, run

from disentlib.files import read_json, write_json
from disentlib.training import checkpoints, load_model
from disentlib.training.folder import RunFolder, compare, configuration_of, finished


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


def test_a_model_of_another_step_is_no_snapshot(folder):
    shutil.copy(folder.model(), folder.model(2))
    assert "it is of step 3" in refusal(folder, 2)


def test_a_configuration_of_another_size_is_named(folder):
    content = read_json(folder.configuration)
    write_json(folder.configuration, content | {"D": 4})
    assert "its shapes are not of D = 4" in refusal(folder)


@pytest.mark.parametrize("content", [[], "x", {"D": 3}, {"D": "3"}, {"no": 1}])
def test_a_configuration_that_is_none_is_named(folder, content):
    write_json(folder.configuration, content)
    assert "config.json" in refusal(folder)


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
    assert not finished(folder.path, settings)
    run(settings, small, folder.path)
    after = checkpoints.load_tensors(folder.model())
    assert checkpoints.digest(before[0]) == checkpoints.digest(after[0])
    assert finished(folder.path, settings)


@pytest.mark.parametrize("bad", [{"batch_size": 4000}, {"device": "cuda:99"}])
def test_a_start_that_fails_claims_nothing(bad, small, tmp_path):
    settings = config(steps=2)
    with pytest.raises((ValueError, RuntimeError)) as error:
        run(replace(settings, **bad), small, tmp_path)
    assert str(next(iter(bad.values()))) in str(error.value)
    assert "\n" not in str(error.value)
    assert {path.name for path in tmp_path.iterdir()} <= {".lock"}
    run(settings, small, tmp_path)
