"""The built book in a browser: wide and narrow, light and dark, by eye and by keyboard.

Each page is loaded once in Debian's Chromium and looked at in two ways.
"""

import os
import shutil
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright
from test_book import PAGES

from disentlib.study.paper import AT_THE_END

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
# No rule of a style sheet joins a width with a theme, so that two views show both of
# each. A page is laid out anew where the width changes: once on the way, and once back.
VIEWS = [(1300, "light"), (390, "dark")]
LOOK = (Path(__file__).parent / "look.js").read_text(encoding="utf-8")
# All that can be seen without colours once, what depends on the width there too, and
# then the contrast of the text.
CONTRAST = "color-contrast"
LEVELS = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"],
    "rules": {CONTRAST: {"enabled": False}},
}
RULES = {
    (390, "dark"): {"runOnly": ["scrollable-region-focusable"]},
    (1300, "dark"): LEVELS,
}
COLOURED = [(1300, "dark"), (1300, "light")]
# Most elements of a page are within formulas, which are not ours; within figures, whose
# text look.js measures; and words of code, whose colour is that of the first of their
# kind in its block. They cost axe two thirds of its time.
THINNED = """() => {
  for (const e of document.querySelectorAll("mjx-container")) e.replaceChildren();
  for (const e of document.querySelectorAll(".drawing svg > g")) e.remove();
  for (const block of document.querySelectorAll(".highlight pre")) {
    const kinds = new Set();
    for (const e of block.querySelectorAll("span[class]"))
      kinds.has(e.className) ? e.remove() : kinds.add(e.className);
  }
}"""
# Text of one kind has one contrast: where the elements around it are of the same names,
# classes and styles, and a row of a table as even or odd, the first of them will do, in
# all pages that have the same style sheets. What has no text left goes, but for rows,
# which are even or odd by their place. Returns the kinds, those of before too.
FIRST_OF_A_KIND = """before => {
  const sheets = [...document.querySelectorAll("link[rel=stylesheet], body style")]
    .map(e => e.href || e.textContent).join();
  const kinds = new Set(before), walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), texts = [];
  while (walk.nextNode()) if (walk.currentNode.data.trim()) texts.push(walk.currentNode);
  for (const text of texts) {
    let kind = sheets;
    for (let e = text.parentElement; e; e = e.parentElement)
      kind += `${e.tagName}.${e.getAttribute("class")}[${e.getAttribute("style")}]` +
        (e.tagName === "TR" ? e.rowIndex % 2 : "");
    kinds.has(kind) ? (text.data = "") : kinds.add(kind);
  }
  for (const e of document.querySelectorAll("main :not(tr, td, th)"))
    if (!e.textContent.trim()) e.remove();
  return [...kinds];
}"""
THEME = "document.documentElement.dataset.theme"
# Bytes at first load, of a page, whose numbers and figures differ a little from machine
# to machine, and of what comes with it; MathJax is shared by all pages.
HEAVIEST, HEAVIEST_REST = 1_000_000, 750_000

# What axe finds in the theme, and why it stays: rule, part of the place.
EXCEPTIONS = {
    # An entry of a bibliography, as docutils writes it.
    ("aria-deprecated-role", "doc-biblioentry"),
    ("aria-required-children", "citation-list"),
    # The description of a Python object, as Sphinx writes it.
    ("definition-list", "disentlib"),
    # Empty anchors that other pages' links to labels and citations jump to.
    ("link-name", "headerlink"),
}

pytestmark = pytest.mark.usefixtures("built_book")


@pytest.fixture(scope="module")
def browser(request):
    if CHROMIUM is None:
        there = "no chromium: type apt-get install chromium, or set CHROMIUM"
        if os.environ.get("CI"):
            pytest.fail(there)
        pytest.skip(there)
    with sync_playwright() as driver:
        # A container may have no rights for the sandbox; the pages are our own.
        browser = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


def turn(page, width, theme):
    """Bring the page to a width and a theme, where it has others."""
    now = page.viewport_size["width"], page.evaluate(THEME)
    if now == (width, theme):
        return
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=theme)
    page.wait_for_function(f"{THEME} === '{theme}'")
    page.wait_for_timeout(300)  # for what a resize moves


@pytest.fixture(scope="module")
def window(browser):
    """A page of the browser in which all pages of the book are opened in turn, as a
    reader does; what it is told and asks for, and the kinds of text that it has had.
    """
    page = browser.new_page(viewport={"width": 1300, "height": 900})
    page.set_default_timeout(120_000)  # a busy machine is no fault of the page
    told, asked = [], []
    page.on("console", lambda m: told.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: told.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    return page, told, asked, set()


@pytest.fixture(scope="module", params=PAGES)
def seen(request, window, built_book):
    """What a page asks for, says, and looks like in each view."""
    page, told, asked, kinds = window
    page.goto("about:blank")
    page.set_viewport_size({"width": 1300, "height": 900})
    told.clear()
    asked.clear()
    page.goto((built_book / f"{request.param}.html").as_uri())
    page.wait_for_function(
        "window.MathJax?.startup?.promise?.then(() => true) ?? !window.MathJax"
    )
    views, faults = {}, {}
    for view in VIEWS:
        turn(page, *view)
        views[view] = page.evaluate(LOOK)
    page.evaluate(THINNED)
    for view, options in RULES.items():
        turn(page, *view)
        faults[view] = violations(page, options)
    also = page.evaluate(FIRST_OF_A_KIND, list(kinds))
    for view in COLOURED:
        turn(page, *view)
        faults[*view, CONTRAST] = violations(page, {"runOnly": [CONTRAST]})
    if not any(faults[*view, CONTRAST] for view in COLOURED):
        kinds.update(also)  # else the next page that has them has the fault, too
    return {"views": views, "faults": faults, "told": [*told], "asked": [*asked]}


def violations(page, options):
    """What axe finds on a page."""
    options = options | {"resultTypes": ["violations"], "preload": False}
    if page.evaluate("!window.axe"):
        page.evaluate(Axe().axe_script)
    return page.evaluate("options => axe.run(options)", options)["violations"]


def everywhere(seen, what):
    """What each view has of `what`, without the views that have nothing."""
    return {view: look[what] for view, look in seen["views"].items() if look[what]}


def test_the_console_is_silent(seen):
    assert seen["told"] == []


def test_no_request_leaves_the_page_and_none_weighs_it_down(seen):
    outside = [
        u for u in seen["asked"] if urlsplit(u).scheme not in ("file", "data", "blob")
    ]
    assert outside == []
    files = {unquote(urlsplit(u).path) for u in seen["asked"] if u.startswith("file")}
    # The explorer's models are counted where they are made: 700 kB each.
    apart = ("/mathjax/", "/explorer/models/")
    own = [Path(file) for file in files if not any(part in file for part in apart)]
    page = sum(file.stat().st_size for file in own if file.suffix == ".html")
    assert 0 < page <= HEAVIEST
    assert sum(file.stat().st_size for file in own) - page <= HEAVIEST_REST


def test_nothing_is_wider_than_the_screen(seen):
    assert everywhere(seen, "wide") == {}


def test_nothing_is_cut_off(seen):
    assert everywhere(seen, "cut") == {}


def test_code_fits_its_column_at_a_desk(seen):
    assert seen["views"][1300, "light"]["longCode"] == []


def test_text_of_figures_is_legible(seen):
    assert everywhere(seen, "smallText") == {}
    assert everywhere(seen, "faintText") == {}


def test_what_scrolls_says_so_and_can_be_reached(seen):
    assert everywhere(seen, "silentScrollers") == {}


def test_folds_show_that_they_open(seen):
    assert everywhere(seen, "bareFolds") == {}


def test_numbers_read_as_numbers_and_headings_by_their_size(seen):
    assert everywhere(seen, "rawNumbers") == {}
    assert everywhere(seen, "flatHeadings") == {}


def test_the_tab_key_stops_at_named_things_and_at_no_formula(seen):
    assert everywhere(seen, "namelessStops") == {}
    assert everywhere(seen, "formulaStops") == {}


def test_tables_have_captions_and_heads(seen):
    assert seen["views"][1300, "light"]["bareTables"] == []


def test_axe_finds_no_fault(seen):
    found = [
        (view, fault["id"], node["target"], node["failureSummary"].split("\n")[1].strip())
        for view, faults in seen["faults"].items()
        for fault in faults
        for node in fault["nodes"]
        if not any(fault["id"] == rule and place in str(node["target"]) + node["html"]
                   for rule, place in EXCEPTIONS)
    ]  # fmt: skip
    assert found == []


def test_a_faint_word_would_be_found(browser, built_book):
    """Among the first of its kind, in either theme."""
    page = browser.new_page()
    page.goto((built_book / "book" / "notation.html").as_uri())
    page.evaluate(
        """() => { for (const cell of document.querySelectorAll("td"))
          cell.innerHTML += "<span class='faint' style='color: #aaa'> as faint</span>"; }"""
    )
    page.evaluate(FIRST_OF_A_KIND, [])
    for view in COLOURED:
        turn(page, *view)
        found = violations(page, {"runOnly": [CONTRAST]})
        places = [str(node["target"]) for fault in found for node in fault["nodes"]]
        assert any("faint" in place for place in places) == (view[1] == "light")
    page.close()


def test_a_figure_enlarges_by_key_and_closes(browser, built_book):
    page = browser.new_page()
    page.goto((built_book / "notebooks" / "kl_divergence.html").as_uri())
    button = page.locator("figure button.enlarge").first
    button.focus()
    page.keyboard.press("Enter")
    assert page.locator("dialog.enlarged[open] svg").count() == 1
    page.keyboard.press("Escape")
    assert page.locator("dialog.enlarged").count() == 0
    page.locator("figure .drawing svg").first.click()
    assert page.locator("dialog.enlarged[open]").count() == 1
    page.close()


def test_paper_has_open_folds_and_solutions_last(browser, built_book):
    page = browser.new_page()
    page.goto((built_book / "notebooks" / "kl_divergence.html").as_uri())
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    last = page.locator("article > details, article > h2").all_inner_texts()
    assert last[0].startswith("Solutions") and len(last) > 1
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.locator("article > h2").count() == 0
    assert page.locator("details.solution[open]").count() == 0
    page.close()


def test_paper_is_light_also_in_the_dark(browser, built_book):
    page = browser.new_page()
    page.goto((built_book / "notebooks" / "kl_divergence.html").as_uri())
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    ink = "getComputedStyle(document.querySelector('article p')).color"
    assert page.evaluate(ink) == "rgb(0, 0, 0)"
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.close()


def test_what_the_contents_on_paper_name_at_the_end_is_there(browser, built_book):
    page = browser.new_page()
    for name, of in zip(AT_THE_END, ("notebooks/kl_divergence", "book/bibliography")):
        page.goto((built_book / f"{of}.html").as_uri())
        page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        assert page.locator(f"h2#{name}").inner_text() == AT_THE_END[name]
    page.close()
