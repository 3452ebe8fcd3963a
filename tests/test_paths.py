"""Places that the environment names."""

import os
import pwd
import subprocess
import sys

import pytest

from disentlib.paths import absolute_path, cache_folder


def test_a_home_folder_and_a_relative_path_are_read(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DISENTLIB_CACHE", "~/kept")
    assert cache_folder() == tmp_path / "home" / "kept"
    monkeypatch.setenv("DISENTLIB_CACHE", "kept")
    assert cache_folder() == tmp_path / "kept"
    monkeypatch.delenv("DISENTLIB_CACHE")
    assert cache_folder() == tmp_path / "home" / ".cache" / "disentlib"


@pytest.mark.parametrize("given", ["sub", "~/sub"])
def test_the_root_stays_where_it_is(given, tmp_path):
    """In another folder, and for a process that is started there."""
    ask = "from disentlib.paths import RUNS; import os, subprocess, sys; os.chdir('/');"
    ask += "print(RUNS.resolve());"
    child = "from disentlib.paths import RUNS; print(RUNS.resolve())"
    run = subprocess.run(
        [
            sys.executable,
            "-c",
            f'{ask} subprocess.run([sys.executable, "-c", "{child}"])',
        ],
        env=os.environ | {"DISENTLIB_ROOT": given, "HOME": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=200,
    )
    runs = str(tmp_path.resolve() / "sub" / "runs")
    assert sorted(run.stdout.split()) == [runs, runs], run.stderr


def test_a_user_without_a_home_is_told_so_in_a_line(monkeypatch):
    def nobody(_):
        raise KeyError("unknown user id")

    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    with pytest.raises(ValueError, match="no home folder; set HOME, or give"):
        absolute_path("~/x")
