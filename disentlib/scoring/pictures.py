"""Pictures of a model as arrays of pixels, and their file."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from disentlib.files import atomic_write

COLUMNS = 9  # of a traversal


@dataclass(frozen=True)
class Pictures:
    """Probabilities of white pixels as uint8 (0 … 255), and the importances of DCI."""

    originals: NDArray[np.uint8]  # (examples, 64, 64)
    reconstructions: NDArray[np.uint8]  # (examples, 64, 64)
    traversals: NDArray[np.uint8]  # (D, 9, 64, 64), of the first example
    importances: NDArray[np.float32]  # (D, K)
    # What each row of the traversals does (`reader.RowReading`), where it was read:
    words: NDArray[np.str_] | None = None  # (D,)
    shares: NDArray[np.float32] | None = None  # (D, K)
    movement: NDArray[np.float32] | None = None  # (D,)
    distances: NDArray[np.float32] | None = None  # (D,), pixels


def save_pictures(path: str | Path, pictures: Pictures) -> None:
    """Write pictures as a compressed .npz, atomically."""
    arrays = {name: a for name, a in vars(pictures).items() if a is not None}
    with atomic_write(path) as temporary:
        np.savez_compressed(temporary, **arrays)


def load_pictures(path: str | Path) -> Pictures:
    """Pictures that `save_pictures` wrote; `FileNotFoundError` where there are none."""
    with np.load(path, allow_pickle=False) as arrays:
        return Pictures(**arrays)
