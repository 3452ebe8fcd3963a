"""The sprite nearest to a picture, of all that there are."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int16, Int64, UInt64
from numpy.typing import NDArray

from disentlib.arrays import Integers, Numbers, Words
from disentlib.sprites.table import SIDE, Sprites

BLOCKS = 4  # a picture in 4 × 4 blocks of 16 × 16 pixels
CHUNK = 16_384  # sprites at a time
FIRST = 64  # sprites that are compared first, for a distance that others have to beat


@dataclass(frozen=True)
class Nearest:
    """For each picture the row of its nearest sprite, and in how many pixels they
    differ.
    """

    rows: NDArray[np.int64]
    distances: NDArray[np.int64]


def nearest_sprites(pictures: NDArray[np.uint8], sprites: Sprites) -> Nearest:
    """The sprite that differs from a picture in the fewest pixels, for each of
    `pictures` (…, 64, 64), probabilities as uint8; white is what is above one half.

    Exact: two images differ in at least as many pixels as their white pixels, counted
    by blocks. So the nearest is among the sprites of which this is no more than the
    best distance of the `FIRST`, and only these are compared pixel by pixel, a row of
    pixels as one word. Of several as near the first.
    """
    white = pictures.reshape(-1, SIDE * SIDE) > 127
    words = np.packbits(white, axis=1, bitorder="little").view("<u8")
    wanted, inverse = np.unique(words, axis=0, return_inverse=True)
    table = sprites.packed.cpu().numpy().view("<u8")
    counts, asked = _block_counts(table), _block_counts(wanted)
    found = [_nearest(word, count, table, counts) for word, count in zip(wanted, asked)]
    rows, distances = np.array(found, dtype=np.int64).T[:, inverse.reshape(-1)]
    shape = pictures.shape[:-2]
    return Nearest(rows.reshape(shape), distances.reshape(shape))


def _nearest(
    word: UInt64[Words, " 64"],
    count: Int16[Numbers, " blocks"],
    table: UInt64[Words, "n 64"],
    counts: Int16[Numbers, "n blocks"],
) -> tuple[int, int]:
    least = np.abs(counts - count).sum(axis=1, dtype=np.int32)
    first = np.argpartition(least, min(FIRST, len(least) - 1))[:FIRST]
    most = _distances(word, table[first]).min()
    near = np.flatnonzero(least <= most)
    parts = [
        _distances(word, table[near[start : start + CHUNK]])
        for start in range(0, len(near), CHUNK)
    ]
    distances = np.concatenate(parts)
    best = int(distances.argmin())
    return int(near[best]), int(distances[best])


def _distances(
    word: UInt64[Words, " 64"], words: UInt64[Words, "n 64"]
) -> Int64[Integers, " n"]:
    differ: Integers = np.bitwise_count(words ^ word).sum(axis=1, dtype=np.int64)
    return differ


def _block_counts(words: NDArray[np.uint64]) -> NDArray[np.int16]:
    """White pixels in each block (n, 16) of the images `words` (n, 64)."""
    counts = np.empty((len(words), BLOCKS * BLOCKS), dtype=np.int16)
    for start in range(0, len(words), CHUNK):
        parts = np.ascontiguousarray(words[start : start + CHUNK]).view("<u2")
        white = np.bitwise_count(parts).reshape(-1, BLOCKS, SIDE // BLOCKS, BLOCKS)
        counts[start : start + CHUNK] = white.sum(axis=2, dtype=np.int16).reshape(
            -1, BLOCKS * BLOCKS
        )
    return counts
