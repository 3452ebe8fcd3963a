"""The book's own drawings, made of the sprites' outlines: `python -m
disentlib.study.logo` writes them into `_static/`.
"""

import numpy as np
from numpy.typing import NDArray

from disentlib.files import write_bytes
from disentlib.paths import ROOT
from disentlib.sprites.outlines import OUTLINES, UNIT
from disentlib.study.style import COLOURS

SQUARE, ELLIPSE, HEART = (outline / UNIT for outline in OUTLINES)
TILE = 64  # as wide as an image of the data set
WORDS = {
    "logo": "A square, an ellipse and a heart",
    "favicon": "A white heart on black",
    "title": "Three rows of sprites. In the first only the shape's size changes, in "
    "the second only its turn, in the third only its place.",
}


def drawn(
    outline: NDArray[np.float64],
    x: float,
    y: float,
    scale: float,
    turn: float = 0.0,
    ink: str = "#fff",
) -> str:
    """An outline around (x, y), its unit `scale` long, turned by `turn` radians."""
    cos, sin = np.cos(turn), np.sin(turn)
    points = scale * outline @ np.array([[cos, sin], [-sin, cos]]) + [x, y]
    listed = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
    return f'<polygon fill="{ink}" points="{listed}"/>'


def framed(name: str, width: float, height: float, inside: str) -> str:
    """A file of its own."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width:g}" '
        f'height="{height:g}" viewBox="0 0 {width:g} {height:g}">'
        f"<title>{WORDS[name]}</title>{inside}</svg>\n"
    )


def logo() -> str:
    """The three shapes side by side, in colours that both themes show."""
    shapes = zip((SQUARE, ELLIPSE, HEART), COLOURS[:3], (0.3, -0.5, 0.15))
    inside = [
        drawn(outline, 30 + 62 * i, 32, 20, turn, ink)
        for i, (outline, ink, turn) in enumerate(shapes)
    ]
    return framed("logo", 186, 64, "".join(inside))


def favicon() -> str:
    """One sprite: a white heart on black."""
    tile = f'<rect width="{TILE}" height="{TILE}" rx="8"/>'
    return framed("favicon", TILE, TILE, tile + drawn(HEART, 32, 32, 24))


def title() -> str:
    """What disentangled means: a row a factor, in which that factor changes alone."""
    steps = np.linspace(-1, 1, 9)
    rows = (
        [(HEART, 32, 32, 13 + 5 * s, 0.0) for s in steps],
        [(SQUARE, 32, 32, 13, np.pi / 4 * s) for s in steps],
        [(ELLIPSE, 32 + 15 * s, 32, 11, 0.0) for s in steps],
    )
    inside = []
    for i, row in enumerate(rows):
        for j, (outline, x, y, scale, turn) in enumerate(row):
            left, top = j * (TILE + 4), i * (TILE + 4)
            tile = f'<rect x="{left}" y="{top}" width="{TILE}" height="{TILE}"/>'
            inside.append(tile + drawn(outline, left + x, top + y, scale, turn))
    return framed("title", 9 * 68 - 4, 3 * 68 - 4, "".join(inside))


def main() -> None:
    """Write the drawings that the book shows."""
    for make in (logo, favicon, title):
        write_bytes(ROOT / "_static" / f"{make.__name__}.svg", make().encode())


if __name__ == "__main__":
    main()
