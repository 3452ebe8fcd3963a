"""Speed of training against an earlier commit of this repository: `python
bench/against.py [COMMIT]` (3 minutes).

D = 10, batches of 64, one thread; the library as it was in COMMIT (f672b90, from before
the work on speed, where none is given) and as it is, by `train` with all it does, in
turns. "auto" is the precision that the library chooses here. Ratios of steps a second
of the processor's time, so that a busy machine matters less; the peak is that of a
product of 512 × 512 in bfloat16 and in 32 bits on the same thread.
"""

import argparse
import os
import subprocess
import sys
import tarfile
import tempfile
from io import BytesIO
from itertools import product
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
STEPS = 8
WORKER = """
import sys, tempfile, time
import torch
from disentlib.sprites import load_sprites
from disentlib.training import TrainingConfig, train
torch.set_num_threads(1)
model, norm, precision = sys.argv[1:]
settings = {"batch_norm": norm == "on", "precision": precision, "threads": 1}
config = TrainingConfig(model, 10, seed=0, steps=10**6, log_every=STEPS, **settings)
with tempfile.TemporaryDirectory() as folder:
    turns = train(config, load_sprites(), folder)
    next(turns)
    for _ in sys.stdin:
        start = time.process_time()
        next(turns)
        print(time.process_time() - start, flush=True)
""".replace("STEPS", str(STEPS))
PEAK = """
import sys, time
import torch
torch.set_num_threads(1)
a, b = torch.randn(2, 512, 512).to(getattr(torch, sys.argv[1]))
for _ in sys.stdin:
    start = time.process_time()
    torch.mm(a, b)
    print(time.process_time() - start, flush=True)
"""


def library(commit: str, folder: str) -> str | None:
    """The folder with the library as it was in `commit`; None where git has it not."""
    command = ["git", "archive", commit, "disentlib"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True)
    if found.returncode:
        return None
    with tarfile.open(fileobj=BytesIO(found.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def started(code: str, path: str, *words: str) -> subprocess.Popen:
    """A process that takes a turn for each line it is given."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *words],
        env=os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        cwd=path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def turn(process: subprocess.Popen) -> float:
    """Seconds of the processor that a turn takes."""
    print(file=process.stdin, flush=True)
    return float(process.stdout.readline())


def compare(paths: dict[str, str], model: str, norm: str, rounds: int) -> None:
    """Print how many steps the library does now while it did one then."""
    ways = {
        (when, precision): started(WORKER, paths[when], model, norm, precision)
        for when, precision in (
            ("then", "float32"),
            ("now", "auto"),
            ("now", "float32"),
        )
    }
    taken = [[turn(process) for process in ways.values()] for _ in range(rounds + 1)]
    for process in ways.values():
        process.communicate()
    seconds = dict(zip(ways, np.array(taken[1:]).T))
    then = seconds["then", "float32"]
    said = [
        f"{precision} {np.median(then / own):.2f} times ({1000 * np.median(own) / STEPS:.0f} ms)"
        for (when, precision), own in seconds.items()
        if when == "now"
    ]
    print(
        f"{model}, batch norm {norm}: {1000 * np.median(then) / STEPS:.0f} ms a step then; "
        f"now {', '.join(said)}",
        flush=True,
    )


def main() -> None:
    words = __doc__.partition(":")[0]
    parser = argparse.ArgumentParser(description=words, allow_abbrev=False)
    parser.add_argument("commit", nargs="?", default="f672b90")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    for kind in ("float32", "bfloat16"):
        process = started(PEAK, str(ROOT), kind)
        least = min(turn(process) for _ in range(4))
        process.communicate()
        print(f"a product in {kind}: {2 * 512**3 / least / 1e9:.1f} GFLOP/s")
    with tempfile.TemporaryDirectory() as folder:
        then = library(arguments.commit, folder)
        if then is None:
            print(
                f"no commit {arguments.commit} in this clone; type git fetch --unshallow"
            )
            return
        paths = {"then": then, "now": str(ROOT)}
        for model, norm in product(("beta_vae", "factor_vae"), ("off", "on")):
            compare(paths, model, norm, arguments.rounds)


if __name__ == "__main__":
    main()
