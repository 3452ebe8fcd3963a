"""Traversals with what each row was read to do, wide enough to be seen."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from disentlib.study import style
from disentlib.study.figures.pictures import GAP, mosaic, show

WORDS = 2.6  # inches at the right of the tiles, for what a row does
LETTERS = 40  # of a line that these hold
LINE = 0.32  # inches above a block, for its title


@dataclass(frozen=True)
class Block:
    """The rows of one model that move something, the clearest first."""

    title: str
    tiles: NDArray[np.uint8]  # (rows, columns, 64, 64)
    words: Sequence[str]


def read_blocks(blocks: Sequence[Block]) -> Figure:
    """Blocks below each other, a row a dimension, with its words beside it.

    Tiles are about 52 CSS pixels wide. Blocks without rows are their title alone.
    """
    width = style.COLUMN - WORDS
    images = [mosaic(block.tiles) if len(block.tiles) else None for block in blocks]
    tall = [0.0 if i is None else width * i.shape[0] / i.shape[1] for i in images]
    whole = sum(tall) + LINE * len(blocks)
    with style.context():
        fig = plt.figure(figsize=(style.COLUMN, whole), layout="none")
        top = whole
        for block, image, height in zip(blocks, images, tall):
            fig.text(0, (top - 0.75 * LINE) / whole, block.title)
            top -= LINE + height
            if image is None:
                continue
            place = (0, top / whole, width / style.COLUMN, height / whole)
            axis = fig.add_axes(place)
            show(axis, image)
            axis.yaxis.tick_right()
            middles = range(32, image.shape[0], 64 + GAP)
            axis.set_yticks(middles, [fitted(said) for said in block.words])
            axis.tick_params(length=0)
    return fig


def fitted(said: str) -> str:
    """Words in lines that fit beside the tiles."""
    return "\n".join(textwrap.fill(line, LETTERS) for line in said.splitlines())
