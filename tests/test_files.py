"""Files that are whole or not there."""

import errno
import fcntl
import os
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import torch

from disentlib.files import (
    atomic_write,
    read_json,
    remove_temporaries,
    scratch_folder,
    warn_once,
    write_json,
)
from disentlib.training.checkpoints import save_tensors
from disentlib.training.folder import locked


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_write_and_overwrite(tmp_path):
    path = tmp_path / "deep" / "er" / "facts.json"
    for content in ({"a": [1, 2.5, None]}, {"b": "ö"}):
        write_json(path, content)
        assert read_json(path) == content and names(path.parent) == ["facts.json"]


def test_a_name_as_long_as_the_file_system_allows(tmp_path):
    path = tmp_path / f"{'名' * 80}.json"  # 245 bytes
    write_json(path, 1)
    assert names(tmp_path) == [path.name]


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


def left_by_a_kill(folder, monkeypatch, name="facts.json"):
    """A half-written file of a writer that is no longer there."""
    before = set(folder.iterdir())
    with monkeypatch.context() as patch, suppress(KeyboardInterrupt):
        patch.setattr(Path, "unlink", lambda *_, **__: None)  # a kill cleans nothing
        with atomic_write(folder / name) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt
    (path,) = set(folder.iterdir()) - before
    return path


def test_what_killed_writers_left_goes_with_the_next_write(tmp_path, monkeypatch):
    left = [left_by_a_kill(tmp_path, monkeypatch, n) for n in ("a.json", "b.ipynb")]
    assert all(path.exists() for path in left)
    write_json(tmp_path / "facts.json", 1)
    assert names(tmp_path) == ["facts.json"]


def test_only_our_own_names_are_cleaned(tmp_path):
    """A user's file is nobody's temporary, however it is called."""
    kept = {".backup.tmp2", ".facts.1.tmp.json", ".lock", ".x.disentlib-tmp-notes"}
    for name in kept:
        (tmp_path / name).touch()
    remove_temporaries(tmp_path)
    write_json(tmp_path / "facts.json", 1)
    assert {*names(tmp_path)} == kept | {"facts.json"}


def test_a_file_that_is_being_written_is_left_alone(tmp_path):
    with atomic_write(tmp_path / "slow.json") as temporary:
        temporary.write_text("1")
        remove_temporaries(tmp_path)
        write_json(tmp_path / "other.json", 2)
        assert temporary.read_text() == "1"
    assert names(tmp_path) == ["other.json", "slow.json"]


def test_many_writers_of_one_file_never_tear_it(tmp_path):
    """Threads share a process number, as containers may."""
    path, contents = tmp_path / "facts.json", [str(i) * 20_000 for i in range(4)]

    def write(content):
        for _ in range(25):
            write_json(path, content)
            assert read_json(path) in contents

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, contents))
    assert names(tmp_path) == ["facts.json"]


@pytest.mark.parametrize("mask, mode", [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_files_are_as_open_as_the_umask_says(tmp_path, mask, mode):
    before = os.umask(mask)
    try:
        write_json(tmp_path / "facts.json", 1)
        save_tensors(tmp_path / "a.safetensors", {"a": torch.ones(2)}, {})
    finally:
        os.umask(before)
    assert {p.stat().st_mode & 0o777 for p in tmp_path.iterdir()} == {mode}


@pytest.fixture
def lacking(monkeypatch):
    """A file system without some call, as some network file systems are."""
    warn_once.cache_clear()

    def lack(name, number):
        def fail(*_):
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(os if name == "fsync" else fcntl, name, fail)

    yield lack
    warn_once.cache_clear()


@pytest.mark.parametrize(
    "name, number",
    [
        ("flock", errno.ENOSYS),
        ("flock", errno.ENOLCK),
        ("flock", errno.EOPNOTSUPP),
        ("fsync", errno.EINVAL),
    ],
)
def test_what_a_file_system_cannot_give_is_done_without(
    tmp_path, monkeypatch, lacking, name, number
):
    lacking(name, number)
    with pytest.warns(UserWarning) as caught:
        for content in (1, 2):
            write_json(tmp_path / "facts.json", content)
        with locked(tmp_path):
            pass
    assert read_json(tmp_path / "facts.json") == 2
    words = [str(w.message) for w in caught]
    assert len(words) == 1 and str(tmp_path) in words[0] and "\n" not in words[0]
    assert os.strerror(number) in words[0]


@pytest.mark.parametrize("locks", [True, False])
def test_scratch_folders_of_the_dead_go_and_those_of_the_living_stay(
    tmp_path, lacking, locks
):
    gone = subprocess.Popen(["true"])
    gone.wait()
    dead = tmp_path / f"disentlib-tmp-{socket.gethostname()}-{gone.pid}-{'0' * 16}"
    (dead / "in").mkdir(parents=True)
    with ExitStack() as stack:
        if not locks:
            lacking("flock", errno.ENOSYS)
            stack.enter_context(pytest.warns(UserWarning))
        with scratch_folder(tmp_path) as first, scratch_folder(tmp_path) as second:
            assert {*tmp_path.iterdir()} == {first, second}
    assert names(tmp_path) == []


def test_without_locks_the_name_tells_who_is_dead(tmp_path, lacking):
    lacking("flock", errno.ENOSYS)
    host, token = socket.gethostname(), "0123456789abcdef"
    gone = subprocess.Popen(["true"])
    gone.wait()
    dead = tmp_path / f".a.disentlib-tmp-{host}-{gone.pid}-{token}.json"
    alive = tmp_path / f".a.disentlib-tmp-{host}-{os.getpid()}-{token}.json"
    away = tmp_path / f".a.disentlib-tmp-other.node-1-{token}.json"
    long_ago = tmp_path / f".b.disentlib-tmp-other.node-1-{token}.json"
    for path in (dead, alive, away, long_ago):
        path.touch()
    os.utime(long_ago, (0, 0))
    with pytest.warns(UserWarning):
        remove_temporaries(tmp_path)
    assert {*names(tmp_path)} == {alive.name, away.name}
