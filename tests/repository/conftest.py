"""Which pages of the built book `make test` looks at: half of them in each of two
processes, and none again that a browser has seen to be good as it is.
"""

import hashlib
import os
import re
import shutil
from functools import cache
from pathlib import Path

import pytest

HERE = Path(__file__).parent
BUILD = HERE.parents[1] / "_build"
SEEN = BUILD / "passed" / "pages"
KEPT = pytest.StashKey[bool]()


def pytest_addoption(parser):
    parser.addoption(
        "--half",
        type=int,
        help="look at every second page, from this one, that changed",
    )


def page_of(item, name):
    """The page that a test is of, by the name of its parameter."""
    at = getattr(item, "callspec", None)
    return at.params.get(name) if at else None


def pytest_collection_modifyitems(config, items):
    """What needs no page of its own, and every second page, is the first half's."""
    if (half := config.getoption("--half", None)) is None:
        return
    pages = {}

    def is_of(item):
        seen = page_of(item, "seen")
        page = seen or page_of(item, "page")
        mine = pages.setdefault(page, len(pages)) % 2 == half if page else half == 0
        return mine and not (seen and was_good(seen))

    chosen = [item for item in items if is_of(item)]
    config.hook.pytest_deselected(items=[i for i in items if i not in chosen])
    items[:] = chosen


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    item.stash[KEPT] = item.stash.get(KEPT, True) and report.passed
    return report


def pytest_sessionfinish(session):
    """Remember the pages of which all tests passed."""
    config = session.config
    if config.getoption("--half", None) is None or config.getoption("-k"):
        return
    good = {}
    for item in session.items:
        if page := page_of(item, "seen"):
            good[page] = good.get(page, True) and item.stash.get(KEPT, False)
    SEEN.mkdir(parents=True, exist_ok=True)
    for page in good:
        mark(page).write_text(look(page) if good[page] else "")


def was_good(page):
    """Whether a browser found no fault with a page that was as it is."""
    now = look(page)
    return mark(page).exists() and mark(page).read_text() == now


def mark(page):
    """The file that says how a page looked."""
    return SEEN / page.replace("/", ".")


@cache
def look(page):
    """A digest of what a browser loads of a page, and of who looks at it."""
    html, shown = BUILD / "html", BUILD / "html" / f"{page}.html"
    text = shown.read_text(encoding="utf-8") if shown.exists() else ""
    files = [shown, *(html / "_static").rglob("*")]
    files += [
        html / "_images" / name for name in re.findall(r"_images/([^\"' )]+)", text)
    ]
    if "explorer/load.js" in text:
        files += (html / "explorer").rglob("*")
    files += [HERE / "test_screen.py", HERE / "look.js", HERE / "conftest.py"]
    files += [HERE.parents[1] / "requirements.lock"]
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or ""
    version = os.stat(chromium).st_mtime if os.path.exists(chromium) else 0
    sha = hashlib.sha256(f"{chromium} {version}".encode())
    for path in sorted(path for path in files if path.is_file()):
        sha.update(path.read_bytes())
    return sha.hexdigest()
