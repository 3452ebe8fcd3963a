"""The whole book as one file for paper: `python -m disentlib.study.paper` writes
`_build/book.pdf` from the built pages.
"""

import os
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from posixpath import normpath
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup, Tag

from disentlib.commands import Failed, run_command
from disentlib.files import atomic_write
from disentlib.paths import ROOT
from disentlib.study.sources import contents

HTML = ROOT / "_build" / "html"
FOOTER = (
    '<div style="width:100%;text-align:center;font:8pt sans-serif">'
    '<span class="pageNumber"></span></div>'
)
# Sections that reader.js makes for paper, by their names in it.
AT_THE_END = {"solutions": "Solutions", "addresses": "Addresses of the links"}
STYLE = """
body { counter-reset: chapter; }
.chapter h1 { display: block !important; }
.chapter { break-before: page; }
.chapter.numbered h1 { counter-increment: chapter; }
.chapter.numbered h1::before { content: counter(chapter) ". "; }
.in-order { break-before: page; }
.in-order li { margin: 0.2em 0; }
"""


def anchor(page: str, name: str = "") -> str:
    """The name in the one file of what is called `name` on a page."""
    return re.sub(r"\W", "-", page) + (f"--{name}" if name else "")


def one_file(pages: Sequence[str], folder: Path = HTML) -> str:
    """The pages of `folder` as one HTML document: contents, then a chapter a page.

    Links between pages become links within the document. Raises `FileNotFoundError`
    where a page is not built.
    """
    head = part_of(folder / f"{pages[0]}.html", "head")
    for tag in head.find_all(["link", "script"]):
        for key in ("href", "src"):
            link = text_of(tag, key)
            if link and not urlsplit(link).scheme:
                tag[key] = normpath(f"{PurePosixPath(pages[0]).parent}/{link}")
    if name := head.find("title"):  # of the book, without its first page's
        name.string = name.get_text().rsplit(" — ", 1)[-1]
    chapters, contents = [], []
    for page in pages:
        article = part_of(folder / f"{page}.html", "article")
        rename(article, page, set(pages))
        article.name = "section"
        numbered = page != pages[0]
        article["class"] = "chapter numbered" if numbered else "chapter"
        article["id"] = anchor(page)
        chapters.append(str(article))
        heading = article.find("h1")
        title = heading.get_text().rstrip("#") if heading else page
        item = f'<a href="#{anchor(page)}">{title}</a>'
        contents.append(f"<li>{item}</li>" if numbered else "")
    ends = AT_THE_END.items()
    last = "".join(f'<p><a href="#{end}">{title}</a></p>' for end, title in ends)
    listed = f"<h2>Contents</h2><ol>{''.join(contents)}</ol>{last}"
    return (
        f'<!DOCTYPE html><html lang="en" data-theme="light">{head}<style>{STYLE}'
        '</style><body><main class="bd-main"><div class="bd-content">'
        f'<div class="bd-article-container"><article class="bd-article">{chapters[0]}'
        f'<nav class="in-order">{listed}</nav>'
        f"{''.join(chapters[1:])}</article></div></div></main></body></html>"
    )


def part_of(path: Path, name: str) -> Tag:
    """The first element `name` of an HTML file; `ValueError` where there is none,
    `FileNotFoundError` for a page that is not built.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing: type make book")
    part = BeautifulSoup(path.read_text("utf-8"), "html.parser").find(name)
    if part is None:
        raise ValueError(f"{path} has no <{name}>: type make book")
    return part


def text_of(tag: Tag, key: str) -> str:
    """An attribute as text; empty where the tag has none."""
    return str(tag.get(key, ""))


def rename(article: Tag, page: str, pages: set[str]) -> None:
    """Give every name of a page the page's prefix, and mend what points at names."""
    here = PurePosixPath(page).parent
    for tag in article.find_all(True):
        if name := text_of(tag, "id"):
            tag["id"] = anchor(page, name)
        for key in ("aria-labelledby", "aria-describedby", "for"):
            tag.attrs.pop(key, None)
        for key in ("clip-path", "style"):
            if "url(#" in (text := text_of(tag, key)):
                tag[key] = text.replace("url(#", f"url(#{anchor(page)}--")
        source = text_of(tag, "src")
        if source and not urlsplit(source).scheme:
            tag["src"] = normpath(f"{here}/{source}")
        for key in ("href", "xlink:href"):
            link = urlsplit(text_of(tag, key))
            if key not in tag.attrs or link.scheme:
                continue
            there = normpath(f"{here}/{unquote(link.path)}") if link.path else page
            there = there.removesuffix(".html")
            if there in pages:
                tag[key] = "#" + anchor(there, link.fragment)


def write(output: Path, chromium: str) -> None:
    """Print the built book to `output`, with an outline and page numbers."""
    from playwright.sync_api import sync_playwright

    text = HTML / "paper.html"
    text.write_text(one_file([page for _, page in contents()]), encoding="utf-8")
    try:
        with sync_playwright() as driver, atomic_write(output) as temporary:
            browser = driver.chromium.launch(
                executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
            )
            page = browser.new_page()
            page.set_default_timeout(600_000)
            page.goto(text.as_uri())
            page.wait_for_function("window.MathJax.startup.promise.then(() => true)")
            page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
            page.pdf(
                path=temporary,
                prefer_css_page_size=True,
                display_header_footer=True,
                header_template="<span></span>",
                footer_template=FOOTER,
                outline=True,
                tagged=True,
            )
            browser.close()
    finally:
        text.unlink()


def main() -> int:
    """The command; returns its exit code."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        raise Failed("no chromium: type apt-get install chromium")
    output = ROOT / "_build" / "book.pdf"
    write(output, chromium)
    print(f"{output}: {output.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
