"""Pages are executed side by side, and only those whose code has changed."""

import subprocess
import sys
import time

import psutil
import pytest
from jupyter_cache import get_cache

from disentlib.study import forked
from disentlib.study.outputs import execute_changed

READS = ()  # pages of its own alone, for .ci/reads.py
PAGE = """---
kernelspec: {{display_name: Python 3, language: python, name: python3}}
---

# A page

{prose}

```{{code-cell}} ipython3
{code}
```
"""


@pytest.fixture
def book(tmp_path, monkeypatch):
    # A process has one server of forks, and conftest's list is that of all tests.
    monkeypatch.setattr(forked.SERVER, "set_forkserver_preload", lambda names: None)

    def write(name, code, prose="Prose."):
        path = tmp_path / f"{name}.md"
        path.write_text(PAGE.format(code=code, prose=prose))
        return path

    return write, tmp_path / "cache"


def test_only_pages_whose_code_changed_are_executed(book):
    write, cache = book
    pages = [write("one", "print(1)"), write("two", "print(2)")]
    assert set(execute_changed(pages, cache, processes=2)) == {"one", "two"}
    assert execute_changed(pages, cache) == {}
    write("one", "print(1)", prose="Other prose.")
    assert execute_changed(pages, cache) == {}
    write("two", "print(3)")
    assert set(execute_changed(pages, cache)) == {"two"}


def test_a_page_is_executed_again_when_what_its_code_reads_changed(book):
    write, cache = book
    pages, told = [write("one", "print(1)"), write("two", "print(2)")], []
    reads = {"print(1)": "a", "print(2)": "b"}
    execute_changed(pages, cache, reads=reads.get)
    reads["print(2)"] = "c"
    again = execute_changed(pages, cache, reads=reads.get, changed=told.append)
    assert set(again) == {"two"} and told == [pages[1]]
    assert execute_changed(pages, cache, reads=reads.get) == {}


def test_a_page_that_fails_now_has_no_outputs_of_before(book):
    """The build would show them."""
    write, cache = book
    page = write("one", f"open({str(cache.parent / 'data')!r})")
    (cache.parent / "data").touch()
    assert set(execute_changed([page], cache, reads=lambda _: "a")) == {"one"}
    (cache.parent / "data").unlink()
    assert execute_changed([page], cache, reads=lambda _: "b") == {}
    assert get_cache(cache).list_cache_records() == []


def test_pages_run_at_the_same_time(book):
    write, cache = book
    code = "import time; began = time.time(); time.sleep(3); print(began)"
    pages = [write(name, f"{code}  # {name}") for name in ("one", "two")]
    began = time.monotonic()
    seconds = execute_changed(pages, cache, processes=2)
    assert time.monotonic() - began < sum(seconds.values())


def test_a_page_that_fails_is_left_to_the_build(book):
    write, cache = book
    pages = [write("good", "print(1)"), write("bad", "raise ValueError(2)")]
    assert set(execute_changed(pages, cache, processes=2)) == {"good"}
    assert execute_changed(pages, cache) == {}  # it fails again
    write("bad", "print(2)")
    assert set(execute_changed(pages, cache)) == {"bad"}


def test_a_page_starts_like_any_other(book):
    """Its kernel is a fork: what it sees is what a kernel of its own would see."""
    write, cache = book
    code = """import os, sys
assert os.path.samefile(os.getcwd(), "FOLDER")
assert os.getsid(0) == os.getpid() and "torch" in sys.modules
assert __name__ == "__main__" and not {"write", "execute_changed"} & {*globals()}
import matplotlib
assert matplotlib.rcParams["lines.linewidth"] == 1.5
os.environ["LEFT"], made = "behind", 1"""
    code = code.replace("FOLDER", str(cache.parent))
    other = "import os; assert 'LEFT' not in os.environ and 'made' not in globals()"
    pages = [write("one", code), write("two", other)]
    assert set(execute_changed(pages, cache, processes=1)) == {"one", "two"}


def test_no_kernel_outlives_a_build_that_was_killed(book):
    write, cache = book
    mark = cache.parent / "pid"
    code = f"""import os, time
open({str(mark)!r}, "w").write(str(os.getpid()))
time.sleep(300)"""
    page = write("long", code)
    words = "from pathlib import Path; from disentlib.study import outputs; "
    words += f"outputs.execute_changed([Path({str(page)!r})], Path({str(cache)!r}))"
    build = subprocess.Popen([sys.executable, "-c", words])
    end = time.monotonic() + 120
    while not (mark.exists() and mark.read_text()):
        assert time.monotonic() < end and build.poll() is None
        time.sleep(0.1)
    kernel = psutil.Process(int(mark.read_text()))
    build.kill()
    build.wait()
    kernel.wait(60)


def test_a_killed_kernel_costs_its_own_page_alone(book):
    write, cache = book
    pages = [
        write("killed", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"),
        write("good", "print(1)"),
    ]
    assert set(execute_changed(pages, cache, processes=2)) == {"good"}
