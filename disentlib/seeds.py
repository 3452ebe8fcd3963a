"""Random streams: one for each purpose and position, so that no draw
disturbs another.
"""

import zlib
from typing import TYPE_CHECKING

import numpy as np

from disentlib.checks import one_of, shown, whole_number

if TYPE_CHECKING:
    import torch

PURPOSES = (
    "initialisation",
    "data order",
    "posterior noise",
    "permutations",
    "batch norm",
    "evaluation",
    "codes",
    "pictures",
    "explorer",
    "scores",
    "designs",
)


def seed_sequence(seed: int, purpose: str, *position: int) -> np.random.SeedSequence:
    """The entropy of one stream: a function of its seed, purpose and position, and
    nothing else.

    `position` counts whatever the purpose counts (epochs, steps). Since a stream is
    found by where it stands and not by what was drawn before, a run that goes on at
    step t draws what it would have drawn: there is no generator state to lose.

    A purpose is one of `PURPOSES`, and may say more after a colon ("designs: noise"): a
    name that is mistyped would be another stream.

    Raises `ValueError` for a seed that is negative or no whole number, for a position
    that is none of 32 bits (a larger one would be two, and another place's), and for an
    unknown purpose.
    """
    seed = whole_number("seed", seed)
    place = [whole_number("position", p, 0, 2**32 - 1) for p in position]
    room = purpose.partition(":")[0] if isinstance(purpose, str) else purpose
    one_of("purpose", room, PURPOSES)
    key = (zlib.crc32(purpose.encode()), *place)
    return np.random.SeedSequence(seed, spawn_key=key)


def stream(seed: int, purpose: str, *position: int) -> np.random.Generator:
    """A numpy generator for one purpose, independent of every other purpose and
    position.
    """
    return np.random.default_rng(seed_sequence(seed, purpose, *position))


def torch_stream(
    seed: int, purpose: str, *position: int, device: "str | torch.device" = "cpu"
) -> "torch.Generator":
    """A torch generator on `device` for one purpose and position.

    A CPU keeps the low 32 bits of its seed only: of 100,000 streams one pair, on
    average, is expected to be the same.
    """
    import torch  # who draws by NumPy alone does not wait for it

    try:
        generator = torch.Generator(device)
    except (RuntimeError, TypeError) as error:
        line = f"device={shown(device)} is none of this machine; give cpu or cuda"
        raise ValueError(line) from error
    # torch takes 64 bits, of which a CPU keeps 32; the sign bit stays free.
    state = seed_sequence(seed, purpose, *position).generate_state(1, np.uint64)[0]
    return generator.manual_seed(int(state >> 1))
