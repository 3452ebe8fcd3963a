"""The book's extension and its own drawings, without building a book."""

import io
import re
import shutil
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pydata_sphinx_theme
import pytest
from bs4 import BeautifulSoup
from fontTools.ttLib import TTFont

from disentlib.paths import ROOT
from disentlib.study import logo, paper, style

sys.path.insert(0, str(ROOT / "_extensions"))
from reader import drawings, folds, formulas, lighter, numbers, tables


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


def test_a_picture_loses_nothing_but_weight(graphic):
    from base64 import b64decode

    from PIL import Image

    def picture(text):
        data = text.split("base64,")[1].split('"')[0]
        return Image.open(io.BytesIO(b64decode(data)))

    before, after = picture(graphic), picture(drawings.drawing(graphic, "x", ""))
    assert after.format == "WEBP"
    for mode in ("L", "RGBA"):
        pixels = (np.array(each.convert(mode)) for each in (before, after))
        assert np.array_equal(*pixels)


def test_a_path_keeps_its_points():
    line = "M 1.5 -2 \nL 3 4.25 \nQ 1 2 3 4 \nz\n"
    made = drawings.drawing(
        f'<svg width="9pt" height="9pt"><path id="a" d="{line}"/></svg>', "", ""
    )
    assert soup(made).path["d"] == "M1.5 -2l1.5 6.25Q1 2 3 4z"


def test_lines_go_to_the_points_they_went_to():
    """Steps are added up as a browser adds them; none is lost to rounding."""
    places = np.cumsum(np.random.default_rng(0).normal(size=(500, 2)), axis=0)
    line = "M" + "L".join(f" {x:.6f} {y:.6f} " for x, y in places) + "z"
    made = drawings.drawing(
        f'<svg width="9pt" height="9pt"><path d="{line}"/></svg>', "", ""
    )
    start, steps = soup(made).path["d"].strip("Mz").split("l")
    steps = re.findall(r"-?[\d.]+(?:e-?\d+)?", steps)
    reached = np.cumsum(
        np.array([*start.split(), *steps], float).reshape(-1, 2), axis=0
    )
    assert np.abs(reached - places).max() < 0.00501
    assert len(made) < 0.6 * len(line)


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


def test_powers_are_set_in_all_text_but_code():
    page = soup("<p>a rate of 5e-4, <code>5e-4</code></p><td>1e-08</td>")
    numbers.typeset(page)
    assert page.get_text() == "a rate of 5\xa0×\xa010⁻⁴, 5e-41\xa0×\xa010⁻⁸"


def test_what_is_read_as_one_stays_in_one_line():
    page = soup(
        "<td>at D = 15, of 95 %: −0.03 [−0.11, 0.05] nats</td><code>D = 4</code>"
    )
    numbers.typeset(page)
    told = page.td.get_text().replace("\xa0", "_")
    assert told == "at D_=_15, of 95_%: −0.03 [−0.11,_0.05] nats"
    assert page.code.get_text() == "D = 4"


def test_no_line_begins_with_the_stop_of_a_formula():
    page = soup(
        '<p>is <span class="math">x</span>), or <span class="math">y</span> a.</p>'
    )
    formulas.keep_stops(page)
    assert page.get_text() == "is x), or y a."
    assert [kept.get_text() for kept in page.select(".with-stops")] == ["x),"]


TABLE = """<h2>Losses<a>#</a></h2><table border="1"><thead><tr><th></th><th>D</th><th>what</th>
</tr></thead><tbody><tr><th>one</th><td>-4.0</td><td>5 of 6</td></tr>
<tr><th>two</th><td>10.5</td><td>none</td></tr></tbody></table>"""


def test_long_words_of_heads_may_break():
    page = soup(TABLE.replace("<th>what</th>", "<th>DCI disentanglement</th>"))
    tables.head(page)
    assert page.find_all("th")[1].get_text() == "DCI disen\u00adtangle\u00adment"
    assert "\u00ad" not in page.tbody.get_text()


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


@pytest.mark.parametrize(
    ("code", "table", "called"),
    [
        ("import math\nx = 1", "", "Code: what this page imports"),
        ("# Three seeds\nx = 1", "", "Code: Three seeds"),
        ("x = 1", "<caption>Losses, in nats.</caption>", "Code of the table: Losses"),
        ("x = 1", "", "Code of the table below"),  # which has a caption to be heard
    ],
)
def test_a_fold_without_a_figure_has_a_name_too(code, table, called):
    shown = f"<table>{table}<tbody></tbody></table>" * ("import" not in code)
    shown = shown if "#" not in code else ""
    page = soup(
        "<h2>Losses</h2><div class='cell'><details class='hide'><summary>x</summary>"
        f"<pre>{code}</pre></details><div class='cell_output'>{shown}</div></div>"
    )
    tables.head(page)
    folds.name(page)
    assert page.find("summary").get_text() == called


def test_icons_that_nothing_draws_are_gone_and_the_others_are_not(tmp_path):
    theme = Path(pydata_sphinx_theme.__file__).parent / "theme/pydata_sphinx_theme"
    shutil.copytree(theme / "static", tmp_path / "_static")
    sheet = tmp_path / "_static" / "styles" / "pydata-sphinx-theme.css"
    whole = sheet.stat().st_size
    lighter.shrink_icons(tmp_path / "_static")
    rules = sheet.read_text(encoding="utf-8")
    assert len(rules.encode()) < whole - 80_000
    assert "fa-truck" not in rules and ".btn-primary" in rules
    fonts = tmp_path / "_static" / "vendor" / "fontawesome" / "webfonts"
    for name, glyph in (("fa-solid-900", "\uf058"), ("fa-brands-400", "\uf09b")):
        assert f"{name}.woff)" in rules and f"{name}.woff2" not in rules
        assert glyph in rules  # a tick, and GitHub's cat
        assert (fonts / f"{name}.woff").stat().st_size < 5_000
        assert ord(glyph) in TTFont(fonts / f"{name}.woff").getBestCmap()
    lighter.shrink_icons(tmp_path / "_static")  # of a folder built before: the same
    assert sheet.read_text(encoding="utf-8") == rules


def test_the_index_of_the_search_is_loaded_where_one_searches(tmp_path):
    loads = '<p>a</p>\n<script src="{}searchindex.js?v=1"></script>\n<p>b</p>'
    for name, root in (("search", ""), ("one", "../")):
        (tmp_path / f"{name}.html").write_text(loads.format(root))
    lighter.drop_search(tmp_path)
    assert "searchindex" in (tmp_path / "search.html").read_text()
    assert (tmp_path / "one.html").read_text() == "<p>a</p>\n<p>b</p>"


@pytest.mark.parametrize("make", [logo.logo, logo.favicon, logo.title])
def test_the_drawings_of_the_book_are_those_of_the_library(make):
    stored = (ROOT / "_static" / f"{make.__name__}.svg").read_text(encoding="utf-8")
    assert stored == make(), "type python -m disentlib.study.logo"


def test_the_whole_book_in_one_file_links_within_itself(tmp_path):
    page = (
        "<html><head><title>{0} — Book</title><link href='../s.css'/></head><body><article><section id='t'><h1>{0}</h1>"
        "<a href='{1}.html#t'>there</a><a href='https://x.org'>out</a><img src='../i.png'/>"
        "</section></article></body></html>"
    )
    (tmp_path / "a").mkdir()
    for here, there in (("one", "two"), ("two", "one")):
        (tmp_path / "a" / f"{here}.html").write_text(page.format(here, there))
    whole = soup(paper.one_file(["a/one", "a/two"], tmp_path))
    names = {tag["id"] for tag in whole.find_all(id=True)}
    inside = [a["href"][1:] for a in whole.find_all("a") if a["href"].startswith("#")]
    # A script makes these two for paper.
    inside = [name for name in inside if name not in paper.AT_THE_END]
    assert len(inside) == 3 and set(inside) <= names
    assert whole.title.get_text() == "Book"
    assert {image["src"] for image in whole.find_all("img")} == {"i.png"}
    assert whole.find("link")["href"] == "s.css"
