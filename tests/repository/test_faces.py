"""What a room shows: every name of its face is there, says what it is, and shows what it
gives; what begins with an underscore stays in its file.
"""

import ast
import doctest
import pickle
import re
import subprocess
import sys
from importlib import import_module
from inspect import getdoc, isclass, isfunction, ismodule

import jupytext
import pytest

from disentlib.faces import shown_by
from disentlib.paths import ROOT
from disentlib.study import forked

FILES = sorted((ROOT / "disentlib").rglob("*.py"))
ROOMS = sorted(path.parent.name for path in FILES if path.name == "__init__.py")
ROOMS = [room for room in ROOMS if (ROOT / "disentlib" / room).is_dir()]
EXAMPLES = [path for path in FILES if ">>> " in path.read_text()]


def module(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


@pytest.mark.parametrize("room", ROOMS)
def test_every_name_of_a_face_is_there_and_documented(room):
    face = import_module(f"disentlib.{room}")
    assert face.__doc__ and len(face.__all__) >= 2
    assert list(face.__all__) == sorted(set(face.__all__), key=sort_key)
    for name in face.__all__:
        thing = getattr(face, name)
        assert not name.startswith("_")
        if isfunction(thing) or isclass(thing) or ismodule(thing):
            # A dataclass without a docstring has its signature for one.
            assert getdoc(thing) and not getdoc(thing).startswith(f"{name}("), name
    page = (ROOT / "book" / "api" / f"{room}.md").read_text()
    assert f".. automodule:: disentlib.{room}\n   :members:" in page


def test_a_face_shows_a_function_whatever_was_imported_before():
    """Python calls a file of a room by the name that the face has for its function."""
    for first in ("", "import disentlib.metrics.irs\n"):
        code = f"{first}import sys\nfrom disentlib import metrics\n"
        code += "assert callable(metrics.irs) and callable(metrics.designs.identity)\n"
        code += "from disentlib.metrics import irs\nassert callable(irs)\n"
        code += "from disentlib.metrics.irs import TRAIN\n"
        code += "assert callable(metrics.irs) and 'dci' in dir(metrics)\n"
        code += "assert not {'disentlib.metrics.suite', 'torch'} & {*sys.modules}\n"
        subprocess.run([sys.executable, "-c", code], check=True)
    metrics = import_module("disentlib.metrics")
    with pytest.raises(AttributeError, match=r"'disentlib.metrics' has no .* 'typo'"):
        _ = metrics.typo


def test_a_face_shows_what_its_room_has():
    """Rules of import are held to by files; of stubs, here."""
    for stub in (ROOT / "disentlib").rglob("__init__.pyi"):
        room = module(stub.parent / "x").removesuffix(".x")
        places = shown_by(stub, room)
        assert places and all(p.startswith(f"{room}.") for p in places.values()), stub


def test_a_face_can_be_sent_to_another_process():
    models = import_module("disentlib.models")
    assert pickle.loads(pickle.dumps(models)) is models


def test_what_a_test_puts_in_a_face_can_be_taken_back():
    models, metrics = (import_module(f"disentlib.{r}") for r in ("models", "metrics"))
    for face, name in ((models, "objectives"), (metrics, "designs"), (metrics, "dci")):
        before = getattr(face, name)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(face, name, None)
            assert getattr(face, name) is None
        assert getattr(face, name) is before


@pytest.mark.parametrize(
    "code, said",
    [("import numpy\nnumpy.nope", "room.own: .* 'nope'"), ("", "name 'shown'")],
)
def test_a_face_says_what_a_file_of_its_room_lacks(tmp_path, code, said):
    (tmp_path / "room").mkdir()
    face = "from disentlib.faces import late\n__all__ = late(__name__)\n"
    (tmp_path / "room" / "__init__.py").write_text(face)
    stub = 'from room.own import shown\n__all__ = ["shown"]\n'
    (tmp_path / "room" / "__init__.pyi").write_text(stub)
    (tmp_path / "room" / "own.py").write_text(code)
    run = [sys.executable, "-c", "from room import shown"]
    ended = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True)
    last = ended.stderr.splitlines()[-1]
    assert last.startswith("ImportError") and re.search(said, last)


def test_what_forks_of_pages_have_before_is_there():
    """The server passes over what it cannot import."""
    for name in forked.IMPORTS:
        assert import_module(name)


def sort_key(name):
    """As ruff sorts a face: constants, classes, functions."""
    kind = 0 if name.isupper() else 1 if name[0].isupper() else 2
    return kind, name


def code_of_pages():
    for page in sorted((ROOT / "notebooks").glob("*.md")):
        cells = jupytext.read(page).cells
        yield page, "\n".join(c.source for c in cells if c.cell_type == "code")


def test_what_begins_with_an_underscore_is_used_in_its_own_file_only():
    sources = [(path, path.read_text()) for path in FILES] + list(code_of_pages())
    found = []
    for path, source in sources:
        modules = set()
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ImportFrom) and "disentlib" in (node.module or ""):
                modules |= {alias.asname or alias.name for alias in node.names}
                found += [(path.name, a.name) for a in node.names if private(a.name)]
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Attribute) and private(node.attr):
                owner = getattr(node.value, "id", None)
                found += [(path.name, f"{owner}.{node.attr}")] * (owner in modules)
    assert found == []


def private(name):
    return name.startswith("_") and not name.startswith("__")


def test_the_readme_uses_faces_alone():
    """What is promised to others is what a face shows."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    assert blocks
    for node in ast.walk(ast.parse("\n".join(blocks))):
        if isinstance(node, ast.ImportFrom) and "disentlib" in node.module:
            names = {alias.name for alias in node.names}
            face = import_module(node.module)
            assert names <= {*getattr(face, "__all__", ROOMS)}, node.module


@pytest.mark.parametrize("path", EXAMPLES, ids=module)
def test_examples_in_docstrings_give_what_they_say(path):
    result = doctest.testmod(import_module(module(path)), optionflags=doctest.ELLIPSIS)
    assert result.attempted > 0 and result.failed == 0


def test_every_room_has_examples():
    with_examples = {path.relative_to(ROOT / "disentlib").parts[0] for path in EXAMPLES}
    assert with_examples >= set(ROOMS)
