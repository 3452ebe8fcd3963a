"""Which files of the library run where some code does."""

import subprocess
import sys

import pytest

from disentlib.imports import HERE, read_by


def names(code):
    return {path.relative_to(HERE).as_posix() for path in read_by(code)}


def test_what_is_imported_is_followed_to_its_end():
    found = names("from disentlib.metrics.dci import dci")
    assert {"__init__.py", "metrics/__init__.py", "metrics/dci.py"} <= found
    assert {"metrics/__init__.pyi", "checks.py"} <= found
    above = ("study", "scoring", "metrics/suite")
    assert not {name for name in found if name.startswith(above)}


@pytest.mark.parametrize(
    "code",
    [
        "def later():\n    from disentlib.study import words",
        "mock.setattr('disentlib.study.words.count', 1)",
        "run([python, '-c', 'from disentlib.study import words'])",
        "f'import sys; from disentlib.study import style, words; print({x})'",
        'print("""\n    from disentlib.study import words\n""")',
        "run('from disentlib.study import (\\n    style,\\n    words as w,\\n)')",
        "import disentlib.study.style\ndisentlib.study.words.count()",
    ],
)
def test_no_import_is_overlooked(code):
    assert "study/words.py" in names(code)


def test_a_name_of_a_face_counts_for_who_asks():
    assert "metrics/dci.py" in names("from disentlib.metrics import dci")
    assert "metrics/sap.py" not in names("from disentlib.metrics import dci")
    assert "metrics/sap.py" in names("from disentlib.metrics import not_there")
    assert "study/plan.py" not in names("from disentlib.study import style")
    assert "study/plan.py" in names("from disentlib.study import load_study")
    assert "study/plan.py" in names("from disentlib import study")
    assert "study/plan.py" in names("import disentlib.study as s")


def test_other_code_reads_nothing():
    assert names("import numpy\nfrom os import path") == set()
    with pytest.raises(SyntaxError):
        read_by("def broken(:")


@pytest.mark.parametrize("module", ["study.style", "models.layers", "course.plans"])
def test_what_python_imports_is_among_it(module):
    code = f"import disentlib.{module}, sys; print(*(m.__file__ for n, m in sys.modules.items() if n.split('.')[0] == 'disentlib'))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert set(loaded) <= {str(path) for path in read_by(f"import disentlib.{module}")}
    assert len(loaded) >= 3
