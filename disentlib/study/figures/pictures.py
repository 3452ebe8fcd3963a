"""Pictures of sprites, to the pixel: reconstructions and latent traversals."""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from disentlib.study import style

GAP = 4  # pixels between two tiles
LINE = 0.3  # inches for a line of text above a block
MARGIN = 0.32  # inches left of a block, for the names of its rows


def mosaic(tiles: NDArray[np.uint8], gap: int = GAP) -> NDArray[np.uint8]:
    """Tiles (rows, columns, 64, 64) side by side in one image, grey lines of `gap`
    between.
    """
    rows, columns, height, width = tiles.shape
    image = np.full(
        (rows * (height + gap) - gap, columns * (width + gap) - gap), 128, np.uint8
    )
    for i, j in np.ndindex(rows, columns):
        y, x = i * (height + gap), j * (width + gap)
        image[y : y + height, x : x + width] = tiles[i, j]
    return image


def reconstructions(pairs: Mapping[str, tuple[NDArray[Any], NDArray[Any]]]) -> Figure:
    """Originals above their reconstructions, a pair of rows for each entry: (n, 64, 64)
    each.
    """
    with style.context():
        images = {
            name: mosaic(np.stack([originals, rebuilt]))
            for name, (originals, rebuilt) in pairs.items()
        }
        return blocks([list(images.items())], style.COLUMN, rows=None)


def traversals(by_name: Mapping[str, NDArray[np.uint8]]) -> Figure:
    """Latent traversals (D, 9, 64, 64), a row a dimension, the middle the image's own.

    Blocks fill two columns from above, each as wide as a phone's screen. Rows of one
    block are numbered z0 … from above.
    """
    named = list(by_name.items())
    rows = [len(tiles) + 1 for _, tiles in named]
    cut = min(range(1, len(rows) + 1), key=lambda i: max(sum(rows[:i]), sum(rows[i:])))
    columns = [[(n, mosaic(t)) for n, t in part] for part in (named[:cut], named[cut:])]
    with style.context():
        return blocks([column for column in columns if column], style.HALF, rows="z{}")


def blocks(
    columns: list[list[tuple[str, NDArray[np.uint8]]]], width: float, rows: str | None
) -> Figure:
    """Named images below each other in columns of `width` inches, drawn true to scale.

    `rows` is what a row of tiles is called, with its number; `None` leaves it unnamed.
    """
    margin = MARGIN if rows else 0.0
    across = style.COLUMN - (len(columns) - 1) * width if len(columns) > 1 else width
    heights = [
        [(width - margin) * image.shape[0] / image.shape[1] for _, image in column]
        for column in columns
    ]
    tall = max(sum(column) + LINE * len(column) for column in heights)
    whole = across + (len(columns) - 1) * width
    fig = plt.figure(figsize=(whole, tall), layout="none")
    for j, (column, sizes) in enumerate(zip(columns, heights)):
        left = margin + j * (whole - width)
        top = tall
        for (name, image), size in zip(column, sizes):
            top -= LINE + size
            place = (left / whole, top / tall, (width - margin) / whole, size / tall)
            axis = fig.add_axes(place)
            show(axis, image)
            axis.set_title(name, loc="left", pad=4)
            if rows:
                middles = range(32, image.shape[0], 64 + GAP)
                axis.set_yticks(middles, [rows.format(d) for d in range(len(middles))])
                axis.tick_params(length=0)
    return fig


def show(axis: Axes, image: NDArray[np.uint8]) -> None:
    """A grey image to the pixel, without ticks."""
    axis.imshow(image, vmin=0, vmax=255, aspect="auto")
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set_visible(False)
