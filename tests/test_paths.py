"""Places that the environment names."""

import pwd

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


def test_a_user_without_a_home_is_told_so_in_a_line(monkeypatch):
    def nobody(_):
        raise KeyError("unknown user id")

    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    with pytest.raises(ValueError, match="no home folder; set HOME or DISENTLIB_C"):
        absolute_path("~/x")
