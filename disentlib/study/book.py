"""Build the book, from a clean state and with warnings as errors."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from disentlib.files import read_mapping, try_lock, write_json
from disentlib.kernels import surroundings
from disentlib.paths import ROOT
from disentlib.study.catalogue import place_models
from disentlib.study.results import load_results
from disentlib.study.sources import tools, whole_library

BUILD = ROOT / "_build"


def build() -> int:
    """Build into `_build/html`; returns the exit code of jupyter-book.

    Shows the results of `$STUDY`, else of the fullest study that has some, and leaves
    `_build/<study>.built` behind. Raises `FileNotFoundError` where there are no
    results, `RuntimeError` in one line while another process builds here.
    """
    BUILD.mkdir(exist_ok=True)
    with (BUILD / ".lock").open("a") as file:
        if try_lock(file.fileno(), BUILD / ".lock") is False:
            raise RuntimeError(f"{BUILD}: another build is at work here; wait for it")
        return _build(file.fileno())


def _build(lock: int) -> int:
    study = load_results().study.name
    good, now = BUILD / f"{study}.built", {"tools": tools(), "library": whole_library()}
    before: dict[str, str] = {}
    with suppress(FileNotFoundError, ValueError):  # none, or that of an older version
        before = read_mapping(good)
    stale = [*BUILD.glob("*.built")]
    # What Sphinx remembers of a build that went well saves time; of any other it hides
    # warnings. It sees which page or docstring changes, not what links to its name.
    if before.get("tools") != now["tools"]:
        stale += [BUILD / ".doctrees", BUILD / "html"]
    elif before["library"] != now["library"]:
        stale.append(BUILD / ".doctrees" / "book" / "api")
    for old in stale:
        shutil.rmtree(old) if old.is_dir() else old.unlink(missing_ok=True)
    with surroundings():
        # A page a processor.
        environment = os.environ | {"STUDY": study, "OMP_NUM_THREADS": "1"}
        # By -c: a fork would import again what was started as a module.
        tool = "from disentlib.study.outputs import main; main()"
        outputs = [sys.executable, "-c", tool]
        # Not by a bare name: another installation may come first on the PATH.
        tool = "import sys; from jupyter_book.cli.main import main; sys.exit(main())"
        command = [sys.executable, "-c", tool, "build", "-W", "-n", "--keep-going", "."]
        code = in_its_own_time(outputs, environment, lock)
        code = code or in_its_own_time(command, environment, lock)
    if code == 0:
        place_models(BUILD / "html")
        write_json(good, now)
    else:
        reports = sorted(map(str, Path(BUILD).glob("html/reports/**/*.err.log")))
        print(
            f"error: the book was not built; see above, and {reports}", file=sys.stderr
        )
    return code


def in_its_own_time(
    command: list[str], environment: Mapping[str, str], lock: int
) -> int:
    """Run `command` in the repository; where this process is stopped, so is all of it.
    It has the `lock` too, so that after a kill of this one nobody builds beside it.

    Jupyter gives each kernel a session of its own, which no signal to a group reaches.
    """
    process = subprocess.Popen(command, env=environment, cwd=ROOT, pass_fds=(lock,))
    try:
        return process.wait()
    except BaseException:
        parts: list[Any] = [
            process,
            *psutil.Process(process.pid).children(recursive=True),
        ]
        for part in parts:
            with suppress(psutil.NoSuchProcess):
                part.kill()
        process.wait()
        raise
