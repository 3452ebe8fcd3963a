"""Random streams: one for each purpose and position, so that no draw
disturbs another.
"""

import zlib

import numpy as np
import torch

PURPOSES = (
    "initialisation",
    "data order",
    "posterior noise",
    "permutations",
    "evaluation",
)  # those of training; scoring names its own


def seed_sequence(seed: int, purpose: str, *position: int) -> np.random.SeedSequence:
    """The entropy of one stream: a function of its seed, purpose and position, and
    nothing else.

    `position` counts whatever the purpose counts (epochs, steps). Since a stream is
    found by where it stands and not by what was drawn before, a run that goes on at
    step t draws what it would have drawn: there is no generator state to lose.

    Raises `ValueError` for a seed that is negative or no whole number, or a purpose
    without a name.
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
        raise ValueError(f"seed={seed!r} must be a whole number of at least 0")
    if seed < 0:
        raise ValueError(f"seed {seed} is negative; use 0 or more")
    if not purpose:
        raise ValueError("a random stream needs a purpose, such as 'data order'")
    return np.random.SeedSequence(
        seed, spawn_key=(zlib.crc32(purpose.encode()), *position)
    )


def stream(seed: int, purpose: str, *position: int) -> np.random.Generator:
    """A numpy generator for one purpose, independent of every other purpose and
    position.
    """
    return np.random.default_rng(seed_sequence(seed, purpose, *position))


def torch_stream(
    seed: int, purpose: str, *position: int, device: str | torch.device = "cpu"
) -> torch.Generator:
    """A torch generator on `device` for one purpose, independent of every other."""
    generator = torch.Generator(device)
    # torch takes 64 bits; the sign bit stays free.
    state = seed_sequence(seed, purpose, *position).generate_state(1, np.uint64)[0]
    return generator.manual_seed(int(state >> 1))
