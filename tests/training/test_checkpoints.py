"""Checkpoints: whole or not there, and what is done about those that are damaged."""

import errno
import os
import re
import shutil
import struct
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from disentlib.training import checkpoints
from disentlib.training.checkpoints import (
    load_checkpoint,
    load_tensors,
    save_checkpoint,
    save_tensors,
)
from disentlib.training.configuration import TrainingConfig
from disentlib.training.same import require_same

CONFIG = {"D": 3, "seed": 0}
IMAGES = "3x2-0badcafe"


def tensors(step=1):
    generator = torch.Generator().manual_seed(step)
    return {
        "vae/weight": torch.randn(8, 4, 3, 3, generator=generator),
        "vae/count": torch.tensor(step),
        "vae/empty": torch.zeros(0, 3),
        "history": torch.tensor([[float("nan"), 1.0]], dtype=torch.float64),
        "optimiser/half": torch.randn(5, generator=generator).bfloat16(),
    }


def keep(folder, *steps):
    for step in steps:
        facts = {"config": CONFIG, "step": step, "images": IMAGES}
        save_checkpoint(folder, step, tensors(step), facts)


def same(one, other):
    return one.keys() == other.keys() and all(
        torch.equal(one[name].nan_to_num(7), other[name].nan_to_num(7))
        and one[name].dtype == other[name].dtype
        for name in one
    )


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def flip_a_bit(path, place):
    content = bytearray(path.read_bytes())
    content[place] ^= 4
    path.write_bytes(content)


def test_round_trip_to_the_bit(tmp_path):
    path, facts = (
        tmp_path / "a.safetensors",
        {"seconds": 0.1 + 0.2, "list": [1, None], "ö": "ü"},
    )
    save_tensors(path, tensors(), facts)
    found, found_facts = load_tensors(path)
    assert same(found, tensors()) and found_facts == facts
    assert names(tmp_path) == [path.name]


def test_a_layout_in_memory_is_no_part_of_the_content(tmp_path):
    one = {"w": torch.randn(4, 3, 2, 2)}
    other = {"w": one["w"].to(memory_format=torch.channels_last)}
    assert checkpoints.digest(one) == checkpoints.digest(other)
    save_tensors(tmp_path / "a.safetensors", other, {})
    assert torch.equal(load_tensors(tmp_path / "a.safetensors")[0]["w"], one["w"])


def test_digest_sees_names_types_shapes_values_and_text():
    base = {"a": torch.arange(6.0), "b": torch.zeros(2)}
    others = [
        {"a": base["a"], "c": base["b"]},
        {"a": base["a"].double(), "b": base["b"]},
        {"a": base["a"].reshape(2, 3), "b": base["b"]},
        {"a": base["a"].flip(0), "b": base["b"]},
        {"a": base["a"], "b": -base["b"]},  # a zero's sign, too
        {"a": base["a"]},
    ]
    digests = {checkpoints.digest(d) for d in [base, *others]} | {
        checkpoints.digest(base, "x")
    }
    assert len(digests) == len(others) + 2
    assert checkpoints.digest(dict(reversed(base.items()))) == checkpoints.digest(base)


def test_nothing_is_pickled(tmp_path):
    keep(tmp_path, 1)
    (path,) = tmp_path.iterdir()
    length = struct.unpack("<Q", path.read_bytes()[:8])[0]
    assert path.read_bytes()[8:9] == b"{" and path.stat().st_size > 8 + length


def test_the_last_two_are_kept_and_the_latest_is_used(tmp_path):
    assert load_checkpoint(tmp_path, CONFIG, IMAGES) is None
    keep(tmp_path, 5, 10, 100, 1000)
    assert names(tmp_path) == [
        "step-000000100.safetensors",
        "step-000001000.safetensors",
    ]
    found, facts = load_checkpoint(tmp_path, CONFIG, IMAGES)
    assert facts["step"] == 1000 and same(found, tensors(1000))


def cut(share):
    def damage(path):
        content = path.read_bytes()
        path.write_bytes(content[: int(share * len(content))])

    return damage


def foreign(path):
    path.unlink()
    save_file({"weight": torch.ones(3)}, path)


def foreign_with_metadata(path):
    path.unlink()
    save_file({"weight": torch.ones(3)}, path, {"format": "pt"})


def text(path):
    path.write_text("not a checkpoint")


def pickled(path):
    torch.save({"weight": torch.ones(3)}, path)


def flip(place):
    return lambda path: flip_a_bit(path, place)


DAMAGE = {
    "empty": (cut(0), "cut short or no safetensors file"),
    "cut in its header": (cut(0.05), "cut short or no safetensors file"),
    "cut in half": (cut(0.5), "cut short or no safetensors file"),
    "cut by a little": (cut(0.999), "cut short or no safetensors file"),
    "bit of a weight": (flip(-200), "damaged, its digest does not match its content"),
    "last bit": (flip(-1), "damaged, its digest does not match its content"),
    "length of the header": (flip(3), "cut short or no safetensors file"),
    "foreign": (foreign, "not written by disentlib"),
    "foreign with metadata": (foreign_with_metadata, "not written by disentlib"),
    "text": (text, "cut short or no safetensors file"),
    "pickled": (pickled, "cut short or no safetensors file"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_or_foreign_file_is_named_and_the_one_before_is_used(tmp_path, kind):
    damage, message = DAMAGE[kind]
    keep(tmp_path, 1, 2)
    latest = tmp_path / "step-000000002.safetensors"
    damage(latest)
    with pytest.warns(UserWarning) as caught:
        found, facts = load_checkpoint(tmp_path, CONFIG, IMAGES)
    assert facts["step"] == 1 and same(found, tensors(1))
    (warning,) = [str(w.message) for w in caught]
    assert warning.startswith(f"{latest}: {message}") and "\n" not in warning
    assert warning.endswith("; going on from the one before")


def test_no_single_flipped_bit_goes_unnoticed(tmp_path):
    keep(tmp_path / "whole", 1)
    (whole,) = (tmp_path / "whole").iterdir()
    path = tmp_path / whole.name
    places = np.random.default_rng(0).choice(whole.stat().st_size, 200, replace=False)
    for place in places:
        shutil.copy(whole, path)
        flip_a_bit(path, place)
        with pytest.raises(ValueError, match=str(path)):
            load_tensors(path)


def test_all_damaged_is_a_fresh_start_with_each_named(tmp_path):
    keep(tmp_path, 1, 2)
    for path in tmp_path.iterdir():
        cut(0.5)(path)
    with pytest.warns(UserWarning) as caught:
        assert load_checkpoint(tmp_path, CONFIG, IMAGES) is None
    assert [f"step-00000000{i}" in str(w.message) for i, w in zip((2, 1), caught)] == [
        True
    ] * 2


def test_what_cannot_be_read_takes_no_good_ones_place(tmp_path):
    keep(tmp_path, 1, 2)
    (tmp_path / "step-000000009.safetensors").write_text("foreign")
    keep(tmp_path, 3, 4)
    assert [int(name[5:14]) for name in names(tmp_path)] == [3, 4, 9]


def test_copies_under_other_names_are_nobodys_and_order_is_that_of_numbers(tmp_path):
    keep(tmp_path, 1)
    copy = tmp_path / "step-000000001-before.safetensors"
    shutil.copy(tmp_path / "step-000000001.safetensors", copy)
    shutil.copy(copy, tmp_path / "step-1000000000.safetensors.old")
    shutil.copy(copy, tmp_path / "step-0999999999.safetensors")
    keep(tmp_path, 999_999_999, 10**9)
    assert copy.exists()
    assert load_checkpoint(tmp_path, CONFIG, IMAGES)[1]["step"] == 10**9
    assert len(names(tmp_path)) == 5


def test_other_images_are_refused(tmp_path):
    keep(tmp_path, 1)
    with pytest.raises(ValueError, match="of a run on other images") as error:
        load_checkpoint(tmp_path, CONFIG, "3x2-00000000")
    assert "\n" not in str(error.value)


def test_a_file_that_may_not_be_read_is_not_called_missing_or_damaged(tmp_path):
    keep(tmp_path, 1)
    (path,) = tmp_path.iterdir()
    path.chmod(0)
    me = os.geteuid()
    try:
        if me == 0:  # who may read all
            os.seteuid(65534)
        with pytest.raises(PermissionError, match=re.escape(str(path))):
            load_tensors(path)
    finally:
        os.seteuid(me)


def test_temporaries_are_never_taken_for_checkpoints(tmp_path):
    keep(tmp_path, 1)
    shutil.copy(
        tmp_path / "step-000000001.safetensors", tmp_path / ".step-2.77.tmp.safetensors"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load_checkpoint(tmp_path, CONFIG, IMAGES)[1]["step"] == 1


def test_another_configuration_is_refused_by_its_settings(tmp_path):
    keep(tmp_path, 1)
    with pytest.raises(ValueError) as error:
        load_checkpoint(tmp_path, {"D": 4, "seed": 0, "beta": 3.0}, IMAGES)
    message, path = str(error.value), tmp_path / "step-000000001.safetensors"
    assert message.startswith(
        f"{path} is of another configuration (D 3, not 4, beta 4.0, not 3.0)"
    )
    assert "choose another" in message and "seed" not in message and "\n" not in message


def settings(**changes):
    usual = {"model": "vae", "D": 3, "seed": 0, "steps": 10, "snapshots": [5]}
    return TrainingConfig.from_dict(usual | changes).to_dict()


def test_a_setting_that_is_newer_than_a_run_makes_it_no_other_run():
    old = settings()
    del old["precision"], old["optimizer"]
    require_same(old, settings(), Path("x"))
    with pytest.raises(ValueError, match=r"optimizer 'adam', not 'muon'"):
        require_same(old, settings(optimizer="muon"), Path("x"))


@pytest.mark.parametrize(
    "changes",
    [{"steps": 20}, {"steps": 20, "snapshots": [5, 10]}, {"checkpoint_every": 3}],
)
def test_a_run_that_can_go_on_is_no_other_run(changes):
    require_same(settings(), settings(**changes), Path("x"))


@pytest.mark.parametrize(
    "found, wanted, complaint",
    [
        ({}, {"steps": 9}, r"\(steps 10, not 9\)"),
        ({}, {"steps": 20, "snapshots": []}, r"\(snapshots \[5\], not \[\]\)"),
        ({"schedule": "one_cycle"}, {"schedule": "one_cycle", "steps": 20}, "steps 10"),
    ],
)
def test_a_run_that_cannot_go_on_is_another(found, wanted, complaint):
    with pytest.raises(ValueError, match=complaint):
        require_same(settings(**found), settings(**wanted), Path("x"))


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_not_kept(tmp_path, bad):
    keep(tmp_path, 1, 2)
    broken = tensors(3)
    broken["vae/weight"][0, 0, 0, 0] = bad
    with pytest.raises(
        FloatingPointError, match=r"^step 3: vae/weight is no longer finite; not k"
    ):
        save_checkpoint(tmp_path, 3, broken, {})
    assert [int(name[5:14]) for name in names(tmp_path)] == [1, 2]


def test_a_full_disk_leaves_the_checkpoints_as_they_were(tmp_path, monkeypatch):
    keep(tmp_path, 1, 2)

    def full(path, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(
        OSError, match=r"No space left on device: '.*step-000000003.safetensors'"
    ):
        keep(tmp_path, 3)
    assert [int(name[5:14]) for name in names(tmp_path)] == [1, 2]
