"""What decides which tests run: it looks at the files, whatever git knows of them."""

import ast
import os
import re
import runpy
import shutil
import subprocess
import sys

import pytest

from disentlib.paths import ROOT

LAYERS = runpy.run_path(str(ROOT / ".ci" / "layers.py"))


@pytest.fixture
def project(tmp_path):
    """A project that was never in git, in a folder with a space and an accent."""
    root = tmp_path / "ein Projekt é"
    (root / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "layers.py", root / ".ci")
    (root / "pyproject.toml").write_text("[tool.ruff]\n")
    for name in {*LAYERS["LAYERS"]["lint"].inputs} - {".ci", "pyproject.toml"}:
        (root / name).mkdir()
        (root / name / "a file.py").write_text("")
    (root / "disentlib" / "good.py").write_text("x = 1\n")
    return root


def lint(root):
    return subprocess.run(
        [sys.executable, root / ".ci" / "layers.py", "lint"],
        cwd=root, capture_output=True, text=True, timeout=100,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["broken.py", "two words.py", "größe.py"])
def test_a_library_that_does_not_parse_does_not_pass(project, name):
    (project / "disentlib" / name).write_text("def broken(:\n")
    run = lint(project)
    assert run.returncode != 0 and "assed" not in run.stdout
    assert name in run.stdout


def test_every_change_of_a_file_counts(project):
    layer = LAYERS["Layer"](("disentlib", "pyproject.toml"), ())
    seen = {LAYERS["digest"](project, layer)}
    (project / "disentlib" / "new").mkdir()
    for name in ("good.py", "new/two words.py", "größe.md"):
        path = project / "disentlib" / name
        path.write_text("x = 2\n")
        seen.add(LAYERS["digest"](project, layer))
        os.utime(path)  # a time is no change
        seen.add(LAYERS["digest"](project, layer))
    path.rename(path.with_name("other.md"))
    seen.add(LAYERS["digest"](project, layer))
    path.with_name("other.md").unlink()
    seen.add(LAYERS["digest"](project, layer))
    assert len(seen) == 5  # the last is the one before largest was added
    (project / "disentlib" / "__pycache__").mkdir()
    (project / "disentlib" / "__pycache__" / "x.pyc").write_text("")
    assert LAYERS["digest"](project, layer) in seen


@pytest.mark.parametrize(
    ("good", "changes", "remembered"),
    [(True, False, True), (True, True, False), (False, False, False)],
)
def test_a_layer_is_remembered_that_passed_on_what_is_there(
    project, monkeypatch, good, changes, remembered
):
    """Not one whose files changed while it ran, nor one that failed."""
    ran = []

    def passes(root, nice, words):
        if changes:
            (root / "disentlib" / "new.py").write_text("")
        ran.append(words)
        return good

    monkeypatch.setitem(LAYERS["run"].__globals__, "passes", passes)
    now = LAYERS["digest"](project, LAYERS["LAYERS"]["lint"])
    mark = project / "_build" / "passed" / "lint"
    mark.parent.mkdir(parents=True)
    mark.write_text("of other files")
    assert LAYERS["run"](project, "lint", now) == good
    assert mark.exists() == remembered
    times = len(ran)
    assert LAYERS["run"](project, "lint", now) == good
    assert (len(ran) == times) == remembered


def test_a_list_of_inputs_is_never_empty(project):
    shutil.rmtree(project / "disentlib")
    run = lint(project)
    assert run.returncode != 0 and "nothing to test there" in run.stderr
    assert len(run.stderr.splitlines()) == 1


def test_a_layer_reads_what_is_there():
    for name, layer in LAYERS["LAYERS"].items():
        found = LAYERS["files"](ROOT, layer.inputs, layer.without)
        assert len(found) > 20, name
        assert not [p for p in found if ".venv" in p.parts or "runs" in p.parts]
    layers = LAYERS["LAYERS"]
    unit = LAYERS["files"](ROOT, layers["unit"].inputs, layers["unit"].without)
    for name in ("README.md", "CITATION.cff", "LICENSE", "Makefile", "Snakefile"):
        assert ROOT / name in unit


def test_the_lower_rooms_and_their_tests_look_at_nothing_above():
    """So a change above them need not run them again."""
    layer, upper = LAYERS["LAYERS"]["lower"], LAYERS["UPPER"]
    found = LAYERS["files"](ROOT, layer.inputs, layer.without)
    looked = [path for path in found if path.parent.name in LAYERS["LOWER"]]
    assert len(looked) > 50
    above = {f"disentlib.{room}" for room in upper}
    above |= {
        path.stem for room in upper for path in (ROOT / "tests").glob(f"{room}/*.py")
    }
    place = re.compile(r'ROOT / (?!"notebooks" / "data")|STUDIES|RESULTS|"disentlib"')
    for path in looked:
        words = path.read_text()
        assert not above & set(imported(words)), path
        assert not place.search(words), path
    parts = {part for path in found for part in path.relative_to(ROOT).parts[:-1]}
    assert not parts & set(upper)


def imported(words):
    """All modules that a source imports, and packages that these lie in."""
    for node in ast.walk(ast.parse(words)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            start = f"{getattr(node, 'module', None) or ''}."
            for alias in node.names:
                parts = f"{start}{alias.name}".strip(".").split(".")
                yield from (".".join(parts[:n]) for n in range(1, len(parts) + 1))
