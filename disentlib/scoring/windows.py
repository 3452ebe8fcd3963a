"""The encoder on the windows in which images are not black.

A sprite covers some 15 of 64 pixels each way. Where a convolution sees none of them it
gives what it gives of a black image: that is computed once, and the first three layers,
in which six of seven multiplications are, work on a window around the sprites alone. In
training each image has a window of its own (`models.windows`); codes are asked for in
any order, so that a whole batch may share one, which is smaller and goes a layer
further. They are the same, rounding aside (tests/scoring/test_windows.py).
"""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Int64, UInt8
from numpy.typing import NDArray
from torch import Tensor, nn

from disentlib.arrays import Bytes, Integers
from disentlib.models.networks import VAE
from disentlib.models.windows import ends, touched
from disentlib.sprites.table import Sprites

SIDES = (64, 32, 16, 8)  # of the images, and of what three layers give
CHUNK = 65_536  # images whose corners are found at once
COARSE = 4  # pixels: an output of the second layer
Encoder = Callable[[Tensor], tuple[Tensor, Tensor]]


class Along(NamedTuple):
    """What a layer does along one axis."""

    padding: tuple[int, int]  # zeros before and behind what is given
    region: slice  # of its outputs: all that the next layer needs
    inside: slice  # of the region: what the window touches


@cache
def along(first: int, last: int) -> tuple[slice, tuple[Along, ...]]:
    """The pixels that are needed of images which are black but from `first` to `last`,
    and what each layer does.
    """
    windows = []
    for side in SIDES[1:]:
        first, last = map(int, touched(first, last, side))
        windows.append((first, last))
    needed = [(2 * i - 1, 2 * j + 2) for i, j in windows]
    there = [(max(i, 0), min(j, side - 1)) for (i, j), side in zip(needed, SIDES)]
    there.append((0, SIDES[-1] - 1))
    layers = [
        Along(
            (has[0] - needs[0], needs[1] - has[1]),
            slice(then[0], then[1] + 1),
            slice(own[0] - then[0], own[1] - then[0] + 1),
        )
        for has, needs, own, then in zip(there, needed, windows, there[1:])
    ]
    return slice(there[0][0], there[0][1] + 1), tuple(layers)


def on_windows(vae: VAE) -> Encoder:
    """`vae.encode` of a VAE without batch norm, for batches of images (n, 1, 64, 64) of
    0 and 1 that have much black in common (`by_place`).
    """
    layers = [layer for layer in vae.features if isinstance(layer, nn.Conv2d)][:3]
    rest = vae.features[2 * len(layers) :]  # a ReLU behind each
    black: list[Tensor] = []
    seen = torch.zeros(1, 1, SIDES[0], SIDES[0])
    for layer in layers:
        seen = layer(seen).relu().contiguous(memory_format=torch.channels_last)
        black.append(seen)

    def encode(x: Tensor) -> tuple[Tensor, Tensor]:
        white = x.sum(dim=0)[0].numpy()
        rows, down = along(*map(int, ends(white.sum(axis=1) > 0)))
        columns, across = along(*map(int, ends(white.sum(axis=0) > 0)))
        x = x[:, :, rows, columns]
        for layer, blank, d, a in zip(layers, black, down, across):
            x = F.pad(x, (*a.padding, *d.padding))
            y = F.conv2d(x, layer.weight, layer.bias, stride=2).relu_()
            region = blank[:, :, d.region, a.region].expand(len(x), -1, -1, -1)
            x = region.clone(memory_format=torch.channels_last)
            x[:, :, d.inside, a.inside] = y
        features = rest(x)
        return vae.mean(features), vae.logvar(features)

    return encode


def by_place(sprites: Sprites, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """The rows in an order in which images that follow one another have their white in
    the same place.
    """
    packed = sprites.packed.cpu().numpy()
    parts = np.array_split(rows, len(rows) // CHUNK + 1)
    keys = np.concatenate([corners(packed[part]) for part in parts]) // COARSE
    return rows[np.lexsort(keys.T)]


def corners(packed: UInt8[Bytes, "n 512"]) -> Int64[Integers, "n 4"]:
    """First and last column, first and last row of packed images that are not black, or
    one more; anything of an image that is.
    """
    words = np.ascontiguousarray(packed).view("<u8").reshape(len(packed), SIDES[0])
    there, row = words != 0, np.bitwise_or.reduce(words, axis=1)
    lowest = row & (~row + np.uint64(1))
    found = [
        np.frexp(lowest.astype(np.float64))[1] - 1,
        np.frexp(row.astype(np.float64))[1] - 1,  # which rounds
        there.argmax(axis=1),
        SIDES[0] - 1 - there[:, ::-1].argmax(axis=1),
    ]
    return np.stack(found, axis=1).astype(np.int64)
