"""Surroundings of a page: the interpreter that started it, and no settings but ours."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from disentlib.files import scratch_folder, write_json
from disentlib.paths import absolute_path

# Figures go into the page; a backend of the caller's (clusters export agg) would drop
# them.
INLINE = "module://matplotlib_inline.backend_inline"
# The kernel logs as errors what is none: each shutdown, and that it talks to this
# machine over the loopback.
ARGUMENTS = ("-f", "{connection_file}", "--IPKernelApp.log_level=CRITICAL")
# Of all places a matplotlibrc in the working folder comes first, and it is read once:
# where this file finds none.
STARTUP = """\
import os
here = os.getcwd()
os.chdir({scratch!r})
import matplotlib
os.chdir(here)
del os, here, matplotlib
"""
LEFT_OUT = ("PYTHONSTARTUP", "PYTHONWARNINGS")  # the caller's, for his own sessions


@contextmanager
def surroundings() -> Iterator[None]:
    """Set the environment in which Jupyter starts kernels; it is put back in the end.

    A kernel named python3 is this interpreter, whatever the user has installed under
    that name. Startup files of IPython and Python and a matplotlibrc, wherever it lies,
    do not reach it, and what it keeps for a moment goes with it.
    """
    with scratch_folder() as scratch:
        argv = [sys.executable, "-m", "ipykernel_launcher", *ARGUMENTS]
        spec = {"argv": argv, "display_name": "Python 3", "language": "python"}
        write_json(scratch / "kernels" / "python3" / "kernel.json", spec)
        (scratch / "matplotlibrc").touch()
        (scratch / "runtime").mkdir(mode=0o700)
        startup = scratch / "ipython" / "profile_default" / "startup"
        startup.mkdir(parents=True)
        (startup / "00.py").write_text(STARTUP.format(scratch=str(scratch)))
        changes: dict[str, str] = {
            "JUPYTER_PATH": str(scratch),  # it comes before all other places
            "JUPYTER_RUNTIME_DIR": str(scratch / "runtime"),
            "IPYTHONDIR": str(scratch / "ipython"),
            "MATPLOTLIBRC": str(scratch / "matplotlibrc"),
            "MPLBACKEND": INLINE,
            "TMPDIR": str(scratch),
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        }
        for name in ("DSPRITES", "DISENTLIB_CACHE"):  # a kernel has its own folder
            if chosen := os.environ.get(name):
                changes[name] = str(absolute_path(chosen))
        if not has_home():
            changes["HOME"] = str(scratch)
        before = {name: os.environ.get(name) for name in (*changes, *LEFT_OUT)}
        os.environ.update(changes)
        for name in LEFT_OUT:
            os.environ.pop(name, None)
        tempfile.tempdir = str(scratch)  # connection files lie among temporary ones
        try:
            yield
        finally:
            tempfile.tempdir = None
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


def has_home() -> bool:
    """Whether this user has a home folder: not so for a number that nobody named."""
    try:
        return Path.home().is_dir()
    except RuntimeError:
        return False
