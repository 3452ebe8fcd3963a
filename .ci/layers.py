"""Run the layers of the tests whose inputs changed since they passed: `python
.ci/layers.py [--again] [LAYER ...]`.

All layers run at once, a command a processor and two more, so that none is idle while
others wait; the book, for which its tests wait, has priority. Inputs are the files that
are there, by name and content: with git or without it, added or not, in whoever's
folder. A layer that passed leaves their digest in _build/passed.
"""

import argparse
import fnmatch
import hashlib
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Semaphore

ROOT = Path(__file__).resolve().parents[1]
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
# Two at once would share the cache.
PYTEST = ("-m", "pytest", "-pno:cacheprovider", "--durations=25")
GOLDEN = "tests/repository/golden"
PINNED = ("pyproject.toml", "requirements.lock")
SHARED = ("tests/conftest.py", "tests/shape_checks.py")  # which every pytest reads
BOOK = ("tests/repository/test_book.py", "tests/repository/test_screen.py")
NOT_HERE = tuple(f"--ignore={path}" for path in (GOLDEN, *BOOK))
QUICK = (*PYTEST, "-mnot slow", *NOT_HERE)
# The rooms that lie lowest; what lies above, neither they nor their tests look at.
LOWER = ("sprites", "models", "metrics", "training")
UPPER = ("scoring", "study", "course", "explorer", "repository")
LOWER_TESTS = tuple(f"tests/{room}" for room in LOWER)
ABOVE = tuple(f"{top}/{room}" for top in ("disentlib", "tests") for room in UPPER)
# Half of the time of the other tests, and a server of forks that they share.
LONG_ROOMS = ("tests/course", "tests/repository")
LOOK = (*PYTEST, "--book")
NBVAL = (*PYTEST, "--nbval-lax", "--nbval-current-env")
Command = tuple[str, ...]
MORE = ("EDITIONS", "BAD_VALUES")  # "all" asks tests for more
TURNS = Semaphore((os.cpu_count() or 1) + 2)


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
        without=(*LOWER_TESTS, "tests/study", "tests/course", "tests/explorer"),
    ),
    "lint": Layer(
        (
            "disentlib",
            "_extensions",
            "notebooks",
            "tests",
            "bench",
            ".ci",
            *PINNED,
        ),
        (
            ("-m", "ruff", "check", "."),
            ("-m", "ruff", "format", "--check", "."),
            (".ci/pages.py",),
            ("lint-imports", "--no-logo", "--no-cache"),
            ("deptry", "."),
        ),
    ),
    "types": Layer(("disentlib", *PINNED), (("mypy",),)),
    "lower": Layer(
        ("disentlib", "tests", "notebooks/data", *PINNED),
        ((*QUICK, *LOWER_TESTS),),
        without=ABOVE,
    ),
    "unit": Layer(
        (".",),
        (
            (
                (*QUICK, *LONG_ROOMS),
                (*QUICK, "tests", *(f"--ignore={r}" for r in LONG_ROOMS + LOWER_TESTS)),
            ),
        ),
    ),
    "golden": Layer(  # the book compares all that its pages print with all of them
        ("disentlib", "notebooks", GOLDEN, *SHARED, *PINNED),
        ((*NBVAL, f"{GOLDEN}/elbo.ipynb"),),
    ),
    "slow": Layer(
        (".",),
        ((*PYTEST, "-m", "slow", *NOT_HERE), (*NBVAL, GOLDEN)),
    ),
}
EVERY_TIME = tuple(name for name in LAYERS if name != "slow")


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


def digest(root: Path, layer: Layer) -> str:
    """SHA-256 of all that a layer reads, names and contents, and of what decides which
    tests are skipped.
    """
    for name in layer.inputs:
        if not files(root, (name,)):
            sys.exit(f"error: {root / name}: nothing to test there")
    there = [shutil.which(name) for name in ("chromium", "node")]
    asked = [os.environ.get(name) for name in ("CI", "CHROMIUM", *MORE)]
    around = [sys.executable, layer.commands, *asked, *there]
    sha = hashlib.sha256(repr(around).encode())
    for path in files(root, layer.inputs, layer.without):
        name, content = os.fsencode(path.relative_to(root)), path.read_bytes()
        sha.update(b"%d %d " % (len(name), len(content)) + name + content)
    return sha.hexdigest()


def run(root: Path, name: str, now: str, again: bool = False) -> bool:
    """Run a layer, unless what it reads, of digest `now`, is as it was when it passed;
    False where it fails.
    """
    layer, mark = LAYERS[name], root / "_build" / "passed" / name
    if not again and mark.exists() and mark.read_text() == now:
        print(f"{name}: passed before, nothing that it reads has changed", flush=True)
        return True
    mark.unlink(missing_ok=True)
    for words in layer.commands:
        together = [words] if isinstance(words[0], str) else list(words)
        with ThreadPoolExecutor(len(together)) as pool:
            passed = all([*pool.map(partial(passes, root, layer.nice), together)])
        if not passed:
            print(f"{name}: failed", flush=True)
            return False
    if digest(root, layer) == now:  # else it changed meanwhile: run again next time
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.write_text(now)
    return True


def passes(root: Path, nice: int, words: Command) -> bool:
    """Whether a command, once it is its turn, passes; what it printed is shown then."""
    python = words[0] == "-m" or words[0].endswith(".py")
    program = Path(sys.executable).parent / words[0]
    command = [sys.executable, *words] if python else [program, *words[1:]]
    command = ["nice", f"-n{nice}", *command]
    if "pytest" in words:  # bench/slowest.py reads how long each test took
        name = hashlib.sha256(" ".join(words).encode()).hexdigest()[:16]
        command.append(f"--junitxml={root}/_build/durations/{name}.xml")
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.defpath}"}
    environment["PATH"] += ":" + os.environ.get("PATH", "")
    environment.setdefault("OMP_NUM_THREADS", "1")  # threads that wait also cost time
    with TURNS:
        print("$", *words, flush=True)
        start = time.monotonic()
        ended = subprocess.run(
            command,
            cwd=root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    said = ended.stdout.decode(errors="replace")
    how = "passed" if ended.returncode == 0 else f"FAILED ({ended.returncode})"
    seconds = time.monotonic() - start
    print(f"{said}{how} in {seconds:.0f} s: {' '.join(words)}\n", flush=True)
    return ended.returncode == 0


def main() -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("layers", nargs="*", metavar="LAYER", help=", ".join(LAYERS))
    parser.add_argument("--again", action="store_true", help="also what has passed")
    given = parser.parse_args()
    if unknown := [name for name in given.layers if name not in LAYERS]:
        parser.error(f"no layer {unknown[0]}; the layers are {', '.join(LAYERS)}")
    names = given.layers or list(LAYERS if given.again else EVERY_TIME)
    # Read before anything runs, so that turns are taken in the order of LAYERS.
    reads = [digest(ROOT, LAYERS[name]) for name in names]
    with ThreadPoolExecutor(len(names)) as pool:
        passed = [*pool.map(partial(run, ROOT, again=given.again), names, reads)]
    if failed := [name for name, good in zip(names, passed) if not good]:
        print(f"Failed: {', '.join(failed)}")
        return 1
    slow = "" if "slow" in names else "; the slow ones are among those of make retest"
    print(f"Passed: {', '.join(names)}{slow}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
