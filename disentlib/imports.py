"""Which files of this library run where some code does: what it imports, and so on.

Nothing is imported to find out; the sources are read.
"""

import ast
import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import TypeGuard

HERE = Path(__file__).parent
# Code that another process is given, as text, imports too.
_NAME = re.compile(rf"{HERE.name}(?:\.\w+)+")
_IMPORT = re.compile(rf"from ({HERE.name}[\w.]*) import ([\w, ]+)")


def read_by(code: str) -> frozenset[Path]:
    """The files of the library that `code`, Python's, imports or names in a text, those
    that these import, and so on.

    What a face imports late, for the names that are asked for, counts for nobody who
    asks for none. Raises `SyntaxError` for what is no Python.

    >>> sorted(path.name for path in read_by("from disentlib.checks import checked"))
    ['__init__.py', 'checks.py']
    """
    found: set[Path] = set()
    new = _files(code)
    while new:
        found |= new
        new = frozenset().union(*map(_read_by_file, new)) - found
    return frozenset(found)


def digest_of(files: Iterable[Path], text: str = "") -> str:
    """SHA-256 of a text and of files, their places beside the library and contents."""
    sha = hashlib.sha256(text.encode())
    for file in sorted(files):
        sha.update(os.path.relpath(file, HERE.parent).encode() + file.read_bytes())
    return sha.hexdigest()


@cache
def _read_by_file(path: Path) -> frozenset[Path]:
    return _files(path.read_text(encoding="utf-8"))


def _files(code: str | ast.AST) -> frozenset[Path]:
    """The files that some code imports itself, with the faces of their rooms."""
    found = set()
    for name in _names(ast.parse(code) if isinstance(code, str) else code):
        room, *parts = name.split(".")
        if room != HERE.name:
            continue
        found.add(face := HERE / "__init__.py")
        here: set[Path] = set()
        for number in range(1, len(parts) + 1):
            place = HERE.joinpath(*parts[:number])
            here = {place.with_suffix(".py"), place / "__init__.py"}
            here = {path for path in here if path.is_file()}
            found |= here
            face = place / "__init__.py" if here else face
        if (not here or face in here) and face.is_file():  # for a name, or for any
            found |= _late(face)
    return frozenset(found)


@cache
def _late(face: Path) -> frozenset[Path]:
    """What a face imports where it is asked for a name."""
    every = ast.parse(face.read_text(encoding="utf-8")).body
    return frozenset().union(
        *(_files(ast.Module(n.body, [])) for n in every if _is_late(n))
    )


def _is_late(node: ast.AST) -> TypeGuard[ast.FunctionDef]:
    return isinstance(node, ast.FunctionDef) and node.name == "__getattr__"


def _names(tree: ast.AST) -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        if _is_late(node):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from _NAME.findall(node.value)
            for room, names in _IMPORT.findall(node.value):
                yield from (f"{room}.{name.strip()}" for name in names.split(","))
        yield from _names(node)
