"""One page, one run: checked before it starts, and whole or not there."""

import os
import signal
import subprocess

import jupytext
import nbformat
import papermill
import pytest

from disentlib import pages
from disentlib.__main__ import main as command
from disentlib.pages import (
    checked_parameters,
    declared_parameters,
    from_text,
)
from disentlib.paths import ROOT
from disentlib.training.configuration import TrainingConfig


def main(words):
    return command(["page", *words])


PAGE = """---
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# A page

```{code-cell} ipython3
:tags: [parameters]
D: int = 10  # dimensions
rate: float = 1e-3
name: str = "x"
flag: bool = False
many: list = []
```

```{code-cell} ipython3
if D < 0:
    raise ValueError(f"D {D} is negative; give 1 or more")
print(D * 2, rate, name, flag, many)
```
"""


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "page.md"
    path.write_text(PAGE)
    return path


def outputs(path):
    cells = nbformat.read(path, as_version=4).cells
    return "".join(o.get("text", "") for cell in cells for o in cell.get("outputs", []))


def test_parameters_reach_the_page_and_only_a_whole_run_has_its_name(
    page, tmp_path, capfd
):
    out = tmp_path / "deep" / "out.ipynb"
    values = {
        "D": "3",
        "rate": "2",
        "name": "beta_vae",
        "flag": "true",
        "many": "[1,2]",
    }
    assert (
        main(
            [
                str(page),
                str(out),
                *(w for pair in values.items() for w in ("-p", *pair)),
            ]
        )
        == 0
    )
    assert "6 2.0 beta_vae True [1, 2]" in outputs(out)
    assert [path.name for path in out.parent.iterdir()] == ["out.ipynb"]

    again = tmp_path / "again.ipynb"
    assert main([str(page), str(again), "-p", "D", "-1"]) == 1
    assert (
        "ValueError: D -1 is negative; give 1 or more"
        in capfd.readouterr().err.splitlines()[-1]
    )
    assert not again.exists() and (tmp_path / "again.failed.ipynb").exists()


@pytest.mark.parametrize(
    "given, complaint",
    [
        ({"DD": "3"}, "unknown parameter DD"),
        ({"D": "3.5"}, "D '3.5' must be of type int"),
        ({"D": "three"}, "D 'three' must be of type int"),
        ({"flag": "1"}, "flag '1' must be of type bool"),
        ({"rate": "nan"}, "rate nan must be finite"),
        ({"many": "3"}, "many 3 must be a list"),
    ],
)
def test_bad_parameters_are_refused_before_anything_starts(
    page, tmp_path, capfd, given, complaint
):
    out = tmp_path / "out.ipynb"
    assert (
        main(
            [str(page), str(out), *(w for pair in given.items() for w in ("-p", *pair))]
        )
        == 2
    )
    error = capfd.readouterr().err
    assert complaint in error and len(error.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["page.md"]


@pytest.mark.parametrize("name", ["out.ipynb", "out", "out.html"])
def test_an_output_that_cannot_be_is_refused_before_anything_starts(
    page, tmp_path, capfd, monkeypatch, name
):
    monkeypatch.setattr(pages, "read_page", lambda _: pytest.fail("it was begun"))
    out = tmp_path / name
    if name != "out.html":
        out.mkdir()
    assert main([str(page), str(out)]) == 2
    said = f"error: {out}: the executed notebook must be a file *.ipynb\n"
    assert capfd.readouterr().err == said


def test_a_missing_page_and_one_without_parameters(tmp_path, capfd):
    assert main([str(tmp_path / "no.md"), str(tmp_path / "out.ipynb")]) == 2
    assert "no such page" in capfd.readouterr().err
    (tmp_path / "plain.md").write_text("# Nothing to set\n")
    assert (
        main([str(tmp_path / "plain.md"), str(tmp_path / "out.ipynb"), "-p", "D", "3"])
        == 2
    )
    assert "takes none" in capfd.readouterr().err


@pytest.mark.parametrize(
    "text, kind, value",
    [
        ("10", "int", 10),
        ("10", "float", 10.0),
        ("1e-3", "float", 1e-3),
        ("true", "bool", True),
        ("False", "bool", False),
        ("beta_vae", "str", "beta_vae"),
        ("20261125", "str", "20261125"),  # a folder's name may look like a number
        ("None", "str", "None"),
        ("[1, 2]", "list", [1, 2]),
    ],
)
def test_values_of_the_command_line_are_read_by_their_declared_type(text, kind, value):
    found = from_text(text, kind)
    assert found == value and type(found) is type(value)


def test_the_training_page_has_exactly_the_settings_of_a_run():
    page = ROOT / "notebooks" / "training.md"
    declared = declared_parameters(jupytext.read(page), page)
    assert declared.keys() - {"folder"} == set(TrainingConfig.__dataclass_fields__)
    checked_parameters(
        declared, {name: default for name, (_, default) in declared.items()}, page
    )
    source = page.read_text()
    assert all(f"    {name}=" in source for name in TrainingConfig.__dataclass_fields__)


def test_the_thesis_settings_pass_through_plain_papermill(page, tmp_path):
    notebook = tmp_path / "page.ipynb"
    jupytext.write(jupytext.read(page), notebook)
    papermill.execute_notebook(
        str(notebook),
        str(tmp_path / "o.ipynb"),
        {"D": 4},
        progress_bar=False,
        kernel_name="python3",
    )
    assert "8 0.001 x False []" in outputs(tmp_path / "o.ipynb")


def test_figures_stay_in_the_page_whatever_backend_the_caller_set(
    page, tmp_path, monkeypatch
):
    monkeypatch.setenv("MPLBACKEND", "agg")
    plot = "\nimport matplotlib.pyplot as plt\nplt.plot([0, 1])\nplt.show()\n```\n"
    page.write_text(PAGE.removesuffix("```\n") + plot)
    out = tmp_path / "out.ipynb"
    assert main([str(page), str(out)]) == 0
    cells = nbformat.read(out, as_version=4).cells
    kinds = [
        o.get("data", {}).keys() for cell in cells for o in cell.get("outputs", [])
    ]
    assert any("image/png" in kind for kind in kinds)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_before_there_is_a_kernel_stops_at_once(number):
    with subprocess.Popen(["sleep", "600"]) as other:
        with pytest.raises(pages.Stopped), pages.handing_on() as told:
            os.kill(os.getpid(), number)
        assert told == [number] and other.poll() is None
        other.kill()


@pytest.mark.parametrize("answer, code", [("exit 7", 7), ("", -signal.SIGKILL)])
def test_a_kernel_is_told_and_killed_if_it_does_not_mind(answer, code, monkeypatch):
    script = f"trap '{answer}' TERM; echo up; while :; do sleep 0.05; done"
    monkeypatch.setattr(pages, "GRACE", 0.5 if code < 0 else 200)
    # One that was there before is somebody else's, and is not told.
    with (
        subprocess.Popen(["sleep", "600"]) as other,
        pages.handing_on() as told,
        subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE) as kernel,
    ):
        try:
            assert kernel.stdout.readline() == b"up\n"
            os.kill(os.getpid(), signal.SIGTERM)
            assert kernel.wait(timeout=60) == code
            assert told == [signal.SIGTERM] and other.poll() is None
        finally:
            kernel.kill()
            other.kill()
