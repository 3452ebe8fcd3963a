"""Runs side by side on a card: `python bench/card.py` (minutes).

Steps a second of 1, 2, 4 and 8 processes that train on one card at once, each a run of
its own with D = 10, batches of 64, bfloat16 and the step recorded as one graph; and how
long the thesis' grid of 30 runs of 403,200 steps would take at the best of them. Then
whether a run that stops and goes on ends in the same bits.
"""

import argparse
import itertools
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch

from disentlib.files import read_json
from disentlib.sprites.table import load_sprites
from disentlib.training import train
from disentlib.training.configuration import TrainingConfig

SIDE_BY_SIDE, WINDOW, TURNS = (1, 2, 4, 8), 100, 15
GRID_RUNS, GRID_STEPS = 30, 403_200
KINDS = tuple(itertools.product(("beta_vae", "factor_vae"), (True, False)))


def config_of(model: str, batch_norm: bool, seed: int = 0) -> TrainingConfig:
    return TrainingConfig(
        model,
        D=10,
        seed=seed,
        steps=10**8,
        batch_norm=batch_norm,
        checkpoint_every=10**8,
        log_every=WINDOW,
        device="cuda",
        precision="bfloat16",
        compile=True,
    )


def work(seed: int) -> None:
    """One process: for each line, the number of a kind of run, TURNS windows of it;
    writes their seconds.
    """
    sprites = load_sprites().to("cuda")
    with tempfile.TemporaryDirectory() as folder:
        runs = [
            train(config_of(*kind, seed), sprites, Path(folder, str(i)))
            for i, kind in enumerate(KINDS)
        ]
        for run in runs:
            next(run)  # the graph is recorded here
        print("ready", flush=True)
        for line in sys.stdin:
            start = time.perf_counter()
            for _ in range(TURNS):
                next(runs[int(line)])
            print(time.perf_counter() - start, flush=True)


def side_by_side() -> None:
    command = [sys.executable, __file__, "--work"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    most = max(SIDE_BY_SIDE)
    group = [subprocess.Popen([*command, str(i)], **pipes) for i in range(most)]
    for process in group:
        process.stdout.readline()
    for kind, (model, norm) in enumerate(KINDS):
        found = {}
        for count in SIDE_BY_SIDE:
            for process in group[:count]:
                print(kind, file=process.stdin, flush=True)
            took = [float(process.stdout.readline()) for process in group[:count]]
            found[count] = count * TURNS * WINDOW / max(took)
        said = ", ".join(f"{count}: {rate:.0f}" for count, rate in found.items())
        hours = GRID_RUNS * GRID_STEPS / max(found.values()) / 3600
        name = f"{model}, batch norm {'on' if norm else 'off'}"
        print(f"{name}: steps a second of all runs side by side {said}")
        print(f"    the thesis' grid of {GRID_RUNS} such runs: {hours:.1f} hours")
    for process in group:
        process.communicate()


def same_bits() -> None:
    sprites = load_sprites().to("cuda")
    for model, norm in KINDS:
        config = replace(
            config_of(model, norm), evaluation_images=2000, average=0.999, steps=300
        )
        with tempfile.TemporaryDirectory() as folder:
            once, twice = Path(folder, "once"), Path(folder, "twice")
            parts = ((config, once), (replace(config, steps=170), twice))
            for one, path in (*parts, (config, twice)):
                list(train(one, sprites, path))
            digests = {
                read_json(path / "result.json")["digest"] for path in (once, twice)
            }
        same = "the same bits" if len(digests) == 1 else "OTHER BITS"
        print(f"{model}, batch norm {norm}: 300 steps, and 170 gone on to 300: {same}")


def main() -> None:
    words = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], allow_abbrev=False
    )
    words.add_argument("--bits", action="store_true", help="only compare bits")
    words.add_argument("--work", type=int, help=argparse.SUPPRESS)
    given = words.parse_args()
    if given.work is not None:
        return work(given.work)
    if not torch.cuda.is_available():
        print("no graphics card here: nothing to measure")
        return None
    print(torch.cuda.get_device_name(), "torch", torch.__version__, flush=True)
    if not given.bits:
        side_by_side()
    same_bits()


if __name__ == "__main__":
    main()
