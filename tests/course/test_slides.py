"""Lectures: what is on a slide and what is said, and that nothing comes from afar."""

import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from disentlib.course import slides
from disentlib.course.pieces import Piece, words_in
from disentlib.course.plain import Book
from disentlib.paths import ROOT

TEXT = """# A title

The first sentence is shown. The second is said.

$$
x = 1 < 2
$$ (eq-x)

````{prf:proof}
Long.
````

## Another

- a list
- is shown
"""


@pytest.fixture
def deck(monkeypatch):
    figure = new_code_cell("plot()")
    figure.metadata["mystnb"] = {
        "figure": {"caption": "It falls."},
        "image": {"alt": "A line"},
    }
    figure.outputs = [new_output("display_data", data={"image/svg+xml": "<svg/>"})]
    printed = new_code_cell("print(1)", outputs=[new_output("stream", text="a < b\n")])
    hidden = new_code_cell("glue()", metadata={"tags": ["remove-cell"]})
    hidden.outputs = [new_output("stream", text="never\n")]
    notebook = new_notebook(cells=[new_markdown_cell(TEXT), figure, printed, hidden])
    monkeypatch.setattr(slides, "executed", lambda page: nbformat.from_dict(notebook))
    return slides.deck_of(("one",), Book(numbers={"eq-x": "1"}))


def test_the_board_has_formulas_lists_figures_and_prints(deck):
    shown = "".join(slide.html() for slide in deck.slides)
    assert r"x = 1 &lt; 2" in shown and r"\tag{1}" in shown
    assert "<li>a list</li>" in shown and "a &lt; b" in shown
    assert "alt='A line'" in shown and "It falls." in shown
    assert "never" not in shown


def test_prose_is_said_but_for_a_first_sentence(deck):
    first = deck.slides[0]
    assert first.title == "A title"
    assert "The first sentence is shown." in first.shown[0]
    assert not any("second is said" in part for part in first.shown)
    assert "second is said" in first.notes[0] and "Long." in "".join(first.notes)


def test_a_full_slide_goes_on_on_the_next_of_its_title():
    deck = slides.Deck()
    deck.start("Much")
    for _ in range(3):
        deck.show("<p></p>", slides.ROOM / 2)
    assert [slide.title for slide in deck.slides] == ["Much", "Much"]


def test_a_slide_with_nothing_but_a_first_sentence_shows_its_paragraph():
    deck = slides.Deck()
    for title in ("Alone", "Not alone"):
        deck.start(title)
        deck.say("This sentence leads to another one: here it is, with $x$, and ends.")
    deck.show("<pre>1</pre>", 1)
    deck.fill()
    alone, other = (slide.html().split("<aside")[0] for slide in deck.slides)
    assert "ends" in alone and "ends" not in other
    assert "(x\\)</span>,</span>" in alone  # no line begins with the comma


def test_five_lectures_of_pages_that_exist():
    assert len(slides.LECTURES) == 5
    for pages in slides.LECTURES.values():
        assert all((ROOT / "notebooks" / f"{page}.md").is_file() for page in pages)


def test_nothing_is_loaded_from_another_machine():
    loaded = re.findall(r'(?:src|href)="([^"]+)"', slides.PAGE)
    assert loaded and not any("//" in address for address in loaded)
    for sheet in slides.REVEAL.glob("*.css"):
        assert not re.search(r"@import|url\((?!data:)", sheet.read_text()), sheet.name
    assert (slides.REVEAL / "LICENSE").read_text().startswith("Copyright")


def test_a_lecture_asks_the_shortest_two_of_a_page():
    def asks(title, label):
        return Piece("exercise", new_markdown_cell("Why?"), label, title)

    every = [
        asks("open, 30 minutes", "a"),
        asks("recall, 5 minutes", "b"),
        asks("quiz: recall, 5 minutes", "c"),
        asks("calculate, 10 minutes", "d"),
    ]
    assert slides.questions(every) == ["b", "d"]


def test_a_table_is_shown_where_it_can_be_read(deck):
    assert words_in("<style>a b c</style><table><tr><td>one two</td></table>") == 2
    assert words_in("<p>one two</p>") == 0
