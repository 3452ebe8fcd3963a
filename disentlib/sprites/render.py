"""dSprites drawn from its outlines, as a graphics card draws polygons.

The rule has three parts. (1) A vertex is moved to the nearest point of a grid of 1/256
pixel, after scaling, rotation and translation. (2) A pixel is white where its centre
lies inside the polygon. (3) A centre exactly on the border counts on the left and lower
borders only, so that polygons side by side share no pixel.

A row of 64 pixels is one 64-bit word, bit x is pixel x. An edge that crosses the row
toggles every pixel to its right, so that a word is the exclusive or of one mask for
each crossing: two of them, or four where the row cuts the heart twice.
"""

import numpy as np
from jaxtyping import UInt64
from numpy.typing import ArrayLike

from disentlib.arrays import Words
from disentlib.sprites.outlines import OUTLINES

SIDE = 64
SUBPIXELS = 256
SIZES = (3, 6, 40, 32, 32)  # shape, scale, orientation, position_x, position_y
SCALES = np.linspace(0.5, 1.0, 6)
# 40 classes and 39 angles: the last class has turned full circle and repeats the first.
ANGLES = 2 * np.pi * (np.arange(40) % 39) / 39
ORIGINS = 16 + 32 * np.arange(32) / 31  # pixels, the same along x and y
# Mask k has the pixels k … 63 set.
MASKS = np.append(
    ~np.uint64(0) << np.arange(SIDE, dtype=np.uint64), np.uint64(0)
).astype("<u8")


def render_outline(
    shape: int, scale: int, orientation: int
) -> UInt64[Words, "32 32 64"]:
    """Words (32, 32, 64) of one outline at every position: x, y, row of pixels.

    The edge from (x0, y0) to (x1, y1) meets the line Y at x0 + (Y - y0)(x1 - x0) / (y1
    - y0). In units of 1/256 pixel all of these are whole numbers below 2^31, so that
    the quotient below rounds to a tie only where it is one: the result does not depend
    on the machine.
    """
    cos, sin = np.cos(ANGLES[orientation]), np.sin(ANGLES[orientation])
    # Counter-clockwise on screen, where y points down.
    turned = SCALES[scale] * OUTLINES[shape] @ np.array([[cos, -sin], [sin, cos]])
    x, y = np.rint(SUBPIXELS * (ORIGINS[:, None] + turned.T[:, None, :]))
    dx, dy = np.roll(x, -1, axis=1) - x, np.roll(y, -1, axis=1) - y

    # An edge crosses the rows from the first whose centre lies below its upper end.
    row = np.floor(y / SUBPIXELS - 0.5).astype(np.int64) + 1
    row_next = np.roll(row, -1, axis=1)
    first, count = np.minimum(row, row_next), np.abs(row_next - row)
    place, edge = np.nonzero(count)  # y position, edge
    count = count[place, edge]
    start = first[place, edge] - (np.cumsum(count) - count)
    place, edge, start = (np.repeat(part, count) for part in (place, edge, start))
    row = start + np.arange(len(start))

    # Sorted so that the crossings of one row of one image stand together, along axis 0.
    line = place * SIDE + row
    order = np.argsort(line, kind="stable")
    line, edge, place, row = line[order], edge[order], place[order], row[order]
    height = dy[place, edge][:, None]
    below = ((row + 0.5) * SUBPIXELS - y[place, edge])[:, None]
    crossing = (x.T[edge] * height + below * dx.T[edge]) / (SUBPIXELS * height)
    pixel = np.ceil(crossing - 0.5).astype(np.int64)
    starts = np.flatnonzero(np.diff(line, prepend=-1))
    words = np.zeros((32, 32 * SIDE), "<u8")
    words[:, line[starts]] = np.bitwise_xor.reduceat(MASKS[pixel], starts, axis=0).T
    return words.reshape(32, 32, SIDE)


def render(rows: ArrayLike) -> UInt64[Words, "n 64"]:
    """Words (n, 64) of the images `rows` (n) of the grid, in the official order."""
    rows = np.asarray(rows, dtype=np.int64).reshape(-1)
    outline, position = np.divmod(rows, 32 * 32)
    words = np.empty((len(rows), SIDE), "<u8")
    for number in np.unique(outline):
        here = outline == number
        images = render_outline(*np.unravel_index(number, SIZES[:3])).reshape(-1, SIDE)
        words[here] = images[position[here]]
    return words


def render_grid() -> UInt64[Words, "737280 64"]:
    """Words (737280, 64) of the whole grid in the official order: 377 MB."""
    words = np.empty((*SIZES, SIDE), "<u8")
    for outline in np.ndindex(SIZES[:3]):
        words[outline] = render_outline(*outline)
    return words.reshape(-1, SIDE)
