"""Files that are whole or not there."""

import errno
import os

import pytest

from disentlib.files import atomic_write, read_json, remove_temporaries, write_json


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_write_and_overwrite(tmp_path):
    path = tmp_path / "deep" / "er" / "facts.json"
    for content in ({"a": [1, 2.5, None]}, {"b": "ö"}):
        write_json(path, content)
        assert read_json(path) == content and names(path.parent) == ["facts.json"]


def test_old_file_stays_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "facts.json"
    path.write_text("old")
    with atomic_write(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
        assert temporary.parent == path.parent and temporary.suffix == path.suffix
        assert temporary.name.startswith(".")
    assert path.read_text() == "new"


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_a_failed_body_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "facts.json"
    path.write_text("old")
    with pytest.raises(error), atomic_write(path) as temporary:
        temporary.write_text("half")
        raise error
    assert path.read_text() == "old" and names(tmp_path) == ["facts.json"]


def test_content_then_rename_then_folder_reach_the_disk_in_this_order(
    tmp_path, monkeypatch
):
    calls = []
    replace, fsync = os.replace, os.fsync

    def synced(descriptor):
        calls.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(
        os, "replace", lambda a, b: [calls.append("rename"), replace(a, b)]
    )
    with atomic_write(tmp_path / "a.txt") as temporary:
        temporary.write_text("content")
    assert calls == [str(temporary), "rename", str(tmp_path)]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
def test_a_failing_disk_is_named_with_the_file(tmp_path, monkeypatch, number):
    path = tmp_path / "facts.json"
    write_json(path, "old")

    def fail(descriptor):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match=f"{os.strerror(number)}: '{path}'") as error:
        write_json(path, "new")
    assert error.value.errno == number
    assert read_json(path) == "old" and names(tmp_path) == ["facts.json"]


def test_bad_json_is_named_with_the_remedy(tmp_path):
    path = tmp_path / "facts.json"
    for content in (b"", b'{"a": 1', b"\xff\xfe"):
        path.write_bytes(content)
        with pytest.raises(
            ValueError, match=rf"^{path}: not a JSON file .*; remove it"
        ) as error:
            read_json(path)
        assert "\n" not in str(error.value)


def test_what_killed_writers_left_is_removed_and_nothing_else(tmp_path):
    left = [
        tmp_path / ".facts.1.tmp.json",
        tmp_path / "deep" / ".step.77.tmp.safetensors",
    ]
    kept = [
        tmp_path / "facts.json",
        tmp_path / ".lock",
        tmp_path / "deep" / "a.tmp.txt",
    ]
    (tmp_path / "deep").mkdir()
    for path in left + kept:
        path.touch()
    remove_temporaries(tmp_path)
    assert sorted(p for p in tmp_path.rglob("*") if p.is_file()) == sorted(kept)
    with (
        pytest.raises(KeyboardInterrupt),
        atomic_write(tmp_path / "x.bin") as temporary,
    ):
        temporary.touch()
        remove_temporaries(tmp_path)  # it knows the names that atomic_write gives
        assert not temporary.exists()
        raise KeyboardInterrupt
