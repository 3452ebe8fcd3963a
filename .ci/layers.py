"""Run the layers of the tests whose inputs changed since they passed: `python
.ci/layers.py [--again] [LAYER ...]`.

All layers run at once, a command a processor and two more, so that none is idle while
others wait; the book, for which its tests wait, has priority. What passed leaves a
digest of what it read in _build/passed: a layer, and within these a file of tests and a
page that was looked at.
"""

import argparse
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # for tests, which run this as a path

import reads
import unit
from command import PYTEST, Command, around, passes

ROOT = Path(__file__).resolve().parents[1]
GOLDEN = "tests/repository/golden"
BOOK = ("tests/repository/test_book.py", "tests/repository/test_screen.py")
NOT_HERE = tuple(f"--ignore={path}" for path in (GOLDEN, *BOOK))
LOOK = (*PYTEST, "--book")
NBVAL = (*PYTEST, "--nbval-lax", "--nbval-current-env")


@dataclass(frozen=True)
class Layer:
    """What a layer reads (paths in the repository), and its commands: a module or a
    script of Python, or a program of its environment; one after the other, or several
    at once.
    """

    inputs: tuple[str, ...]
    commands: tuple[Command | tuple[Command, ...], ...]
    nice: int = 5  # a layer that is waited for has 0
    without: tuple[str, ...] = ()  # folders within the inputs


LAYERS = {  # the book first: its tests wait for it
    "book": Layer(
        (".",),
        (
            ("-m", "disentlib", "book"),
            ((*LOOK, "--half=0", *BOOK), (*LOOK, "--half=1", *BOOK)),
        ),
        nice=0,
        without=(*reads.LOWER, "tests/study", "tests/course", "tests/explorer"),
    ),
    "lint": Layer(
        (
            "disentlib",
            "_extensions",
            "notebooks",
            "tests",
            "bench",
            ".ci",
            *reads.PINNED,
        ),
        (
            ("-m", "ruff", "check", "."),
            ("-m", "ruff", "format", "--check", "."),
            (".ci/pages.py",),
            ("lint-imports", "--no-logo", "--no-cache"),
            ("deptry", "."),
        ),
    ),
    "types": Layer(("disentlib", *reads.PINNED), (("mypy",),)),
    "unit": Layer((".",), ()),  # its files of tests, each of which reads its own
    "golden": Layer(  # the book compares all that its pages print with all of them
        ("disentlib", "notebooks", GOLDEN, *reads.OF_EVERY_TEST, *reads.PINNED),
        ((*NBVAL, f"{GOLDEN}/elbo.ipynb"),),
    ),
    "slow": Layer(
        (".",),
        ((*PYTEST, "-m", "slow", *NOT_HERE), (*NBVAL, GOLDEN)),
    ),
}
EVERY_TIME = tuple(name for name in LAYERS if name != "slow")


def digest(root: Path, layer: Layer) -> str:
    """SHA-256 of all that a layer reads, names and contents, and of what decides which
    tests are skipped.
    """
    for name in layer.inputs:
        if not reads.files(root, (name,)):
            sys.exit(f"error: {root / name}: nothing to test there")
    read = reads.files(root, layer.inputs, layer.without)
    return reads.digest(root, read, [layer.commands, *around()])


def run(root: Path, name: str, now: str, again: bool = False) -> bool:
    """Run a layer, unless what it reads, of digest `now`, is as it was when it passed;
    False where it fails.
    """
    layer, mark = LAYERS[name], root / "_build" / "passed" / name
    if not again and mark.exists() and mark.read_text() == now:
        print(f"{name}: passed before, nothing that it reads has changed", flush=True)
        return True
    mark.unlink(missing_ok=True)
    if name == "unit":
        good = unit.passing(root, BOOK, layer.nice, again)
    else:  # one after the other, none behind one that fails
        good = all(all_pass(root, layer.nice, words) for words in layer.commands)
    if not good:
        print(f"{name}: failed", flush=True)
        return False
    if digest(root, layer) == now:  # else it changed meanwhile: run again next time
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.write_text(now)
    return True


def all_pass(root: Path, nice: int, words: Command | tuple[Command, ...]) -> bool:
    """Whether a command passes, or all of several at once."""
    together = [words] if isinstance(words[0], str) else list(words)
    with ThreadPoolExecutor(len(together)) as pool:
        return all([*pool.map(partial(passes, root, nice), together)])


def main() -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("layers", nargs="*", metavar="LAYER", help=", ".join(LAYERS))
    parser.add_argument("--again", action="store_true", help="also what has passed")
    given = parser.parse_args()
    if unknown := [name for name in given.layers if name not in LAYERS]:
        parser.error(f"no layer {unknown[0]}; the layers are {', '.join(LAYERS)}")
    if given.again:
        shutil.rmtree(ROOT / "_build" / "passed", ignore_errors=True)
    names = given.layers or list(LAYERS if given.again else EVERY_TIME)
    # Read before anything runs, so that turns are taken in the order of LAYERS.
    digests = [digest(ROOT, LAYERS[name]) for name in names]
    with ThreadPoolExecutor(len(names)) as pool:
        passed = [*pool.map(partial(run, ROOT, again=given.again), names, digests)]
    if failed := [name for name, good in zip(names, passed) if not good]:
        print(f"Failed: {', '.join(failed)}")
        return 1
    slow = "" if "slow" in names else "; the slow ones are among those of make retest"
    print(f"Passed: {', '.join(names)}{slow}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
