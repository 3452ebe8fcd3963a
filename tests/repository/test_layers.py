"""What decides which tests run: it looks at the files, whatever git knows of them."""

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from copies import read_by_test

from disentlib.paths import ROOT

LAYERS = runpy.run_path(str(ROOT / ".ci" / "layers.py"))
READS, UNIT = LAYERS["reads"], LAYERS["unit"]


@pytest.fixture
def project(tmp_path):
    """A project that was never in git, in a folder with a space and an accent."""
    root = tmp_path / "ein Projekt é"
    (root / ".ci").mkdir(parents=True)
    for script in (ROOT / ".ci").glob("*.py"):
        shutil.copy(script, root / ".ci")
    (root / "pyproject.toml").write_text("[tool.ruff.lint]\nselect = ['E9']\n")
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
        found = READS.files(ROOT, layer.inputs, layer.without)
        assert len(found) > 20, name
        assert not [p for p in found if ".venv" in p.parts or "runs" in p.parts]
    layers = LAYERS["LAYERS"]
    unit = READS.files(ROOT, layers["unit"].inputs, layers["unit"].without)
    for name in ("README.md", "CITATION.cff", "LICENSE", "Makefile", "Snakefile"):
        assert ROOT / name in unit


def reads_of(name):
    """What a file of tests reads, by its path in the repository."""
    return read_by_test(ROOT / "tests" / name)


def test_a_file_of_tests_reads_what_it_imports():
    found = reads_of("metrics/test_values.py")
    assert {"tests/metrics/test_values.py", "tests/conftest.py"} <= found
    assert {"disentlib/metrics/dci.py", "disentlib/sprites/grid.py"} <= found
    assert {"pyproject.toml", "requirements.lock"} <= found
    above = (
        "disentlib/study",
        "disentlib/scoring",
        "notebooks/elbo",
        "results",
        "book",
    )
    assert not {name for name in found if name.startswith(above)}


def test_a_helper_of_a_conftest_is_read_by_who_has_its_fixtures():
    assert "tests/small_runs.py" in reads_of("scoring/test_codes.py")
    assert "tests/synthetic_study.py" in reads_of("study/test_verdicts.py")


def test_tests_find_what_they_share_where_pytest_does():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    paths = settings["tool"]["pytest"]["ini_options"]["pythonpath"]
    assert sorted(paths) == sorted(READS.SHARED)


def test_a_helper_of_tests_is_read_by_who_imports_it():
    found = reads_of("training/test_resume.py")
    assert {"tests/small_runs.py", "disentlib/training/loop.py"} <= found
    assert "tests/synthetic_study.py" not in found


def test_tests_above_read_pages_and_results_and_those_of_commands_all():
    found = reads_of("study/test_effects.py")
    assert {"notebooks/results.md", "results/desk/table.csv", "README.md"} <= found
    assert "disentlib/course/slides.py" not in found
    whole = {p.relative_to(ROOT).as_posix() for p in READS.files(ROOT, (".",))}
    for name in ("repository/test_packaging.py", "test_files.py"):
        assert reads_of(name) == whole
    library = {name for name in whole if re.fullmatch(r"disentlib/.*\.py", name)}
    assert library <= reads_of("study/test_cards.py")  # it runs pages


def test_tests_that_say_what_they_run_read_no_more():
    found = reads_of("study/test_commands.py")
    assert {"disentlib/pages.py", "disentlib/study/book.py", "README.md"} <= found
    assert "disentlib/study/verdicts.py" not in found
    found = reads_of("study/test_results_page.py")
    assert {"disentlib/study/verdicts.py", "notebooks/results.md"} <= found
    assert "disentlib/study/recipes.py" not in found
    assert ".ci/pages.py" in reads_of("repository/test_page_code.py")


def test_the_lower_rooms_tests_read_no_text_and_no_results():
    place = re.compile(r'ROOT / (?!"notebooks" / "data")|STUDIES|RESULTS|"disentlib"')
    looked = [path for room in READS.LOWER for path in (ROOT / room).glob("*.py")]
    assert len(looked) > 20
    for path in looked:
        assert not place.search(path.read_text()), path


@pytest.fixture
def two(tmp_path, monkeypatch):
    """Two files of tests in a project, of which each reads itself; what was run."""
    for name in ("a", "b"):
        path = tmp_path / "tests" / "study" / f"test_{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("def test_it(): pass\n")
    monkeypatch.setattr(READS, "of_a_test", lambda root, test, every: [test])
    ran = []

    def code_of(root, nice, words, good):
        files = [word for word in words if word.startswith("tests/")]
        ran.append(sorted(Path(name).stem for name in files))
        bad = [n for n in files if "assert False" in (root / n).read_text()]
        case = "<testcase classname='tests.study.{}' name='it' time='{}'>{}</testcase>"
        report = UNIT.report_of(root, words)
        report.parent.mkdir(parents=True, exist_ok=True)
        cases = "".join(
            case.format(Path(n).stem, t, "<failure/>" * (n in bad))
            for n in files
            for t in (1.5, 2)
        )
        report.write_text(f"<testsuites>{cases}</testsuites>")
        return 1 if bad else 0

    monkeypatch.setattr(UNIT, "code_of", code_of)
    monkeypatch.setattr(UNIT, "SHARES", 1)
    return tmp_path, ran


def test_only_files_of_tests_that_read_something_else_are_run(two):
    root, ran = two
    for _ in range(2):
        assert UNIT.passing(root, (), 0)
    (root / "tests" / "study" / "test_a.py").write_text("def test_it(): assert True\n")
    assert UNIT.passing(root, (), 0)
    assert UNIT.passing(root, (), 0, again=True)
    assert ran == [["test_a", "test_b"], ["test_a"], ["test_a", "test_b"]]


def test_of_files_of_tests_those_that_failed_are_run_again(two):
    root, ran = two
    (root / "tests" / "study" / "test_b.py").write_text("def test_it(): assert False\n")
    assert not UNIT.passing(root, (), 0)
    assert not UNIT.passing(root, (), 0)
    assert ran == [["test_a", "test_b"], ["test_b"]]


def test_a_file_of_tests_that_is_left_out_is_not_run(two):
    root, ran = two
    assert UNIT.passing(root, ("tests/study/test_a.py",), 0)
    assert ran == [["test_b"]]


def test_shares_take_about_as_long(monkeypatch):
    a, b, c, d = (f"tests/study/test_{name}.py" for name in "abcd")
    monkeypatch.setattr(UNIT, "SHARES", 2)
    seconds = {a: 9, b: 7, c: 5, d: 4}
    assert UNIT.shares([a, b, c, d], seconds) == [[a, d], [b, c]]
    assert UNIT.shares([b], seconds) == [[b], []]


def test_a_long_file_that_never_ran_is_guessed_to_take_long(two, monkeypatch):
    root, _ = two
    given = []
    monkeypatch.setattr(UNIT, "shares", lambda _, seconds: given.append(seconds) or [])
    long = root / "tests" / "study" / "test_a.py"
    long.write_text("def test_it(): pass\n" * 750)
    known = root / "_build" / "durations" / "seconds.json"
    known.parent.mkdir(parents=True)
    known.write_text(json.dumps({"tests/study/test_b.py": 3}))
    UNIT.passing(root, (), 0)
    assert given == [{"tests/study/test_a.py": 20, "tests/study/test_b.py": 3}]


def test_what_a_file_took_is_kept(two):
    """Its tests together; of one that failed, what it took when it passed."""
    root, _ = two
    known = root / "_build" / "durations" / "seconds.json"
    assert UNIT.passing(root, (), 0)
    taken = {f"tests/study/test_{name}.py": 3.5 for name in "ab"}
    assert json.loads(known.read_text()) == taken
    (root / "tests" / "study" / "test_b.py").write_text("def test_it(): assert False\n")
    known.write_text(json.dumps(taken | {"tests/study/test_b.py": 7.0}))
    assert not UNIT.passing(root, (), 0, again=True)
    assert json.loads(known.read_text()) == taken | {"tests/study/test_b.py": 7.0}
    known.write_text("{")  # by a kill
    assert not UNIT.passing(root, (), 0, again=True)


def test_what_pytest_did_not_run_did_not_pass(tmp_path, monkeypatch):
    """Here pytest itself runs: a file that cannot be read stops no other, and where it
    is stopped no file passes.
    """
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    files = {
        "a": "def test_it(): assert False",
        "b": "import not_there",
        "c": "def test_it(): pass",
        "d": "def broken(:",
    }
    for name, code in files.items():
        path = tmp_path / "tests" / "study" / f"test_{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code)
    monkeypatch.setattr(READS, "of_a_test", lambda root, test, every: [test])
    monkeypatch.setattr(UNIT, "SHARES", 1)
    mark = tmp_path / "_build" / "passed" / "tests.json"
    assert not UNIT.passing(tmp_path, (), 0)
    assert [*json.loads(mark.read_text())] == ["tests/study/test_c.py"]
    stop = "import pytest\ndef test_it(): pytest.exit('stopped')"
    (tmp_path / "tests" / "study" / "test_b.py").write_text(stop)
    (tmp_path / "tests" / "study" / "test_c.py").write_text(files["c"] + "  # changed")
    mark.write_text(mark.read_text()[:-5])  # by a kill
    assert not UNIT.passing(tmp_path, (), 0)
    assert json.loads(mark.read_text()) == {}


def test_a_file_of_tests_that_does_not_parse_reads_everything(tmp_path):
    test = tmp_path / "tests" / "metrics" / "test_broken.py"
    test.parent.mkdir(parents=True)
    test.write_text("def broken(:")
    for name in READS.OF_EVERY_TEST:
        (tmp_path / name).touch()
    assert READS.of_a_test(tmp_path, test, [test]) == [test]
