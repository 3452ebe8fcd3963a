"""Faces of rooms: names that are imported when somebody asks for them.

A file may need torch, trees or pandas, and who asks for another one of its room does
not wait for them. The stub beside a face, `__init__.pyi`, says which name comes from
where; type checkers read the same.
"""

import ast
import sys
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any


def late(room: str) -> list[str]:
    """Have a room, in whose `__init__.py` this is called, show the names of its stub,
    which are returned for `__all__`.

    Raises `AttributeError`, as Python does, for a name that is not among them.
    """
    module = sys.modules[room]
    places = shown_by(Path(str(module.__file__)).with_suffix(".pyi"), room)

    class Face(ModuleType):
        def __getattr__(self, name: str) -> Any:
            if name not in places:
                raise AttributeError(f"module {room!r} has no attribute {name!r}")
            found = import_module(places[name])
            value = getattr(found, name, found)  # else a file as a whole
            vars(self)[name] = value
            return value

        def __setattr__(self, name: str, value: Any) -> None:
            # Python sets each file that is imported under its name: a function of that
            # name, which the face shows, stays.
            if not isinstance(value, ModuleType) or places.get(name) != value.__name__:
                super().__setattr__(name, value)

        def __dir__(self) -> list[str]:
            return sorted({*vars(self), *places})

    module.__class__ = Face
    return [*places]


@cache
def shown_by(stub: Path, room: str) -> dict[str, str]:
    """The names that a stub shows, in its order, and the module that each is from."""
    places: dict[str, str] = {}
    names: list[str] = []
    for node in ast.parse(stub.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                places[alias.name] = node.module or f"{room}.{alias.name}"
        elif isinstance(node, ast.Assign):
            names = ast.literal_eval(node.value)
    return {name: places[name] for name in names}
