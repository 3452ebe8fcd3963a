"""What a layer of tests, or a file of tests, reads.

Files of the repository, by name and content: with git or without it, added or not, in
whoever's folder.
"""

import ast
import fnmatch
import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import product
from pathlib import Path

from disentlib.imports import HERE, read_by

MADE = {
    ".git",
    ".venv",
    "_build",
    "_ipynb",
    "_class",
    "runs",
    "__pycache__",
    "*.egg-info",
}
MADE |= {".*_cache", ".hypothesis", ".snakemake", ".cache", ".ipynb_checkpoints"}
PINNED = ("pyproject.toml", "requirements.lock")
# Tests of the repository, or of commands: they may look at anything.
EVERYTHING = ("tests/repository", "tests/course")
# The rooms that lie lowest, whose tests read no text and no results.
LOWER = ("tests/sprites", "tests/models", "tests/metrics", "tests/training")
OF_EVERY_TEST = ("tests/conftest.py", "tests/shape_checks.py")
# Where tests find what they share, as in pyproject.toml.
SHARED = ("tests", "tests/explorer", "tests/metrics", "tests/repository")
# What a script imports, or the cells of a page.
IMPORTS = re.compile(
    r"^(?:from [\w.]+ import (?:\([^)]*\)|.*)|import .*)$", re.MULTILINE
)
# What looks at sources, or runs cells of a page; and what starts a command.
LOOKS = re.compile(r'rglob\("\*\.py"\)|\.md"')
COMMAND = re.compile(r'-m disentlib\b|"-m", "disentlib"')


def files(
    root: Path, inputs: tuple[str, ...], without: tuple[str, ...] = ()
) -> list[Path]:
    """The files of `inputs` below `root`, sorted, without those folders and what can be
    made again.
    """
    found, skipped = [], {root / name for name in without}
    for name in inputs:
        if (root / name).is_file():
            found.append(root / name)
        for place, folders, names in os.walk(root / name):
            here = Path(place)
            folders[:] = [f for f in folders if not made(f) and here / f not in skipped]
            found += [here / n for n in names if not made(n)]
    return sorted(path for path in found if path.is_file())


def made(name: str) -> bool:
    """Whether a file or folder of this name is made from others."""
    return any(fnmatch.fnmatch(name, pattern) for pattern in MADE)


def digest(
    root: Path,
    paths: Iterable[Path],
    around: object,
    seen: dict[Path, bytes] | None = None,
) -> str:
    """SHA-256 of files, names and contents, and of what else decides what a test does;
    `seen` has the digests of files that were read already.
    """
    sha, seen = hashlib.sha256(repr(around).encode()), {} if seen is None else seen
    for path in paths:
        if path not in seen:
            seen[path] = hashlib.sha256(path.read_bytes()).digest()
        name = os.fsencode(path.relative_to(root))
        sha.update(b"%d " % len(name) + name + seen[path])
    return sha.hexdigest()


def of_tests(root: Path, but: tuple[str, ...], around: object) -> dict[str, str]:
    """A digest of what it reads by file of tests, without those of `but`."""
    seen: dict[Path, bytes] = {}
    every = files(root, (".",))
    tests = [p for p in every if p.match("test_*.py") and root / "tests" in p.parents]
    found = {test.relative_to(root).as_posix(): test for test in tests}
    return {
        name: digest(root, of_a_test(root, test, every), around, seen)
        for name, test in found.items()
        if name not in but
    }


def of_a_test(root: Path, test: Path, every: list[Path]) -> list[Path]:
    """What a file of tests reads of all files: itself, what it imports of tests and of
    the library, and all that is no Python; the tests of the lower rooms only data of
    the latter, and those of the repository, or of commands, every file, unless they say
    as `READS` which code runs besides what they import.
    """
    room = test.parent.relative_to(root).as_posix()
    said = says(test)
    if said is None and (room == "tests" or room.startswith(EVERYTHING)):
        return every
    own = {test, *(root / name for name in OF_EVERY_TEST)}
    own |= {path for path in test.parent.glob("conftest.py")}
    try:
        own = own.union(*(shared(root, path) for path in own))
        code = "\n".join(path.read_text(encoding="utf-8") for path in sorted(own))
        if said is not None:
            own |= {root / name for name in said}
            code = "\n".join([code, *(imports_of(root, name) for name in said)])
        elif LOOKS.search(code):
            return every
        elif COMMAND.search(code):
            code += "\nimport disentlib.__main__"
        library = read_by(code)
    except SyntaxError:
        return every  # it will be named by who runs it
    # A page that is run imports what it likes.
    if said is None and HERE / "kernels.py" in library:
        library = frozenset(HERE.rglob("*.py"))
    own |= {root / path.relative_to(HERE.parent) for path in library}
    lower = room.startswith(LOWER)
    data = files(root, ("notebooks/data", room, *PINNED)) if lower else every
    return sorted(own | {path for path in data if path.suffix != ".py"})


def says(test: Path) -> tuple[str, ...] | None:
    """The files whose code a file of tests says that it runs, if it says so."""
    with suppress(SyntaxError):
        for node in ast.parse(test.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "READS":
                return tuple(ast.literal_eval(node.value))
    return None


def imports_of(root: Path, name: str) -> str:
    """What runs where a file's code does, as imports: of a module of the library, or
    what the cells of a page import, or a script.
    """
    if name.startswith(f"{HERE.name}/"):
        return f"import {name.removesuffix('.py').replace('/', '.')}"
    return "\n".join(IMPORTS.findall((root / name).read_text(encoding="utf-8")))


def shared(root: Path, test: Path) -> Iterator[Path]:
    """The files that tests share and this one imports, and that these do."""
    for node in ast.walk(ast.parse(test.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        for name, place in product(names, SHARED):
            if (path := root / place / f"{name}.py").is_file():
                yield path
                yield from shared(root, path)
