"""Run a command of the tests, once it is its turn."""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from threading import Semaphore

# Two at once would share the cache.
PYTEST = ("-m", "pytest", "-pno:cacheprovider", "--durations=25")
MORE = ("EDITIONS", "BAD_VALUES")  # "all" asks tests for more
TURNS = Semaphore((os.cpu_count() or 1) + 2)
Command = tuple[str, ...]


def around() -> list[object]:
    """What decides which tests are skipped, besides files of the repository."""
    there = [shutil.which(name) for name in ("chromium", "node")]
    asked = [os.environ.get(name) for name in ("CI", "CHROMIUM", *MORE)]
    return [sys.executable, *asked, *there]


def passes(root: Path, nice: int, words: Command) -> bool:
    """Whether a command, once it is its turn, passes; what it printed is shown then."""
    return code_of(root, nice, words) == 0


def code_of(root: Path, nice: int, words: Command, good: tuple[int, ...] = (0,)) -> int:
    """The exit code of a command, once it is its turn; 0 for the `good` ones."""
    python = words[0] == "-m" or words[0].endswith(".py")
    program = Path(sys.executable).parent / words[0]
    command = [sys.executable, *words] if python else [program, *words[1:]]
    command = ["nice", f"-n{nice}", *command]
    if "pytest" in words:  # bench/slowest.py reads it, too
        command.append(f"--junitxml={report_of(root, words)}")
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
    code = 0 if ended.returncode in good else ended.returncode
    how = f"FAILED ({code})" if code else "passed"
    seconds = time.monotonic() - start
    print(f"{said}{how} in {seconds:.0f} s: {' '.join(words)}\n", flush=True)
    return code


def report_of(root: Path, words: Command) -> Path:
    """The file in which pytest says how each test went, and how long it took."""
    name = hashlib.sha256(" ".join(words).encode()).hexdigest()[:16]
    return root / "_build" / "durations" / f"{name}.xml"
