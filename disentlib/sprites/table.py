"""dSprites as a table in memory: 737,280 images of 64 × 64 bits, and batches cut from
it.
"""

import hashlib
import os
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32, Int64, UInt8, UInt64
from numpy.typing import ArrayLike

from disentlib.arrays import Bytes, Integers, Words
from disentlib.checks import checked_path, instance, number, whole_number
from disentlib.files import atomic_write, remove_temporaries
from disentlib.paths import absolute_path, cache_folder
from disentlib.sprites import official, outlines, render
from disentlib.sprites.grid import GRID, FactorGrid

SIDE = render.SIDE


@dataclass(frozen=True)
class Sprites:
    """Images packed to bits, and their grid of factors.

    `packed` (size, 512) uint8 holds 8 pixels a byte, the lowest bit leftmost. It may
    lie on any device: images are unpacked where they are asked for, and travel there
    packed.
    """

    packed: UInt8[torch.Tensor, "size 512"]
    grid: FactorGrid = GRID

    def __post_init__(self) -> None:
        instance("grid", self.grid, FactorGrid)
        instance("packed", self.packed, torch.Tensor)
        shape, wanted = tuple(self.packed.shape), (self.grid.size, SIDE * SIDE // 8)
        if self.packed.dtype != torch.uint8 or shape != wanted:
            raise ValueError(
                f"packed {shape} of {self.packed.dtype} must be {wanted} of torch.uint8"
            )

    def checksum(self) -> str:
        """Grid and pixels in a word, which tells these images from others."""
        pixels = zlib.crc32(self.packed.cpu().contiguous().numpy().data)
        return f"{'x'.join(map(str, self.grid.sizes))}-{pixels:08x}"

    def to(self, device: str | torch.device) -> "Sprites":
        """The same sprites with the packed table on `device`, where it takes 377 MB."""
        return Sprites(self.packed.to(device), self.grid)

    def images(self, rows: ArrayLike | torch.Tensor) -> UInt8[Bytes, "n 64 64"]:
        """Images (n, 64, 64) in {0, 1}, uint8.

        Raises `ValueError` for a row that is no whole number or not in the grid.
        """
        known = self.grid.checked(
            rows.cpu() if isinstance(rows, torch.Tensor) else rows
        )
        flat = torch.from_numpy(known.reshape(-1))
        return self._unpacked(flat, "cpu").view(-1, SIDE, SIDE).numpy()

    def batch(
        self,
        rows: Int64[Integers, " n"] | Int64[torch.Tensor, " n"],
        device: str | torch.device = "cpu",
    ) -> Float32[torch.Tensor, "n 1 64 64"]:
        """Images (n, 1, 64, 64) in {0, 1} as float32 on `device`, for training.

        `rows` (n) is int64 and trusted: what is outside the table raises torch's
        `IndexError`.
        """
        bits = self._unpacked(torch.as_tensor(rows), device)
        return bits.float().view(-1, 1, SIDE, SIDE)

    def _unpacked(
        self, rows: Int64[torch.Tensor, " n"], device: str | torch.device
    ) -> UInt8[torch.Tensor, "n ..."]:
        packed = self.packed.index_select(0, rows.to(self.packed.device)).to(device)
        # Several times as fast there as shifts: bench/sprites.py measures both.
        if packed.is_cpu:
            return torch.from_numpy(
                np.unpackbits(packed.numpy(), axis=1, bitorder="little")
            )
        return unpack_by_shifts(packed)


def unpack_by_shifts(
    packed: UInt8[torch.Tensor, "n bytes"],
) -> UInt8[torch.Tensor, "n bytes 8"]:
    """Bits (n, bytes, 8) in {0, 1} of the uint8 rows `packed` (n, bytes),
    lowest first.
    """
    shifts = torch.arange(8, dtype=torch.uint8, device=packed.device)
    return (packed.unsqueeze(-1) >> shifts) & 1


def load_sprites(path: str | Path | None = None) -> Sprites:
    """dSprites: rendered, or read from the official file at `path`.

    Without a path `$DSPRITES` may name the official `.npz` or `.hdf5`; without that the
    sprites are rendered, once: they stay in the cache folder and are mapped into memory
    from there.

    Raises `ValueError` in one line for a file that is not dSprites (see
    `disentlib.sprites.official`).
    """
    if path is None or (isinstance(path, str) and not path):
        path = os.environ.get("DSPRITES") or None
    else:
        checked_path("path", path)
    words = rendered()
    if path:
        words = official.read(absolute_path(path), GRID, words)
    return Sprites(torch.from_numpy(words.view(np.uint8)))


def rendered() -> UInt64[Words, "737280 64"]:
    """Words (737280, 64) of the rendered grid, from the cache if it is there."""
    # A change of the renderer's text changes the name, so that no stale image is ever
    # read.
    source = b"".join(
        Path(str(module.__file__)).read_bytes() for module in (outlines, render)
    )
    name = f"dsprites-{hashlib.sha256(source).hexdigest()[:16]}"
    folder = cache_folder()
    remove_temporaries(folder)  # half-written ones are as large as whole ones
    for cached in folder.glob(f"{name}-????????.npy"):
        try:
            words: Words = np.load(cached, mmap_mode="c", allow_pickle=False)
        except (OSError, ValueError, EOFError):
            continue  # damaged: made again below
        shaped = words.dtype == np.dtype("<u8") and words.shape == (GRID.size, SIDE)
        if shaped and cached.stem.endswith(_checksum(words)):  # as its name says
            return words
    words = render.render_grid()
    cached = folder / f"{name}-{_checksum(words)}.npy"
    try:
        with atomic_write(cached) as temporary:
            np.save(temporary, words)
    except OSError as error:
        warnings.warn(
            f"rendered sprites not kept in {cached.parent}: {error}", stacklevel=2
        )
    return words


def _checksum(words: UInt64[Words, "images 64"]) -> str:
    """CRC-32 of the words; 377 MB take a third of a second."""
    return f"{zlib.crc32(words.data):08x}"


def train_test_split(
    seed: int = 0, fraction: float = 0.7, size: int = GRID.size
) -> tuple[Int64[Integers, " train"], Int64[Integers, " test"]]:
    """Rows (n) to train on and rows held out, each rising: `fraction` of `size` and the
    rest.

    Raises `ValueError` where either part would be empty.
    """
    whole_number("size", size, 2, 10**9)
    cut = round(number("fraction", fraction) * size)
    if not 0 < cut < size:
        raise ValueError(
            f"fraction {fraction} of {size} leaves a part empty; use 0 < fraction < 1"
        )
    # NumPy's generator of this very number, not a stream of `seeds`: the split is part
    # of the data, and the same for whoever makes it with NumPy alone.
    order = np.random.default_rng(whole_number("seed", seed)).permutation(size)
    return np.sort(order[:cut]), np.sort(order[cut:])
