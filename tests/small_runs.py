"""Runs of seconds for the tests of training: 2,400 sprites, networks in full, a few
steps.
"""

import contextlib
import csv
import os
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from disentlib.files import MARK, read_json
from disentlib.sprites.grid import GRID, FactorGrid
from disentlib.sprites.render import render
from disentlib.sprites.table import Sprites
from disentlib.training import checkpoints
from disentlib.training.configuration import TrainingConfig
from disentlib.training.loop import train

torch.set_num_threads(1)

SMALL = FactorGrid(GRID.names, (3, 2, 4, 10, 10))
STRIDE = (1, 5, 10, 3, 3)  # spread over the whole grid
WALL_CLOCK = ("seconds", "joules", "images_per_second")


def small_sprites() -> Sprites:
    words = render(GRID.rows(SMALL.classes(np.arange(SMALL.size)) * STRIDE))
    return Sprites(torch.from_numpy(words.view(np.uint8)), SMALL)


@pytest.fixture(scope="session")
def small() -> Sprites:
    """2,400 sprites over the whole grid, for who imports this fixture."""
    return small_sprites()


def config(**changes) -> TrainingConfig:
    usual = {"model": "beta_vae", "D": 3, "seed": 0, "steps": 7, "batch_size": 8}
    usual |= {"checkpoint_every": 2, "log_every": 3, "evaluation_images": 16}
    return TrainingConfig(**usual | changes)


def run(
    settings: TrainingConfig, sprites: Sprites, folder: Path
) -> list[dict[str, float]]:
    return list(train(settings, sprites, folder))


def outcome(folder: Path) -> dict:
    """All that a finished run left, but for what the clock says."""
    result = read_json(folder / "result.json")
    for name in ("seconds", "joules", "energy_source"):
        del result[name]
    del result["provenance"]["commit"]  # the repository's, which may move meanwhile
    with (folder / "history.csv").open(newline="") as file:
        rows = [
            {name: text for name, text in row.items() if name not in WALL_CLOCK}
            for row in csv.DictReader(file)
        ]
    models = {
        path.name: (checkpoints.digest(tensors), facts)
        for path in sorted(folder.glob("model*.safetensors"))
        for tensors, facts in [checkpoints.load_tensors(path)]
    }
    # Which checkpoints are left depends on where a run was stopped.
    files = sorted(
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.parent.name != "checkpoints"
    )
    return {"result": result, "history": rows, "models": models, "files": files}


def attempt(settings: dict, folder: Path, slowed: float = 0.0) -> None:
    """Train in a child process: its words go to `folder`.log, writes are `slowed` by
    seconds.
    """
    log = os.open(folder.with_suffix(".log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 2)
    if slowed:
        slow_down(slowed)
    run(TrainingConfig.from_dict(settings), small_sprites(), folder)


def slow_down(seconds: float) -> None:
    """Make this process stay longer in its writes: at half of a file, and before each
    fsync.
    """
    fsync = os.fsync

    def slow_write(path, content):
        with open(path, "wb") as file:
            file.write(content[: len(content) // 2])
            file.flush()
            time.sleep(seconds)
            file.write(content[len(content) // 2 :])

    Path.write_bytes = slow_write
    os.fsync = lambda descriptor: [time.sleep(seconds), fsync(descriptor)]


def temporaries(folder: Path) -> list[Path]:
    with contextlib.suppress(
        FileNotFoundError
    ):  # a folder that comes or goes meanwhile
        return list(folder.rglob(f".*{MARK}*"))
    return []
