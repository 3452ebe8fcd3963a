"""A Sphinx extension: docstrings of the library as the book's API pages show them.

What stands between backticks becomes a link where there is something to link to: a
label `eq-…` to the book's equation, the name of a public function or class to its
entry. All else becomes code. Used by `_config.yml`; nothing else imports this file.
"""

import re
from collections.abc import Collection
from importlib import import_module
from inspect import signature
from types import ModuleType
from typing import Any

from numpy.typing import ArrayLike
from sphinx.application import Sphinx
from sphinx.util.typing import stringify_annotation

_MARKED = re.compile(r"(?<![`:\w])`([^`]+)`(?!`)|([|*])")


def linked(
    text: str, names: Collection[str] = (), room: str = "", own: Collection[str] = ()
) -> str:
    """A docstring's `text` in reStructuredText; `names` are full names that have an
    entry.

    A name is found within its own room, or by its last two parts; those of the
    function's `own` parameters are not looked for.

    >>> linked("Equation `eq-mig` in the book.")
    'Equation :eq:`eq-mig` in the book.'
    >>> linked("As `mig` of `codes`.", ["disentlib.metrics.mig"], "disentlib.metrics")
    'As :py:obj:`mig <disentlib.metrics.mig>` of ``codes``.'
    """
    entries = {".".join(name.split(".")[-2:]): name for name in names}
    entries |= {n.split(".")[-1]: n for n in names if n.startswith(f"{room}.") and room}

    def role(found: re.Match[str]) -> str:
        quoted, mark = found.groups()
        if mark:  # that of a probability or a product, and none of markup
            return f"\\{mark}"
        word = " ".join(quoted.split())
        if re.fullmatch(r"eq-[\w-]+", word):
            return f":eq:`{word}`"
        if word in entries and word not in own:
            return f":py:obj:`{word} <{entries[word]}>`"
        return f"``{word}``"

    paragraphs = text.split("\n\n")
    return "\n\n".join(
        part if part.lstrip().startswith(">>>") else _MARKED.sub(role, part)
        for part in paragraphs
    )


def public_names(rooms: Collection[str]) -> list[str]:
    """Full names of the functions and classes in the faces of `rooms`, and in the
    modules that a face shows whole.

    >>> names = public_names(["metrics"])
    >>> "disentlib.metrics.mig" in names, "disentlib.metrics.designs.split" in names
    (True, True)
    """
    names = []
    for room in rooms:
        face = import_module(f"disentlib.{room}")
        for name in face.__all__:
            thing = getattr(face, name)
            if isinstance(thing, ModuleType):
                own = (n for n, f in vars(thing).items() if _is_of(f, thing.__name__))
                names += [f"disentlib.{room}.{name}.{n}" for n in own]
            elif callable(thing):
                names.append(f"disentlib.{room}.{name}")
    return names


def _is_of(thing: Any, module: str) -> bool:
    """Whether `thing` is a public function or class of the module of that name."""
    named = callable(thing) and not getattr(thing, "__name__", "_").startswith("_")
    return named and thing.__module__ == module


def shown_signature(signature: str) -> str:
    """A signature with the names of array types, in place of what they stand for."""
    of_array = (
        r"~?numpy\.ndarray\[~?tuple\[~?typing\.Any, \.\.\.\], ~?numpy\.dtype\[(.*?)\]\]"
    )
    signature = signature.replace(stringify_annotation(ArrayLike, "smart"), "ArrayLike")
    return re.sub(of_array, r"NDArray[\1]", signature)


def setup(app: Sphinx) -> dict[str, Any]:
    """What Sphinx calls when it loads the extension."""
    app.add_config_value("rooms", [], "env")

    def link(
        app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]
    ) -> None:
        names = set(public_names(app.config.rooms))
        own = set(signature(thing).parameters) if what == "function" else set()
        room = ".".join(name.split(".")[:2])
        lines[:] = linked("\n".join(lines), names, room, own).split("\n")

    def shorten(
        app: Sphinx, what: str, name: str, thing: Any, options: Any, sig: str, to: str
    ) -> tuple[str, str]:
        return shown_signature(sig or ""), shown_signature(to or "")

    app.connect("autodoc-process-docstring", link, priority=400)
    app.connect("autodoc-process-signature", shorten)
    return {"parallel_read_safe": True, "version": "1"}
