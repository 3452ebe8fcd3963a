"""The three outlines of dSprites as polygons in pixels, at scale 1 and upright, x
right, y down.

The data set was drawn with vector calls on a canvas of unit size. Half a side of the
square is 0.15 of the canvas, 9.6 of 64 pixels, and the other two outlines are laid out
in the same unit.
"""

import numpy as np
from jaxtyping import Float64

from disentlib.arrays import Floats

UNIT = 0.15 * 64  # pixels
ELLIPSE_STRETCH = 1.33
ELLIPSE_VERTICES = 100
HEART_VERTICES = 150


def square() -> Float64[Floats, "4 2"]:
    """Corners (4, 2) of the square."""
    return UNIT * np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])


def ellipse() -> Float64[Floats, "100 2"]:
    """Vertices (100, 2) of the ellipse, from t = 0: its half-axes are 1.33 units along
    and 1 / 1.33 units up.
    """
    t = 2 * np.pi * np.arange(ELLIPSE_VERTICES) / ELLIPSE_VERTICES
    return UNIT * np.stack(
        [ELLIPSE_STRETCH * np.cos(t), np.sin(t) / ELLIPSE_STRETCH], axis=1
    )


def heart() -> Float64[Floats, "150 2"]:
    """Vertices (150, 2) of the heart, tip down: the classic heart curve, 0.15 units
    above centre.

    x = 16 sin³t and y = 13 cos t - 5 cos 2t - 2 cos 3t - cos 4t (up), each divided by
    half its extent: 16, and 14.5 in round figures.
    """
    t = 2 * np.pi * np.arange(HEART_VERTICES) / HEART_VERTICES
    up = (
        13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    ) / 14.5 + 0.15
    return UNIT * np.stack([np.sin(t) ** 3, -up], axis=1)


OUTLINES = (square(), ellipse(), heart())
