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

from disentlib.faces import shown_by

HERE = Path(__file__).parent
# Code that another process is given, as text, imports too.
_NAME = re.compile(rf"{HERE.name}(?:\.\w+)+")
_IMPORT = re.compile(rf"from ({HERE.name}[\w.]*) import (?:\(([\w,\s]+)\)|([\w, ]+))")


def read_by(code: str) -> frozenset[Path]:
    """The files of the library that `code`, Python's, imports or names in a text, those
    that these import, and so on.

    Of what a room shows, the names count that are asked for. Raises `SyntaxError` for
    what is no Python.

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
    return (
        _files(path.read_text(encoding="utf-8"))
        if path.suffix == ".py"
        else frozenset()
    )


def _files(code: str) -> frozenset[Path]:
    """The files that some code imports itself, with the faces of their rooms."""
    names = _names(ast.parse(code))
    return frozenset().union(*map(_of_name, names))


@cache
def _of_name(name: str) -> frozenset[Path]:
    """The files that are imported for a dotted name: for a room's, those of all that
    the room shows.
    """
    library, *parts = name.split(".")
    if library != HERE.name:
        return frozenset()
    found, shown = {HERE / "__init__.py"}, dict[str, str]()
    for number, part in enumerate(parts, 1):
        place = HERE.joinpath(*parts[:number])
        stub = place / "__init__.pyi"
        here = {place.with_suffix(".py"), place / "__init__.py", stub}
        here = {path for path in here if path.is_file()}
        if not here:  # a name in a file, or one of a face, and any if it is unknown
            shown = {part: shown[part]} if part in shown else shown
            break
        found |= here
        room = ".".join((library, *parts[:number]))
        shown = shown_by(stub, room) if stub in here else {}
    return frozenset(found).union(*map(_of_name, shown.values()))


def _names(tree: ast.AST) -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue  # a docstring runs nowhere
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Attribute):
            yield ast.unparse(node)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from _NAME.findall(node.value)
            for room, *names in _IMPORT.findall(node.value):
                words = map(str.split, "".join(names).split(","))
                yield from (f"{room}.{word[0]}" for word in words if word)
        yield from _names(node)
