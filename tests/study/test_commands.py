"""Commands that are stopped, killed or run in foreign surroundings."""

import json
import os
import signal
import subprocess
import sys
import time

import nbformat
import psutil
import pytest

from disentlib import kernels

pytestmark = pytest.mark.skipif(
    not os.path.exists("/proc/self/status"), reason="needs Linux to look on"
)

READS = ("disentlib/__main__.py",)  # with a page of its own, for .ci/reads.py
PAGE = """---
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

```{code-cell} ipython3
:tags: [parameters]
seconds: float = 0.0
```

```{code-cell} ipython3
import os, sys, tempfile, time, pathlib
import matplotlib as mpl
pathlib.Path(tempfile.gettempdir(), "mine").touch()
leaks = [name for name in ("leaked", "mine", "here", "matplotlib") if name in globals()]
print("|", sys.executable, mpl.rcParams["text.usetex"], leaks, sys.warnoptions, "|")
print("begun", flush=True)
time.sleep(seconds)
```
"""
STOPPED = (
    "stopped on request; what is kept is whole, and the same command goes on from it"
)


@pytest.fixture
def place(tmp_path):
    """A page, and an empty folder for all that is temporary."""
    (tmp_path / "temporary").mkdir()
    (tmp_path / "page.md").write_text(PAGE)
    return tmp_path


def start(place, seconds=0.0, **environment):
    command = [sys.executable, "-m", "disentlib", "page", "page.md", "out.ipynb"]
    return subprocess.Popen(
        [*command, "-p", "seconds", str(seconds)],
        cwd=place,
        env=os.environ | {"TMPDIR": str(place / "temporary")} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def listens(process):
    """Wait until the process catches SIGTERM: Python itself takes a moment."""
    end = time.monotonic() + 200
    while time.monotonic() < end:
        with open(f"/proc/{process.pid}/status") as file:
            caught = next(line for line in file if line.startswith("SigCgt")).split()[1]
        if int(caught, 16) >> (signal.SIGTERM - 1) & 1 and "disentlib" in command(
            process
        ):
            return
        time.sleep(0.01)
    raise AssertionError("it never listens")


def command(process):
    """Words of the process: before its exec they are the test's own."""
    with open(f"/proc/{process.pid}/cmdline") as file:
        return file.read()


def left(place):
    kept = {"page.md", "temporary"}
    return {path.name for path in place.iterdir() if path.name not in kept} | {
        path.name for path in (place / "temporary").iterdir()
    }


SIGNALS = [
    ("imports", signal.SIGTERM),
    ("imports", signal.SIGINT),
    ("kernel starts", signal.SIGTERM),  # from here on both are handed on alike
    ("cell runs", signal.SIGTERM),
    ("cell runs", signal.SIGINT),
]


@pytest.mark.parametrize("moment, number", SIGNALS)
def test_a_signal_is_answered_in_one_line(place, moment, number):
    process = start(place, seconds=300)
    if moment == "cell runs":
        assert any("begun" in line for line in process.stdout)
    else:
        listens(process)
        if moment == "kernel starts":
            end = time.monotonic() + 200
            while not list((place / "temporary").glob("*/tmp*.json")):
                assert process.poll() is None and time.monotonic() < end
                time.sleep(0.02)
    asked = time.monotonic()
    process.send_signal(number)
    _, said = process.communicate(timeout=200)
    assert process.returncode == 128 + number
    assert said.strip() == STOPPED
    assert time.monotonic() - asked < 100  # busy as the machine may be
    assert left(place) == set()


def test_what_a_kill_leaves_goes_with_the_next_start(place):
    process = start(place, seconds=300)
    assert any("begun" in line for line in process.stdout)
    kernels = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.communicate(timeout=200)
    assert any("disentlib-tmp" in name for name in left(place))
    assert "out.ipynb" not in left(place)
    _, stay = psutil.wait_procs(kernels, timeout=200)  # they have a second to notice
    assert kernels and not stay
    again = start(place)
    assert again.communicate(timeout=300) and again.returncode == 0
    assert left(place) == {"out.ipynb"}


def test_a_page_sees_its_own_interpreter_and_our_settings(place):
    home = place / "home"
    kernel = home / ".local/share/jupyter/kernels/python3"
    startup = home / ".ipython/profile_default/startup"
    settings = home / ".config/matplotlib"
    for folder in (kernel, startup, settings):
        folder.mkdir(parents=True)
    foreign = {"argv": ["false"], "display_name": "Python 3", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(foreign))
    (startup / "00.py").write_text("leaked = 1\n")
    (settings / "matplotlibrc").write_text("text.usetex: True\n")
    (place / "matplotlibrc").write_text("text.usetex: True\n")  # it comes first of all
    (home / "mine.py").write_text("mine = 1\n")
    leaks = {"PYTHONSTARTUP": str(home / "mine.py"), "PYTHONWARNINGS": "ignore"}
    leaks |= {"HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config")}
    process = start(place, **leaks)
    said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert said[1] == ""  # no word of Jupyter's own
    cells = nbformat.read(place / "out.ipynb", as_version=4).cells
    text = "".join(o.get("text", "") for cell in cells for o in cell.get("outputs", []))
    assert f"| {sys.executable} False [] [] |" in text
    assert left(place) == {"out.ipynb", "home", "matplotlibrc"}


@pytest.mark.parametrize("name", ["DISENTLIB_CACHE", "DSPRITES"])
def test_a_relative_place_is_the_callers_not_the_pages(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for given, meant in (("kept", tmp_path / "kept"), ("~/x", tmp_path / "home" / "x")):
        monkeypatch.setenv(name, given)
        with kernels.surroundings():
            assert os.environ[name] == str(meant)
        assert os.environ[name] == given


def test_a_user_without_a_home_has_one_for_a_page(monkeypatch):
    monkeypatch.setattr(kernels, "has_home", lambda: False)
    before = os.environ.get("HOME")
    with kernels.surroundings():
        home = os.environ["HOME"]
        assert home != before and os.path.isdir(home)
    assert os.environ.get("HOME") == before and not os.path.exists(home)


def test_the_command_refuses_what_it_does_not_know_in_a_line():
    for words in (["collect", "quick", "--unfinishd"], ["pages"], ["book", "quick"]):
        run = subprocess.run(
            [sys.executable, "-m", "disentlib", *words], capture_output=True, text=True
        )
        assert run.returncode == 2 and "Traceback" not in run.stderr
        assert "error: " in run.stderr.splitlines()[-1]
