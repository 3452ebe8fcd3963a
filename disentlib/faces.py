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

    Raises `AttributeError`, as Python does, for a name that is not among them, and
    `ImportError` for a file that cannot be imported.
    """
    module = sys.modules[room]
    places = shown_by(Path(str(module.__file__)).with_suffix(".pyi"), room)

    class Face(ModuleType):
        def __getattr__(self, name: str) -> Any:
            if name not in places:
                raise AttributeError(f"module {room!r} has no attribute {name!r}")
            try:
                found = import_module(places[name])
            except AttributeError as error:  # Python would say that the name is missing
                raise ImportError(f"{places[name]}: {error}") from error
            whole = places[name] == f"{room}.{name}"  # a file, or what has its name
            value = getattr(found, name, found) if whole else getattr(found, name)
            vars(self)[name] = value
            return value

        def __setattr__(self, name: str, value: Any) -> None:
            # Python sets each file, when it is imported first, under its name here: a
            # function of that name is what the face shows.
            file = isinstance(value, ModuleType) and places.get(name) == value.__name__
            if not file or name in vars(self):
                super().__setattr__(name, value)

        def __reduce__(self) -> tuple[Any, ...]:  # cloudpickle sees no module in it
            return import_module, (room,)

        def __dir__(self) -> list[str]:
            return sorted({*vars(self), *places})

    module.__class__ = Face
    return [*places]


@cache
def shown_by(stub: Path, room: str) -> dict[str, str]:
    """The names that a stub shows, in its order, and the module that each is from; a
    file of the room itself comes by `from . import`.
    """
    places: dict[str, str] = {}
    names: list[str] = []
    for node in ast.parse(stub.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                own = node.module in (None, room)
                places[alias.name] = f"{room}.{alias.name}" if own else str(node.module)
        elif isinstance(node, ast.Assign):
            names = ast.literal_eval(node.value)
    return {name: places[name] for name in names}
