"""Five lectures from the pages, for the browser: `python -m disentlib.course.slides`.

A slide shows what a board would: headings, formulas, theorems, figures, printed
numbers, exercises. The prose is the speaker's notes (press S). All files are local.
"""

import html
import re
import shutil
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from nbformat import NotebookNode

from disentlib.course.editions import CLASS, book, executed, glued
from disentlib.course.exercises import TITLE
from disentlib.course.pieces import Piece, picture_of, pieces, words_in
from disentlib.course.plain import Book, Directive, blocks, plain
from disentlib.paths import ROOT

LECTURES = {
    "1-divergence": ("kl_divergence", "elbo"),
    "2-gradients": ("reparameterisation", "two_dimensions"),
    "3-data-and-beta": ("dsprites", "beta_vae"),
    "4-factors-and-scores": ("factor_vae", "scores"),
    "5-the-study": ("training", "results", "recipe"),
}
MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable("table")
MARKDOWN.use(dollarmath_plugin, renderer=lambda tex, how: formula(tex, how))
REVEAL = Path(__file__).parent / "reveal"
ROOM = 16.0  # lines of text that a slide holds
LEAD = "<div class='lead'>"
SHOWN = ("prf:theorem", "prf:proposition", "prf:definition")
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="reveal/reset.css">
<link rel="stylesheet" href="reveal/reveal.css">
<link rel="stylesheet" href="reveal/white.css">
<link rel="stylesheet" href="reveal/lecture.css">
<script src="reveal/reveal.js"></script><script src="reveal/notes.js"></script>
<script src="reveal/lecture.js"></script>
<script src="reveal/tex-svg.js" defer></script></head>
<body><div class="reveal"><div class="slides">
{slides}
</div></div>
</body></html>
"""


@dataclass
class Slide:
    """One slide: its title, what it shows as HTML, and what is said with it."""

    title: str
    shown: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    used: float = 0.0

    def html(self) -> str:
        """The slide as a section of reveal.js."""
        notes = "".join(render(note) for note in self.notes)
        return (
            f"<section><h2>{self.title}</h2>\n<div class='board'>"
            f"{''.join(self.shown)}</div>"
            f'<aside class="notes">{notes}</aside></section>'
        )


class Deck:
    """Slides in the making: puts what comes next where there is room for it."""

    def __init__(self) -> None:
        self.slides: list[Slide] = []

    def start(self, title: str) -> None:
        """Begin a slide, unless the last one is empty: then that gets the title."""
        if self.slides and not self.slides[-1].shown:
            self.slides[-1].title = title
        else:
            self.slides.append(Slide(title))

    def show(self, shown: str, lines: float) -> None:
        """Put HTML of so many lines on the slide, or on a next one of that title."""
        last = self.slides[-1]
        if last.shown and last.used + lines > ROOM:
            self.slides.append(Slide(last.title))
        self.slides[-1].shown.append(shown)
        self.slides[-1].used += lines

    def fill(self) -> None:
        """Where a slide's first sentence is all that it shows, show its paragraph."""
        for slide in self.slides:
            alone = len(slide.shown) == 1 and slide.shown[0].startswith(LEAD)
            if alone and tall(slide.notes[0]) <= ROOM / 2:
                slide.shown = [f"{LEAD}{render(slide.notes[0])}</div>"]

    def say(self, text: str) -> None:
        """Add to the notes; the first sentence of a slide's notes is also shown."""
        last = self.slides[-1]
        if not last.shown:
            first = re.match(r"(?s)(.{20,220}?[.:?])(\s|$)", text)
            if first and "$$" not in first[1]:
                self.show(f"{LEAD}{render(first[1])}</div>", 2)
        last.notes.append(text)


def formula(tex: str, how: dict[str, bool]) -> str:
    """TeX between the marks that MathJax looks for."""
    tex = html.escape(tex)
    return f"\\[{tex}\\]" if how["display_mode"] else f"\\({tex}\\)"


def render(text: str) -> str:
    """Plain Markdown as HTML; a line does not begin with the comma of a formula."""
    code = str(MARKDOWN.render(text))
    inline = r'(<span class="math inline">[^<]*</span>[,.;:?)]+)'
    return re.sub(inline, r"<span class='whole'>\1</span>", code)


def tall(text: str) -> float:
    """About how many lines a piece of Markdown takes on a slide."""
    lines = [line for line in text.split("\n") if line.strip()]
    high = sum(line.count("\\frac") + line.count("\\sum") > 0 for line in lines)
    return 0.6 + sum(max(1.0, len(line) / 95) for line in lines) + 0.5 * high


def add_text(deck: Deck, text: str, labels: Book, page: Path) -> None:
    """Prose of a page: what belongs on a board is shown, the rest is said."""
    for block in blocks(text):
        if isinstance(block, Directive):
            md = plain(block.source, labels, page)
            if block.name == "raw":  # a piece of the explorer, live
                deck.show("\n".join(block.body), ROOM)
            elif block.title.startswith("Before you"):  # a chapter's first slide
                deck.show(render(plain("\n".join(block.body), labels, page)), ROOM / 2)
            elif block.name in SHOWN:
                deck.show(f"<div class='box'>{render(md)}</div>", tall(md) + 1)
            elif md:
                deck.say(md)
            continue
        for paragraph in re.split(r"\n\s*\n", plain(block, labels, page)):
            heading = re.match(r"#+ (.*)", paragraph)
            if heading:
                deck.start(render(heading[1]).removeprefix("<p>").split("</p>")[0])
            elif paragraph.startswith("$$"):
                deck.show(render(paragraph), tall(paragraph))
            elif re.match(r"(-|\||\d+\.) ?", paragraph):
                if tall(paragraph) <= ROOM:
                    deck.show(render(paragraph), tall(paragraph))
                else:
                    deck.say(paragraph)
            elif paragraph.strip():
                deck.say(paragraph)


def add_outputs(deck: Deck, cell: NotebookNode, labels: Book, page: Path) -> None:
    """Figures with their captions, tables, and what a cell prints."""
    figure = cell.metadata.get("mystnb", {})
    caption = plain(figure.get("figure", {}).get("caption", ""), labels, page)
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        if output.get("metadata", {}).get("scrapbook"):
            continue
        if picture := picture_of(data):
            alt = html.escape(figure.get("image", {}).get("alt", ""), quote=True)
            deck.show(
                f"<figure><img alt='{alt}' src='{picture}'>"
                f"<figcaption>{render(caption)}</figcaption></figure>",
                ROOM - 3,
            )
        elif output.output_type == "stream" and output.name == "stdout":
            lines = output.text.rstrip().split("\n")
            if len(lines) <= 16:
                text = html.escape("\n".join(lines))
                deck.show(f"<pre>{text}</pre>", 0.8 + 0.75 * len(lines))
        elif 0 < words_in(table := data.get("text/html", "")) < 300:
            deck.show(table, 1 + table.count("<tr"))


def questions(every: list[Piece]) -> list[str]:
    """Labels of the exercises that a lecture has time for: a page's shortest two."""
    found = []
    for piece in every:
        title = TITLE.match(piece.title) if piece.kind == "exercise" else None
        if title and not title["kind"] and tall(piece.cell.source) < ROOM:
            found.append((int(title["minutes"]), piece.label))
    return [label for _, label in sorted(found)[:2]]


def deck_of(pages: tuple[str, ...], labels: Book) -> Deck:
    """The slides of a lecture, from its pages in order."""
    deck = Deck()
    for name in pages:
        notebook, path = executed(f"notebooks/{name}"), ROOT / "notebooks" / name
        labels.values = glued(notebook)
        every = list(pieces(notebook))
        asked = questions(every)
        for piece in every:
            if piece.kind == "solution" or "remove-cell" in piece.tags:
                continue
            if piece.kind == "exercise":
                md = plain(piece.cell.source, labels, path)
                if piece.label in asked:
                    deck.start(f"Your turn: {piece.title}")
                    deck.show(f"<div class='box'>{render(md)}</div>", tall(md))
            elif piece.cell.cell_type == "code":
                add_outputs(deck, piece.cell, labels, path)
            else:
                add_text(deck, piece.cell.source, labels, path)
    deck.slides = [slide for slide in deck.slides if slide.shown]
    deck.fill()
    return deck


def write(folder: Path = CLASS / "slides") -> list[Path]:
    """Write the lectures, and beside them the files that they load."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(REVEAL, folder / "reveal")
    # Pages find the explorer in the folder above theirs, and so do the lectures.
    shutil.copytree(
        ROOT / "web/explorer", folder.parent / "explorer", dirs_exist_ok=True
    )
    spec = find_spec("sphinx-mathjax-offline")
    if spec is None or spec.origin is None:
        raise ValueError("sphinx-mathjax-offline is not installed: type make setup")
    mathjax = Path(spec.origin).parent / "static" / "mathjax" / "tex-svg.js"
    shutil.copy(mathjax, folder / "reveal")
    labels, made = book(), []
    for name, pages in LECTURES.items():
        slides = deck_of(pages, labels).slides
        title = f"Lecture {name[0]}: {', '.join(p.replace('_', ' ') for p in pages)}"
        made.append(folder / f"{name}.html")
        made[-1].write_text(
            PAGE.format(title=title, slides="\n".join(s.html() for s in slides)),
            encoding="utf-8",
        )
        print(f"{made[-1].relative_to(ROOT)}: {len(slides)} slides")
    return made


if __name__ == "__main__":
    write()
