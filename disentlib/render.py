"""dSprites drawn from its outlines: a row of 64 pixels is one 64-bit word, bit x is pixel x."""

import numpy as np
from numpy.typing import NDArray

from disentlib.outlines import OUTLINES

SIDE = 64
SCALES = np.linspace(0.5, 1.0, 6)
ANGLES = np.linspace(0, 2 * np.pi, 40)
ORIGINS = 16 + 32 * np.arange(32) / 31


def render_outline(shape: int, scale: int, orientation: int) -> NDArray[np.uint64]:
    """Words (32, 32, 64) of one outline at every x and y position."""
    cos, sin = np.cos(ANGLES[orientation]), np.sin(ANGLES[orientation])
    # y points down, so counter-clockwise on screen is this matrix.
    points = SCALES[scale] * OUTLINES[shape]() @ np.array([[cos, -sin], [sin, cos]])
    x, y = points.T
    x_next, y_next = np.roll(x, -1), np.roll(y, -1)
    rows = (np.arange(SIDE) + 0.5)[None, :, None] - ORIGINS[:, None, None]
    crossed = (y <= rows) != (y_next <= rows)
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = np.where(crossed, x + (rows - y) * (x_next - x) / (y_next - y), 1e6)
    crossing = np.sort(crossing, axis=-1)[..., : 2 if shape < 2 else 4]
    first = np.ceil(crossing[None] + ORIGINS[:, None, None, None] - 0.5)
    words = FROM[np.clip(first, 0, SIDE).astype(np.int64)]
    return np.bitwise_xor.reduce(words, axis=-1)


# Word k has the pixels k … 63 set: a crossing toggles every pixel to its right.
FROM = np.append(~np.uint64(0) << np.arange(SIDE, dtype=np.uint64), np.uint64(0))


def render_grid() -> NDArray[np.uint64]:
    """Words (737280, 64) of the whole grid in the official order."""
    words = np.empty((3, 6, 40, 32, 32, SIDE), np.uint64)
    for outline in np.ndindex(3, 6, 40):
        words[outline] = render_outline(*outline)
    return words.reshape(-1, SIDE)
