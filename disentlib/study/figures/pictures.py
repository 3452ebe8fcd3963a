"""Pictures of sprites, to the pixel: reconstructions and latent traversals."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from disentlib.study import style

GAP = 4  # pixels between two tiles
LINE = 0.3  # inches for a line of text above traversals
MARGIN = 0.32  # inches left of them, for the numbers of their rows
NAMES = 1.1  # inches left of rows with names,
LETTERS = 14  # a line
ALONE = 5.5  # inches of traversals, with their margin


def mosaic(tiles: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Tiles (rows, columns, 64, 64) side by side in one image, grey lines between."""
    rows, columns, height, width = tiles.shape
    size = rows * (height + GAP) - GAP, columns * (width + GAP) - GAP
    image = np.full(size, 128, np.uint8)
    for i, j in np.ndindex(rows, columns):
        y, x = i * (height + GAP), j * (width + GAP)
        image[y : y + height, x : x + width] = tiles[i, j]
    return image


def reconstructions(pairs: Mapping[str, tuple[NDArray[Any], NDArray[Any]]]) -> Figure:
    """Originals and below them what each entry makes of them, a row an entry with its
    name: (n, 64, 64) each. Originals that differ from those above have a row too.
    """
    rows: list[tuple[str, NDArray[Any]]] = []
    above = None
    for name, (originals, rebuilt) in pairs.items():
        if above is None or not np.array_equal(originals, above):
            rows.append(("original", originals))
            above = originals
        rows.append((name, rebuilt))
    image = mosaic(np.stack([tiles for _, tiles in rows]))
    width = style.COLUMN - NAMES
    with style.context():
        height = width * image.shape[0] / image.shape[1]
        fig = plt.figure(figsize=(style.COLUMN, height), layout="none")
        axis = fig.add_axes((NAMES / style.COLUMN, 0, width / style.COLUMN, 1))
        show(axis, image)
        whole = [
            name.replace(" = ", "\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}")
            for name, _ in rows
        ]
        name_rows(axis, [textwrap.fill(name, LETTERS) for name in whole])
    return fig


def traversals(name: str, tiles: NDArray[np.uint8]) -> Figure:
    """Latent traversals (D, 9, 64, 64) under their name, a row a dimension, numbered
    z0 … from above; the middle is the image's own.
    """
    image, wide = mosaic(tiles), ALONE - MARGIN
    high = wide * image.shape[0] / image.shape[1]
    with style.context():
        fig = plt.figure(figsize=(ALONE, LINE + high), layout="none")
        place = (MARGIN / ALONE, 0, wide / ALONE, high / (LINE + high))
        axis = fig.add_axes(place)
        show(axis, image)
        axis.set_title(name, loc="left", pad=4)
        name_rows(axis, [f"z{d}" for d in range(len(tiles))])
    return fig


def name_rows(axis: Axes, names: Sequence[str]) -> None:
    """Put names beside the rows of tiles of an image."""
    axis.set_yticks([32 + (64 + GAP) * row for row in range(len(names))], names)
    axis.tick_params(length=0)


def show(axis: Axes, image: NDArray[np.uint8]) -> None:
    """A grey image to the pixel, without ticks."""
    axis.imshow(image, vmin=0, vmax=255, aspect="auto")
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set_visible(False)
