"""What every page loads of the theme, rid of what no page of the book shows."""

import logging
import re
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

# A rule that gives classes of icons their glyph; ours are masks in icons.css.
GLYPH_OF_ICON = re.compile(r'(?:\.fa-[\w-]+:{1,2}before,?)+\{content:"[^"]*"\}')
SOURCES = r"src:url\(([^)]*/{0})\.woff2\)[^;}}]*"
# A glyph in a style sheet: itself, or the number of its character.
GLYPH = re.compile(r"[\ue000-\uf8ff]|\\(?:e|f)[0-9a-f]{3}\b")
FONTS = ("fa-solid-900", "fa-brands-400")
SEARCH = re.compile(
    r'\s*<script src="[^"]*(?:searchtools|language_data|searchindex)\.js[^"]*">'
    "</script>"
)


def drop_search(out: Path) -> None:
    """Load the index of the search on the page of the search alone.

    The theme has it on every page, to search while one types, which is off.
    """
    for page in out.rglob("*.html"):
        if page.name == "search.html":
            continue
        text, found = SEARCH.subn("", page.read_text(encoding="utf-8"))
        if found:
            page.write_text(text, encoding="utf-8")


def shrink_icons(static: Path) -> None:
    """Leave of the theme's icons and their fonts what its style sheets draw."""
    sheet = static / "styles" / "pydata-sphinx-theme.css"
    fonts = static / "vendor" / "fontawesome" / "webfonts"
    rules = GLYPH_OF_ICON.sub("", sheet.read_text(encoding="utf-8"))
    others = [path for path in static.rglob("*.css") if path != sheet]
    texts = [rules, *(path.read_text(encoding="utf-8") for path in others)]
    drawn = {character(found) for text in texts for found in GLYPH.findall(text)}
    for name in FONTS:
        if (whole := fonts / f"{name}.ttf").exists():
            subset(whole, fonts / f"{name}.woff", drawn)
            source = r'src:url(\1.woff) format("woff")'
            rules = re.sub(SOURCES.format(name), source, rules)
            (fonts / f"{name}.woff2").unlink(missing_ok=True)
    sheet.write_text(rules, encoding="utf-8")


def character(glyph: str) -> int:
    """The number of a character that stands in a style sheet."""
    return int(glyph[1:], 16) if glyph.startswith("\\") else ord(glyph)


def subset(whole: Path, part: Path, characters: set[int]) -> None:
    """Write those of a font's `characters` that it has, for the web."""
    logging.getLogger("fontTools").setLevel(logging.WARNING)  # it tells of each table
    font = TTFont(whole, recalcTimestamp=False)  # the same part each time
    cut = Subsetter(Options(layout_features=[], name_IDs=[], hinting=False))
    cut.populate(unicodes=characters)
    cut.subset(font)
    font.flavor = "woff"
    font.save(part)
