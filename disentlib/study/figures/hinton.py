"""Hinton diagrams of importances."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from disentlib.study import style

CELL = 0.25  # inches: 24 CSS pixels
LABELS = 1.0  # inches for the factors' names, left of each line
LINE = 0.6  # inches for a block's name above and its dimensions below


def hinton(by_name: Mapping[str, NDArray[Any]], factors: Sequence[str]) -> Figure:
    """Hinton diagrams of matrices (D, K): the area of a square is the importance it
    stands for.

    Dimensions along x and factors along y, as in the thesis' section 5.6; a square that
    fills its cell is an importance of 1. Cells are equal for every D, and blocks go on
    in a new line where the column is full.
    """
    lines: list[list[tuple[str, NDArray[Any]]]] = [[]]
    room = style.COLUMN - LABELS
    for name, matrix in by_name.items():
        needed = CELL * (len(matrix) + 1)
        if lines[-1] and needed > room:
            lines.append([])
            room = style.COLUMN - LABELS
        lines[-1].append((name, matrix))
        room -= needed
    widest = max(sum(len(matrix) + 1 for _, matrix in line) for line in lines)
    across, high = LABELS + CELL * widest, len(factors) * CELL
    tall = len(lines) * (high + LINE)
    with style.context():
        fig = plt.figure(figsize=(across, tall), layout="none")
        for i, line in enumerate(lines):
            left, bottom = LABELS, tall - (i + 1) * (high + LINE) + LINE / 2
            for name, matrix in line:
                wide = CELL * len(matrix)
                place = (left / across, bottom / tall, wide / across, high / tall)
                axis = fig.add_axes(place)
                draw_squares(axis, matrix)
                axis.set_title(name, pad=4)
                named = [f.replace("_", " ") for f in factors] if left == LABELS else []
                axis.set_yticks(range(len(named)), named)
                left += wide + CELL
    return fig


def draw_squares(axis: Axes, matrix: NDArray[Any]) -> None:
    """A square for each importance, in a cell of side 1, with a frame around all."""
    for (d, k), value in np.ndenumerate(matrix):
        side = 0.96 * np.sqrt(min(float(value), 1.0))
        corner = (d - side / 2, k - side / 2)
        axis.add_patch(Rectangle(corner, side, side, color=style.COLOURS[0], lw=0))
    D, K = matrix.shape
    axis.set(xlim=(-0.5, D - 0.5), ylim=(K - 0.5, -0.5))
    axis.set_xticks(range(D), [str(d) for d in range(D)])
    axis.tick_params(length=0)
    axis.spines[:].set(visible=True, color=style.FAINT, linewidth=0.5)
