"""The trained model that the pages demonstrate."""

import shutil
from pathlib import Path

from disentlib.paths import RESULTS
from disentlib.sprites.table import Sprites
from disentlib.training.configuration import TrainingConfig
from disentlib.training.folder import RunFolder
from disentlib.training.loop import train

MOMENT = TrainingConfig(
    model="beta_vae",
    D=10,
    seed=0,
    steps=150,
    learning_rate=1e-3,
    schedule="one_cycle",
    batch_norm=False,
    evaluation_images=500,
)


def shown_run(folder: str | Path, sprites: Sprites, models: Path | None = None) -> Path:
    """A run below `folder`: a copy of the first of `models` (`results/models`), or,
    where there is none, one that is trained here for a moment.
    """
    models = RESULTS / "models" if models is None else models
    run = Path(folder) / "run"
    for place in sorted(models.glob("*")):
        if RunFolder(place).model().exists():
            return Path(shutil.copytree(place, run))
    for _ in train(MOMENT, sprites, run):
        pass
    return run
