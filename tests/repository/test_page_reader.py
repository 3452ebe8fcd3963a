"""The book's extension and its own drawings, without building a book."""

import io
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from bs4 import BeautifulSoup

from disentlib.paths import ROOT
from disentlib.study import logo, paper, style

sys.path.insert(0, str(ROOT / "_extensions"))
reader = pytest.importorskip("reader")
from reader import drawings, folds, numbers, tables  # noqa: E402


def soup(text):
    return BeautifulSoup(text, "html.parser")


@pytest.fixture(scope="module")
def graphic():
    """A figure of Matplotlib's, with a curve, a text and a picture."""
    with style.context():
        fig, ((left, right),) = style.panels(1, 2, height=1.5)
        left.plot(np.linspace(0, 1, 50) ** 2, label="curve")
        left.set_title("Words")
        right.imshow(np.arange(16.0).reshape(4, 4))
        file = io.StringIO()
        fig.savefig(file, format="svg")
        plt.close(fig)
    return file.getvalue()


def test_a_drawing_takes_the_ink_of_its_page_and_is_as_wide_as_drawn(graphic):
    made = drawings.drawing(graphic, 'A "curve" & a <picture>', "d0-")
    assert drawings.INK == style.INK and style.INK not in made
    assert "currentColor" in made
    parsed = soup(made).svg
    assert parsed["aria-label"] == 'A "curve" & a <picture>'
    assert f"--width: {style.COLUMN * 96:.0f}px" in parsed["style"]
    assert "Words" in [text.get_text().strip() for text in parsed.find_all("text")]
    assert len(made) < len(graphic)


def test_names_in_two_drawings_of_a_page_differ_and_are_found(graphic):
    one, two = (soup(drawings.drawing(graphic, "x", f"d{i}-")) for i in (1, 2))
    names = [{tag["id"] for tag in each.find_all(id=True)} for each in (one, two)]
    assert names[0] and not names[0] & names[1]
    asked = {tag["xlink:href"][1:] for tag in one.find_all("use")}
    asked |= {tag["clip-path"][5:-1] for tag in one.find_all(attrs={"clip-path": True})}
    assert asked == names[0]


def test_a_grey_picture_loses_nothing(graphic):
    from base64 import b64decode

    from PIL import Image

    def picture(text):
        data = text.split("base64,")[1].split('"')[0]
        return Image.open(io.BytesIO(b64decode(data)))

    before, after = picture(graphic), picture(drawings.drawing(graphic, "x", ""))
    assert after.mode == "L"
    assert (np.array(before.convert("L")) == np.array(after)).all()


@pytest.mark.parametrize(
    "given, shown",
    [
        ("7e-15", "7\xa0×\xa010⁻¹⁵"),
        ("-4e+19", "−4\xa0×\xa010¹⁹"),
        ("0.37", "0.37"),
        ("[-0.1, 0.2]", "[−0.1, 0.2]"),
        ("batch-norm", "batch-norm"),
    ],
)
def test_numbers_read_as_numbers(given, shown):
    assert numbers.number(given) == shown


TABLE = """<h2>Losses<a>#</a></h2><table border="1"><thead><tr><th></th><th>D</th><th>what</th>
</tr></thead><tbody><tr><th>one</th><td>-4.0</td><td>5 of 6</td></tr>
<tr><th>two</th><td>10.5</td><td>none</td></tr></tbody></table>"""


def test_a_table_says_what_heads_what():
    page = soup(TABLE)
    tables.head(page)
    scopes = [head.get("scope") for head in page.find_all("th")]
    assert scopes == ["col", "col", "row", "row"]
    assert page.find("caption").get_text() == "Table: Losses"
    assert [cell.get_text() for cell in page.select(".number")] == ["D", "−4.0", "10.5"]
    assert page.table.parent["class"] == ["table-scroller"]


def test_a_table_keeps_its_own_caption():
    page = soup(TABLE.replace("<thead>", "<caption>Mine</caption><thead>"))
    tables.head(page)
    assert [caption.get_text() for caption in page.find_all("caption")] == ["Mine"]


def test_folds_are_called_after_what_they_hide():
    page = soup(
        '<div class="cell"><details class="hide"><summary aria-label="Toggle">x</summary>'
        "<pre>fig = draw()</pre></details><div class='cell_output'><figure><figcaption>"
        '<span class="caption-number">Fig. 3 </span></figcaption></figure></div></div>'
        '<div class="solution dropdown admonition"><p class="admonition-title">Solution '
        'to<a href="#e"> Exercise 1</a></p><p>Because.</p></div>'
    )
    folds.name(page)
    assert [s.get_text() for s in page.find_all("summary")] == [
        "Code of Fig. 3",
        "Solution to Exercise 1",
    ]
    assert len(page.find_all("details")) == 2


@pytest.mark.parametrize("make", [logo.logo, logo.favicon, logo.title])
def test_the_drawings_of_the_book_are_those_of_the_library(make):
    stored = (ROOT / "_static" / f"{make.__name__}.svg").read_text(encoding="utf-8")
    assert stored == make(), "type python -m disentlib.study.logo"


def test_the_whole_book_in_one_file_links_within_itself(tmp_path):
    page = (
        "<html><head><link href='../s.css'/></head><body><article><section id='t'><h1>{0}</h1>"
        "<a href='{1}.html#t'>there</a><a href='https://x.org'>out</a><img src='../i.png'/>"
        "</section></article></body></html>"
    )
    (tmp_path / "a").mkdir()
    for here, there in (("one", "two"), ("two", "one")):
        (tmp_path / "a" / f"{here}.html").write_text(page.format(here, there))
    whole = soup(paper.one_file(["a/one", "a/two"], tmp_path))
    names = {tag["id"] for tag in whole.find_all(id=True)}
    inside = [a["href"][1:] for a in whole.find_all("a") if a["href"].startswith("#")]
    assert len(inside) == 3 and set(inside) <= names
    assert {image["src"] for image in whole.find_all("img")} == {"i.png"}
    assert whole.find("link")["href"] == "s.css"
