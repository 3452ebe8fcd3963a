"""What a step reads: its images, its noise and its permutations, from any step on.

Every draw is a function of the run's seed and the step, so that a run which goes on at
step t reads what it would have read: there is no generator to keep.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from disentlib.seeds import stream, torch_stream
from disentlib.training.configuration import TrainingConfig

# Steps whose draws are made at once. On a card a generator a step would cost as much as
# the step; on a CPU it costs nothing.
BLOCK = {"cpu": 1, "cuda": 128}


@dataclass(frozen=True)
class Draws:
    """The draws of one block of steps, each step a row; all on the run's device.

    `rows` (steps, n) of the sprites; `noise` (steps, n, D) standard normal; `keys`
    (steps, n, D) uniform, the order of FactorVAE's permutations. Of runs that train
    together (steps, runs, n) and (steps, runs, n, D).
    """

    rows: Tensor
    noise: Tensor
    keys: Tensor

    def copy_(self, other: "Draws") -> None:
        """Take the draws of another block into the same memory."""
        self.rows.copy_(other.rows)
        self.noise.copy_(other.noise)
        self.keys.copy_(other.keys)


def block_size(config: TrainingConfig) -> int:
    """Steps a block; a run's draws on one kind of device depend on it."""
    return BLOCK[torch.device(config.device).type]


def steps_per_epoch(config: TrainingConfig, train_index: NDArray[np.int64]) -> int:
    """Whole batches in one pass; `ValueError` where there is none."""
    if config.batch_size > len(train_index):
        raise ValueError(
            f"batch_size {config.batch_size} exceeds {len(train_index)} images"
        )
    return len(train_index) // config.batch_size


def rows_of_steps(
    config: TrainingConfig, train_index: NDArray[np.int64]
) -> Callable[[int], NDArray[np.int64]]:
    """A function of the step, 1 and on, that gives the rows (n,) of its batch.

    Each epoch is a new order of all training rows; what does not fill a batch is left
    out of it.
    """
    per_epoch = steps_per_epoch(config, train_index)
    epoch, order = -1, train_index

    def rows(step: int) -> NDArray[np.int64]:
        nonlocal epoch, order
        wanted, place = divmod(step - 1, per_epoch)
        if wanted != epoch:
            epoch = wanted
            order = stream(config.seed, "data order", epoch).permutation(train_index)
        first = place * config.batch_size
        return order[first : first + config.batch_size]

    return rows


def draw(
    config: TrainingConfig, rows: Callable[[int], NDArray[np.int64]], block: int
) -> Draws:
    """The draws of the steps `block * size + 1` … `(block + 1) * size`."""
    size, device = block_size(config), config.device
    steps = range(block * size + 1, (block + 1) * size + 1)
    shape = (size, config.batch_size, config.D)
    noise, permutations = (
        torch_stream(config.seed, purpose, block + 1, device=device)
        for purpose in ("posterior noise", "permutations")
    )
    keys = torch.empty(shape, device=device)
    if config.model == "factor_vae":
        keys.uniform_(generator=permutations)
    return Draws(
        torch.from_numpy(np.stack([rows(step) for step in steps])).to(device),
        torch.randn(shape, generator=noise, device=device),
        keys,
    )
