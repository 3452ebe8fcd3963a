"""What the papers of the project say can be done: here it is done."""

import re
import shutil
import subprocess
import sys
from importlib import metadata

import yaml

from disentlib import metrics
from disentlib.paths import ROOT

CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
EXAMPLE = """
from disentlib import metrics
from disentlib.sprites import FactorGrid

def test_its_value():
    grid = FactorGrid(("a", "b"), (3, 4))
    codes = metrics.designs.identity(grid)
    assert metrics.score_all(codes, grid, scores=["constant"]).value.tolist() == [1.0]
"""


def blocks(text, language):
    """The code blocks of a Markdown text, without the indentation that lists give them."""
    found = re.findall(
        rf"^( *)```{language}\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE
    )
    return [
        re.sub(rf"^{indent}", "", code, flags=re.MULTILINE) for indent, code in found
    ]


def patched(text, diff):
    """`text` after a diff whose hunks are found by their lines, each of them once."""
    for hunk in diff.split("@@\n")[1:]:
        lines = hunk.rstrip("\n").split("\n")
        old = "\n".join(line[1:] for line in lines if not line.startswith("+"))
        new = "\n".join(line[1:] for line in lines if not line.startswith("-"))
        assert text.count(old) == 1, f"CONTRIBUTING.md is behind the code: {old}"
        text = text.replace(old, new)
    return text


def test_a_score_is_added_by_the_example_alone(tmp_path):
    shutil.copytree(ROOT / "disentlib", tmp_path / "disentlib")
    shutil.copytree(ROOT / "tests", tmp_path / "tests")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    section = CONTRIBUTING.split("## Add a score")[1].split("\n## ")[0]
    (new,) = blocks(section, "python")
    (name,) = re.findall(r"\*\*Its file\*\*, `(.*?)`", section)
    (tmp_path / name).write_text(new)
    diffs = blocks(section, "diff")
    assert len(diffs) == 2  # with the file itself, three places
    for diff in diffs:
        path = tmp_path / re.search(r"^\+\+\+ b/(.*)$", diff, re.MULTILINE).group(1)
        path.write_text(patched(path.read_text(), diff))
    (tmp_path / "tests" / "test_constant.py").write_text(EXAMPLE)
    tests = ("tests/test_constant.py", "tests/metrics/test_suite.py")
    tests += ("-k", "constant and (value or signs or dimensions)")
    for command, says in (
        (["-m", "ruff", "check", "--no-cache", "disentlib"], "All checks passed"),
        (["-m", "ruff", "format", "--no-cache", "--check", "disentlib"], "formatted"),
        (["-m", "pytest", "-q", "-p", "no:cacheprovider", *tests], "3 passed"),
    ):
        done = subprocess.run(
            [sys.executable, *command], cwd=tmp_path, capture_output=True, text=True,
            env={"PYTHONPATH": str(tmp_path), "PATH": "", "HOME": str(tmp_path)},
        )  # fmt: skip
        assert done.returncode == 0 and says in done.stdout, done.stdout + done.stderr


def test_the_files_and_tools_that_contributing_names_are_there():
    for name in re.findall(
        r"`((?:disentlib|tests|studies|notebooks)/[\w/.]+)`", CONTRIBUTING
    ):
        if "mine." not in name and name != "disentlib/metrics/constant.py":
            assert (ROOT / name).exists(), name
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    asked = set(re.findall(r"(?:^|`)make ([a-z]+)\b", CONTRIBUTING, re.MULTILINE))
    assert "test" in asked and asked <= set(targets)


def test_the_readmes_examples_run_as_they_stand(capsys):
    for code in blocks((ROOT / "README.md").read_text(encoding="utf-8"), "python"):
        exec(code, {})
    values = {
        name: float(value)
        for _, name, value in re.findall(
            r"^(\d+)\s+(\w+)\s+([\d.]+)$", capsys.readouterr().out, re.M
        )
    }
    assert len(values) == len(metrics.SCORES) + 2 and min(values.values()) > 0.7


def test_the_changelog_knows_the_version():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## (\d+\.\d+\.\d+)", text, re.MULTILINE)
    assert metadata.version("disentlib") in versions
    assert versions == sorted(
        versions, key=lambda v: [*map(int, v.split("."))], reverse=True
    )


def test_hooks_are_commands_that_make_has_too():
    content = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    (local,) = content["repos"]
    assert local["repo"] == "local"
    layers = (ROOT / ".ci" / "layers.py").read_text()
    for hook in local["hooks"]:
        words = hook["entry"].removeprefix(".venv/bin/python ").split()
        tool = words[0].removeprefix(".venv/bin/")
        assert hook["language"] == "system" and f'"{tool}"' in layers, tool


def test_the_workflows_run_what_others_run():
    workflows = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
    tool = [sys.executable, "-m", "check_jsonschema", "--builtin-schema"]
    done = subprocess.run(
        [*tool, "vendor.github-workflows", *map(str, workflows)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    jobs = [yaml.safe_load(workflow.read_text())["jobs"] for workflow in workflows]
    steps = [step for own in jobs for job in own.values() for step in job["steps"]]
    commands = {step.get("run") for step in steps} - {None}
    assert commands == {".ci/run", ".ci/run retest"}
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o100


def test_types_are_shipped():
    assert (ROOT / "disentlib" / "py.typed").exists()
