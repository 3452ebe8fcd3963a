"""The code of the pages is held to what the library is held to."""

import subprocess
import sys

import pytest

from disentlib.paths import ROOT

READS = (".ci/pages.py",)
PAGE = """---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# A page

Its prose may have lines as long as it likes, and that is what this line shows: it is long.

```{code-cell} ipython3
---
mystnb:
  image:
    alt: ALT
---
CODE
```
"""


def check(folder, code="x = 1", alt="A line"):
    page = folder / "page.md"
    page.write_text(PAGE.replace("CODE", code).replace("ALT", alt))
    return subprocess.run(
        [sys.executable, ROOT / ".ci" / "pages.py", page],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def test_good_code_passes(tmp_path):
    run = check(tmp_path)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import os", "F401"),  # unused
        ("print(y)", "F821"),  # not known
        ("x = 'single'", "would be reformatted"),
        ("x = " + "+".join("1" * 60), "22: 123 columns, more than 88"),
        ("x = (", "invalid-syntax"),
    ],
)
def test_bad_code_fails_and_is_named(tmp_path, code, said):
    run = check(tmp_path, code)
    assert run.returncode == 1 and said in run.stdout + run.stderr


def test_an_option_that_is_too_long_fails(tmp_path):
    run = check(tmp_path, alt="A line " * 12)
    assert run.returncode == 1 and "page.md:20: 93 columns" in run.stdout
