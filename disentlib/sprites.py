"""dSprites as a table in memory: 737,280 images of 64 × 64 bits, and batches cut from it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from disentlib.factors import FactorGrid
from disentlib.files import atomic_write
from disentlib.paths import cache_folder
from disentlib.render import ANGLES, SCALES, SIDE, render_grid

GRID = FactorGrid(
    names=("shape", "scale", "orientation", "position_x", "position_y"),
    sizes=(3, 6, 40, 32, 32),
    levels=((1, 2, 3), SCALES, ANGLES, np.linspace(0, 1, 32), np.linspace(0, 1, 32)),
)


@dataclass(frozen=True)
class Sprites:
    """Images packed to bits: `packed` (size, 512) uint8, a byte 8 pixels, lowest bit leftmost."""

    packed: torch.Tensor
    grid: FactorGrid = GRID

    def to(self, device: str | torch.device) -> "Sprites":
        """The same sprites with the packed table on `device` (377 MB there)."""
        return Sprites(self.packed.to(device), self.grid)

    def images(
        self,
        index: ArrayLike,
        device: str | torch.device | None = None,
        dtype: torch.dtype = torch.uint8,
    ) -> "NDArray[np.uint8] | torch.Tensor":
        """Images (n, 64, 64) in {0, 1}: a uint8 array or, with a `device`, a tensor there."""
        if device is None:
            rows = self.packed[_rows(index)].cpu().numpy()
            return np.unpackbits(rows, axis=1, bitorder="little").reshape(-1, SIDE, SIDE)
        return self._unpacked(index, device, dtype).view(-1, SIDE, SIDE)

    def batch(self, index: ArrayLike, device: str | torch.device = "cpu") -> torch.Tensor:
        """Images (n, 1, 64, 64) in {0, 1} as float32 on `device`, for training."""
        return self._unpacked(index, device, torch.float32).view(-1, 1, SIDE, SIDE)

    def _unpacked(self, index: ArrayLike, device, dtype: torch.dtype) -> torch.Tensor:
        rows = self.packed[_rows(index).to(self.packed.device)].to(device)
        shifts = torch.arange(8, device=device, dtype=torch.uint8)
        return (rows.unsqueeze(-1) >> shifts & 1).to(dtype)


def _rows(index: ArrayLike) -> torch.Tensor:
    return torch.as_tensor(index, dtype=torch.int64).reshape(-1)


def load_sprites(path: str | Path | None = None) -> Sprites:
    """dSprites, rendered (and kept in the cache folder)."""
    cached = cache_folder() / "dsprites-draft.npy"
    if not cached.exists():
        words = render_grid()
        with atomic_write(cached) as temporary:
            np.save(temporary, words)
    words = np.load(cached, mmap_mode="c")
    return Sprites(torch.from_numpy(words.view(np.uint8)))


def train_test_split(
    seed: int = 0, fraction: float = 0.7, size: int = GRID.size
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of the training part and of the held-out part, each in rising order."""
    order = np.random.default_rng(seed).permutation(size)
    cut = round(fraction * size)
    return np.sort(order[:cut]), np.sort(order[cut:])


def epoch_batches(
    index: ArrayLike, batch_size: int, generator: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """Every row of `index` once, in random order, `batch_size` at a time (the last may be less)."""
    order = generator.permutation(np.asarray(index, dtype=np.int64))
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]
