"""The three outlines of dSprites as polygons, in pixels at scale 1, x to the right and y down."""

import numpy as np
from numpy.typing import NDArray

HALF_SIDE = 9.598
ELLIPSE = (12.78, 7.22)
HEART = 9.6


def square() -> NDArray[np.float64]:
    """Corners (4, 2) of the square."""
    return HALF_SIDE * np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1]])


def ellipse(vertices: int = 64) -> NDArray[np.float64]:
    """Vertices (n, 2) of the polygon that stands for the ellipse."""
    t = 2 * np.pi * np.arange(vertices) / vertices
    return np.stack([ELLIPSE[0] * np.cos(t), ELLIPSE[1] * np.sin(t)], axis=1)


def heart(vertices: int = 100) -> NDArray[np.float64]:
    """Vertices (n, 2) of the polygon that stands for the heart, tip down."""
    t = 2 * np.pi * np.arange(vertices) / vertices
    x = HEART * np.sin(t) ** 3
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return np.stack([x, -y * HEART / 14.5 - 1.44], axis=1)


OUTLINES = (square, ellipse, heart)
