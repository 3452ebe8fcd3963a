"""The built book as a reader gets it: run after `python -m disentlib book` (see
Makefile).
"""

import re
from functools import cache
from html import unescape
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
import yaml
from bs4 import BeautifulSoup
from jupyter_cache import get_cache
from make_golden import GOLDEN, to_compare
from make_golden import PAGES as DETERMINISTIC
from myst_nb.core.read import myst_nb_reader_plugin

from disentlib.paths import ROOT

HTML = ROOT / "_build" / "html"
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text())
PAGES = [TOC["root"]] + [
    page["file"] for part in TOC["parts"] for page in part["chapters"]
]

pytestmark = pytest.mark.usefixtures("built_book")


@cache
def soup(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


@cache
def places(path: Path) -> set[str]:
    """What a link to a page can name in it; by its text, as most pages are none of
    this process' half.
    """
    text = path.read_text(encoding="utf-8")
    return {*map(unescape, re.findall(r'\s(?:id|name)="([^"]*)"', text))}


def article(page: str) -> BeautifulSoup:
    return soup(HTML / f"{page}.html").find("article")


def images(page: str) -> list:
    """Files, and figures that stand in the page."""
    return article(page).select("img, svg[role=img]")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_can_be_taken_along(page):
    file = HTML / f"{page}.html"
    offered = soup(file).select_one(".dropdown-download-buttons")
    taken = {
        there.suffix: there
        for link in offered.find_all("a")
        for there in [file.parent / link["href"]]
    }
    runs = page.startswith("notebooks/")
    assert set(taken) == ({".md", ".ipynb"} if runs else {".md"})
    assert all(there.is_file() for there in taken.values())
    assert "window.print()" in str(offered)  # reader.css has a style for paper
    if runs:
        cells = nbformat.read(taken[".ipynb"], as_version=4).cells
        assert any(cell.get("outputs") for cell in cells), "was not executed"


@pytest.mark.parametrize("page", PAGES)
def test_page_is_whole(page):
    text = article(page).get_text()
    assert len(text) > 400
    for trouble in (
        "Traceback (most recent call last)",
        "glue:",
        "{eq}",
        "{ref}",
        "{cite",
        "{numref",
    ):
        assert trouble not in text
    # Numbers glued as numpy scalars would show their type.
    assert not re.search(r"np\.(float|int)\d+\(", text)


@pytest.mark.parametrize("name", DETERMINISTIC)
def test_the_book_prints_what_is_kept(name):
    """What nbval compares, where the book has executed the page already."""
    page = ROOT / "notebooks" / f"{name}.md"
    cache = get_cache(ROOT / "_build" / ".jupyter_cache")
    record = cache.match_cache_notebook(myst_nb_reader_plugin(str(page)))
    executed = cache.get_cache_bundle(record.pk).nb.cells
    golden = nbformat.read(GOLDEN / f"{name}.ipynb", as_version=4).cells
    assert [c.source for c in executed] == [c.source for c in golden]
    marked = [n for n, cell in enumerate(golden) if to_compare(cell)]
    assert len(marked) >= 3
    for n in marked:
        assert printed(executed[n]) == printed(golden[n]) != "", golden[n].source


def printed(cell) -> str:
    return "".join(o.text for o in cell.outputs if o.output_type == "stream")


@pytest.mark.parametrize("page", PAGES)
def test_language_and_headings(page):
    html = soup(HTML / f"{page}.html").find("html")
    assert html["lang"] == "en"
    levels = [
        int(heading.name[1])
        for heading in article(page).find_all(re.compile("^h[1-6]$"))
    ]
    assert levels.count(1) == 1 and levels[0] == 1
    assert all(deeper <= level + 1 for level, deeper in pairwise(levels))


@pytest.mark.parametrize("page", PAGES)
def test_images_have_words_and_files(page):
    for image in images(page):
        words = image.get("alt") or image.get("aria-label", "")
        assert len(words.split()) >= 5, f"{str(image)[:300]}: alt text is {words!r}"
        assert not words.startswith("<Figure size")  # what matplotlib says of it
        if image.name == "img":
            source = image["src"]
            assert Path(source).stem not in words
            assert ((HTML / page).parent / unquote(source)).exists()


def test_figures_are_among_the_images_that_are_looked_at():
    whole = "".join((HTML / f"{page}.html").read_text("utf-8") for page in PAGES)
    assert len(re.findall(r"<svg[^>]*\srole=.img.", whole)) >= 40


@pytest.mark.parametrize("page", PAGES)
def test_figures_have_captions(page):
    for figure in article(page).find_all("figure"):
        assert (
            figure.find("figcaption")
            and len(figure.find("figcaption").get_text().split()) >= 5
        )


@pytest.mark.parametrize("page", PAGES)
def test_internal_links_and_anchors(page):
    broken, here = [], HTML / f"{page}.html"
    for tag in soup(here).find_all("a", href=True):
        link = urlsplit(tag["href"])
        if link.scheme or link.netloc:
            continue
        there = (here.parent / unquote(link.path)).resolve() if link.path else here
        lost = there.suffix == ".html" and link.fragment and there.exists()
        lost = lost and unquote(link.fragment) not in places(there)
        if lost or not there.exists():
            broken.append(tag["href"])
    assert broken == []


@pytest.mark.parametrize("page", PAGES)
def test_reads_without_a_network(page):
    document = soup(HTML / f"{page}.html")
    loaded = [tag["src"] for tag in document.find_all(["script", "img"], src=True)]
    loaded += [
        tag["href"]
        for tag in document.find_all("link", href=True)
        if "stylesheet" in tag["rel"]
    ]
    assert [address for address in loaded if urlsplit(address).netloc] == []


def test_equations_named_in_docstrings_are_in_the_book():
    named = set()
    for module in (ROOT / "disentlib").rglob("*.py"):
        named |= set(re.findall(r"\beq-[a-z0-9-]*[a-z0-9]", module.read_text()))
    pages = [ROOT / f"{page}.md" for page in PAGES]
    labelled = set(
        re.findall(r"\$\$ \((eq-[a-z0-9-]+)\)", "\n".join(p.read_text() for p in pages))
    )
    assert named - labelled == set()
    assert named
