"""Vector graphics, put into the page: sharp, searchable, in the page's own ink."""

import base64
import io
import re
from pathlib import Path

from bs4 import BeautifulSoup
from PIL import Image

INK = "#1f2328"  # disentlib.study.style.INK; a test holds the two together
NUMBER = re.compile(r"-?\d+\.\d{3,}")
LINES = re.compile(r"(-?[\d.]+ -?[\d.]+)(?:L-?[\d.]+ -?[\d.]+)+")


def inline(soup: BeautifulSoup, images: dict[str, Path]) -> dict[str, str]:
    """Replace each vector graphic by a mark; returns the drawing for each mark."""
    drawn = {}
    for number, image in enumerate(soup.find_all("img")):
        path = images.get(Path(image.get("src", "")).name)
        if path is None:
            continue
        mark = f"@@drawing-{number}@@"
        words = image.get("alt", "")
        drawn[mark] = drawing(path.read_text(encoding="utf-8"), words, f"d{number}-")
        frame = soup.new_tag("div", attrs={"class": "drawing"})
        frame.string = mark
        image.replace_with(frame)
    return drawn


def drawing(svg: str, words: str, prefix: str) -> str:
    """A graphic of Matplotlib's as an element of the page, `words` its alt text.

    Its names get a prefix, as a page has several; sizes in points become a width in CSS
    pixels that a style sheet can bound.
    """
    width, height = (
        float(re.search(rf'\b{side}="([\d.]+)pt"', svg)[1])
        for side in ("width", "height")
    )
    inside = svg[svg.index(">", svg.index("<svg")) + 1 : svg.rindex("</svg>")]
    inside = re.sub(
        r"<metadata>.*?</metadata>|<style.*?</style>", "", inside, flags=re.S
    )
    inside = re.sub(r"<!--.*?-->", "", inside, flags=re.S)
    names = sorted(set(re.findall(r"#([\w.-]+)[\")]", inside)))
    short = {name: f"{prefix}{number}" for number, name in enumerate(names)}
    inside = re.sub(
        r' id="([^"]+)"',
        lambda m: f' id="{short[m[1]]}"' if m[1] in short else "",
        inside,
    )
    inside = re.sub(
        r'((?:href="|url\()#)([\w.-]+)', lambda m: m[1] + short[m[2]], inside
    )
    inside = inside.replace(INK, "currentColor")
    inside = re.sub(r"data:image/png;base64,\s*([\w+/=\s]+)", _smaller, inside)
    inside = re.sub(r'="[^"]*\d\.\d{3}[^"]*"', _rounded, inside)
    inside = re.sub(r'(?<= d=")[^"]+', _short, inside)
    inside = re.sub(r"\n\s*", "\n", inside)
    words = words.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return (
        f'<svg role="img" aria-label="{words}" viewBox="0 0 {width:g} {height:g}" '
        f'style="--width: {width * 4 / 3:.0f}px">{inside}</svg>'
    )


def _rounded(match: re.Match) -> str:
    """Coordinates to a hundredth of a point; scales keep their digits."""
    if "scale" in match[0] or "matrix" in match[0] or "base64" in match[0]:
        return match[0]
    return NUMBER.sub(lambda m: f"{float(m[0]):.2f}".rstrip("0").rstrip("."), match[0])


def _short(match: re.Match) -> str:
    """A path without the blanks around its letters, its lines by how far they go."""
    close = re.sub(r"\s*([A-Za-z])\s*", r"\1", match[0]).strip()
    return LINES.sub(_steps, close)


def _steps(match: re.Match) -> str:
    """Lines from a point on: the same points to a hundredth, in fewer letters."""
    places = [round(100 * float(place)) for place in re.findall(r"[-\d.]+", match[0])]
    steps = [there - here for here, there in zip(places, places[2:], strict=False)]
    return f"{match[1]}l" + " ".join(f"{s / 100:.8g}" for s in steps).replace(" -", "-")


def _smaller(match: re.Match) -> str:
    """A picture, stored in a form that takes little space for the same pixels."""
    file = io.BytesIO()
    picture = Image.open(io.BytesIO(base64.b64decode(match[1])))
    picture.convert("RGBA").save(file, "WEBP", lossless=True)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode()
