"""One lock: what pyproject asks for, what the lock pins, what is installed, what conda
gets.
"""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from itertools import chain
from types import SimpleNamespace

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from disentlib.paths import ROOT
from disentlib.study import book


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def lock() -> dict[str, str]:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    pins = [line.split("==") for line in lines if line and not line.startswith("#")]
    assert all(len(pin) == 2 for pin in pins), "every line of the lock is name==version"
    return {canonical(name): version for name, version in pins}


def installed() -> dict[str, str]:
    return {canonical(d.metadata["Name"]): d.version for d in metadata.distributions()}


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_every_direct_dependency_is_pinned():
    asked = [
        *project()["dependencies"],
        *chain(*project()["optional-dependencies"].values()),
    ]
    names = {
        canonical(re.match(r"[\w.-]+", requirement).group()) for requirement in asked
    }
    assert names - lock().keys() == set()


def test_the_environment_is_the_lock():
    there = installed()
    differs = {
        name: (version, there.get(name))
        for name, version in lock().items()
        if there.get(name, "").split("+")[0] != version
    }
    assert differs == {}


def test_the_lock_is_closed():
    """Nothing that a pinned package needs is missing from the lock (CUDA libraries
    aside), or of another version: what `pip check` says, in a seventh of its time.
    """
    lines = {line for d in metadata.distributions() for line in d.requires or ()}
    asked = [Requirement(line) for line in lines]
    asked = [r for r in asked if not r.marker or r.marker.evaluate({"extra": ""})]
    there = installed()
    assert len(asked) > 100 and {canonical(r.name) for r in asked} <= there.keys()
    wrong = [
        r for r in asked if not r.specifier.contains(there[canonical(r.name)], True)
    ]
    assert wrong == []


def test_conda_enters_by_the_same_lock():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    *conda, pip = environment["dependencies"]
    python = next(entry for entry in conda if entry.startswith("python="))
    assert pip == {"pip": ["-r requirements.lock", "-e ."]}
    assert f">={python.removeprefix('python=')}" in project()["requires-python"]


@pytest.mark.parametrize(
    "folder", ["disentlib", "notebooks", "book", "studies", "results"]
)
def test_no_file_over_one_megabyte(folder):
    sizes = {path: path.stat().st_size for path in (ROOT / folder).rglob("*.*")}
    sizes = {path: n for path, n in sizes.items() if "__pycache__" not in path.parts}
    assert sizes and {path: n for path, n in sizes.items() if n > 1e6} == {}


def test_whoever_installs_the_library_has_all_of_it():
    """A face without its stub would show nothing."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    shipped = settings["setuptools"]["package-data"]
    files = [p for p in (ROOT / "disentlib").rglob("*.*") if p.is_file()]
    stubs = 0
    for path in files:
        if path.suffix == ".py" or "__pycache__" in path.parts:
            continue
        room = next(p for p in path.parents if (p / "__init__.py").exists())
        name = ".".join(room.relative_to(ROOT).parts)
        patterns = shipped.get("*", []) + shipped.get(name, [])
        assert any(path.relative_to(room).match(pattern) for pattern in patterns), path
        stubs += path.suffix == ".pyi"
    assert stubs >= 8


def test_an_environment_knows_the_folder_that_it_was_made_in(tmp_path):
    """Renamed or copied with its folder, it is made anew."""
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    ready = tmp_path / ".venv" / ".ready"
    ready.parent.mkdir()
    for text, made in ((f"{tmp_path}\n", False), ("/elsewhere\n", True), ("", True)):
        ready.write_text(text)
        plan = subprocess.run(
            ["make", "-n", "book"], cwd=tmp_path, capture_output=True, text=True
        )
        assert plan.returncode == 0, plan.stderr
        assert ("-m venv" in plan.stdout) == made


def test_compiled_modules_are_kept_whatever_the_caller_does():
    """Without them each of some hundred starts of Python takes seconds more."""
    shown = subprocess.run(
        ["make", "--no-print-directory", "--eval=shown: ; @env", "shown"],
        cwd=ROOT,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "PYTHONUNBUFFERED=1" in shown and "PYTHONDONTWRITEBYTECODE" not in shown


def test_two_builds_do_not_work_in_one_place(tmp_path, monkeypatch):
    """Each would remove what the other has made; a child of a killed one counts too."""
    monkeypatch.setattr(book, "BUILD", tmp_path)
    with (tmp_path / ".lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        child = subprocess.Popen(["sleep", "300"], pass_fds=(file.fileno(),))
    try:
        with pytest.raises(RuntimeError, match="another build is at work here"):
            book.build()
    finally:
        child.kill()
        child.wait()


def test_a_build_trusts_what_a_good_one_of_the_same_sources_left(tmp_path, monkeypatch):
    """Sphinx' files stay after success alone, and where the same tools read the pages;
    the library's own pages where it has not changed.
    """
    there, shown = [], SimpleNamespace(study=SimpleNamespace(name="quick"))

    def builds(*_):
        there.append({path.name for path in tmp_path.iterdir()} - {".lock"})
        there[-1] |= {path.name for path in tmp_path.glob(".doctrees/book/*")}
        for name in (".jupyter_cache", ".doctrees/book/api", "html"):
            (tmp_path / name).mkdir(exist_ok=True, parents=True)
        return code

    monkeypatch.setattr(book, "BUILD", tmp_path)
    monkeypatch.setattr(book, "in_its_own_time", builds)
    monkeypatch.setattr(book, "load_results", lambda: shown)
    monkeypatch.setattr(book, "place_models", lambda _: 0)
    outputs = {".jupyter_cache"}
    begun = outputs | {".doctrees", "html"}
    for code, tools, library, found in (
        (0, "a", "x", set()),
        (0, "a", "x", begun | {"api"}),  # the mark of the build before is gone
        (0, "a", "y", begun),
        (1, "b", "y", outputs),
        (1, "b", "y", outputs),
        (0, "b", "y", outputs),
        (1, "b", "y", begun | {"api"}),
        (0, "b", "y", outputs),
    ):
        there.clear()
        monkeypatch.setattr(book, "tools", lambda tools=tools: tools)
        monkeypatch.setattr(book, "whole_library", lambda library=library: library)
        assert book.build() == code and there[0] == found
        assert len([*tmp_path.glob("*.built")]) == 1 - code


def test_the_book_is_built_by_this_interpreter(tmp_path, monkeypatch):
    """Whatever jupyter-book comes first on the PATH."""
    called = []
    monkeypatch.setattr(book, "BUILD", tmp_path)
    monkeypatch.setattr(
        book, "in_its_own_time", lambda words, *_: called.append(words) or 0
    )
    monkeypatch.setattr(book, "place_models", lambda _: 0)
    assert book.build() == 0
    assert len(called) == 2 and {words[0] for words in called} == {sys.executable}
    tool = tmp_path / "jupyter-book"
    tool.write_text("#!/bin/sh\nexit 0\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    run = subprocess.run(
        [*called[1][: called[1].index("build")], "--version"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert "Jupyter Book" in run.stdout


def test_old_python_is_refused_in_one_line(tmp_path):
    old = tmp_path / "python3"
    old.write_text(
        f"#!{sys.executable}\nimport sys\nsys.version_info = (3, 9, 0)\nexec(sys.argv[2])\n"
    )
    old.chmod(0o755)
    make = subprocess.run(
        ["make", "setup", f"PYTHON={old}", f"VENV={tmp_path / 'venv'}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert make.returncode != 0
    assert "Python 3.9 is too old: install Python 3.11" in make.stderr
    assert not (tmp_path / "venv").exists()


def test_everything_that_is_pinned_installs_on_every_python_3_11():
    """Debian's is 3.11.2, and a lock made with a later one may ask for that."""
    asked = {name: metadata.metadata(name).get("Requires-Python") for name in lock()}
    too_new = {n: a for n, a in asked.items() if a and "3.11.0" not in SpecifierSet(a)}
    assert too_new == {}
