"""Rendering, opening and batching dSprites: `python bench/sprites.py` (under a minute).

Batches are compared in one run, in turns, with the textbook way: a torch DataLoader
over a uint8 array with a transform of each item. Both give float32 tensors (64, 1, 64,
64) of the same images.
"""

import argparse
import itertools
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch

from disentlib.sprites.grid import GRID
from disentlib.sprites.table import Sprites, load_sprites, unpack_by_shifts
from disentlib.training.machine import keep_freed_memory

GRID_PROGRAM = """
import resource, time
from disentlib.sprites.render import render_grid
start = time.perf_counter()
words = render_grid()
seconds = time.perf_counter() - start
print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""
OPEN_PROGRAM = """
import time
from disentlib.sprites.table import load_sprites
start = time.perf_counter()
sprites = load_sprites()
opened = time.perf_counter()
sprites.batch(range(0, 737280, 11520))
print(opened - start, time.perf_counter() - start)
"""


class Items(torch.utils.data.Dataset):
    """The textbook data set: one uint8 image an item, made a float tensor by a
    transform.
    """

    def __init__(
        self, images: np.ndarray, transform: Callable[[np.ndarray], torch.Tensor]
    ) -> None:
        self.images, self.transform = images, transform

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, item: int) -> torch.Tensor:
        return self.transform(self.images[item])


def to_tensor(image: np.ndarray) -> torch.Tensor:
    """The steps of torchvision's `ToTensor` for a grey image of 0 and 255."""
    tensor = torch.from_numpy(image[:, :, None].transpose(2, 0, 1)).contiguous()
    return tensor.to(dtype=torch.float32).div(255)


def bare_cast(image: np.ndarray) -> torch.Tensor:
    """The least an item can do: a channel and a cast."""
    return torch.from_numpy(image[None]).to(torch.float32)


def seconds_a_batch(batches: Iterator[torch.Tensor], count: int) -> float:
    start = time.perf_counter()
    taken = sum(1 for _ in itertools.islice(batches, count))
    if taken != count:
        raise RuntimeError(f"asked for {count} batches, had {taken}")
    return (time.perf_counter() - start) / count


def shuffled(rows: np.ndarray, size: int) -> Iterator[np.ndarray]:
    order = np.random.default_rng().permutation(rows)
    return (order[start : start + size] for start in range(0, len(order), size))


def compare_batches(sprites: Sprites, rounds: int, count: int) -> None:
    rows = np.arange(0, GRID.size, 9)  # 81,920 images, 336 MB as bytes
    images = sprites.images(rows)
    textbook, bare = Items(255 * images, to_tensor), Items(images, bare_cast)
    ways = {"ours": lambda: map(sprites.batch, shuffled(rows, 64))}
    for name, items, workers in (
        ("DataLoader, ToTensor", textbook, 0),
        ("same, 2 workers", textbook, 2),
        ("DataLoader, bare cast", bare, 0),
    ):
        loader = torch.utils.data.DataLoader(
            items, 64, shuffle=True, num_workers=workers
        )
        ways[name] = lambda loader=loader: iter(loader)
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, start in ways.items():
            batches = start()
            next(batches)  # not the start of the workers
            times[name].append(seconds_a_batch(batches, count))
            del batches
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, median in medians.items():
        print(
            f"{name:22} {1e6 * median:8.0f} µs a batch of 64   {median / medians['ours']:6.1f} ×"
        )


def compare_unpacking(sprites: Sprites, rounds: int) -> None:
    rows = sprites.packed.index_select(0, torch.randint(GRID.size, (64,)))
    ways = {
        "np.unpackbits": lambda: np.unpackbits(rows.numpy(), axis=1, bitorder="little"),
        "shifts": lambda: unpack_by_shifts(rows),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(50 * rounds):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            times[name].append(time.perf_counter() - start)
    for name, values in times.items():
        print(
            f"unpacking 64 images by {name:14} {1e6 * statistics.median(values):6.0f} µs"
        )


def run(program: str) -> list[float]:
    output = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True
    )
    return [float(word) for word in output.stdout.split()]


def main() -> None:
    words = __doc__.splitlines()[0]
    parser = argparse.ArgumentParser(description=words, allow_abbrev=False)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--batches", type=int, default=300, help="batches a round and way"
    )
    arguments = parser.parse_args()
    # glibc may hand freed memory back and fault it in again at every batch, or not, by
    # the luck of the heap; for all ways alike it keeps what it has.
    keep_freed_memory()
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    grids = [run(GRID_PROGRAM) for _ in range(arguments.rounds)]
    print(
        f"whole grid: {statistics.median(s for s, _ in grids):.2f} s, "
        f"peak memory of the process {max(m for _, m in grids):.0f} MiB"
    )
    sprites = load_sprites()
    opened = [run(OPEN_PROGRAM) for _ in range(arguments.rounds)]
    print(
        f"cached copy: opened in {1e3 * statistics.median(s for s, _ in opened):.1f} ms, "
        f"with a first batch {1e3 * statistics.median(s for _, s in opened):.1f} ms"
    )
    compare_batches(sprites, arguments.rounds, arguments.batches)
    compare_unpacking(sprites, arguments.rounds)


if __name__ == "__main__":
    main()
