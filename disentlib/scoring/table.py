"""The table of a run's scores: its models, its columns, and what training says of each
model, which needs no codes.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from disentlib.files import atomic_write, write_json
from disentlib.scoring.pictures import Pictures, save_pictures
from disentlib.training.checkpoints import load_tensors
from disentlib.training.evaluation import TERMS
from disentlib.training.folder import RunFolder
from disentlib.training.history import ACTIVE_NATS, IN_USE_NATS

COLUMNS = ["step", "codes", "measure", "value", "spread"]


def models_of(files: RunFolder) -> Iterator[tuple[int, int | None]]:
    """The step of each model in a run's folder, and what `load_model` calls it; the
    finished model last.
    """
    if not files.model().exists():
        raise FileNotFoundError(f"{files.model()} is not there; train this run first")
    end = load_tensors(files.model())[1]["step"]
    yield from ((step, step) for step in files.kept_on_the_way() if step != end)
    yield end, None


def of_training(files: RunFolder, name: int | None, step: int) -> pd.DataFrame:
    """What a snapshot's file says of its held-out losses, as rows of the table.

    `kl_0` … are those of each dimension in nats, `active_dimensions` and
    `dimensions_in_use` how many are above 0.01 and 0.1.
    """
    held_out: dict[str, Any] = load_tensors(files.model(name))[1]["held_out"]
    values = {f"held_out_{term}": held_out[term] for term in TERMS}
    if held_out["kl_per_dimension"] is not None:
        kl = np.array(held_out["kl_per_dimension"])
        values |= {f"kl_{d}": value for d, value in enumerate(kl)}
        values["active_dimensions"] = (kl > ACTIVE_NATS).sum()
        values["dimensions_in_use"] = (kl > IN_USE_NATS).sum()
    given = {key: float(value) for key, value in values.items() if value is not None}
    return measured(given, step)


def measured(values: dict[str, float], step: int) -> pd.DataFrame:
    """Measures that need no codes, as rows of the table."""
    table = pd.DataFrame(list(values.items()), columns=["measure", "value"])
    return table.assign(step=step, codes="", spread=np.nan)


def keep_scores(
    files: RunFolder, parts: list[pd.DataFrame], shown: Pictures | None
) -> pd.DataFrame:
    """Write a run's pictures, if any, and the table of its parts, which is returned."""
    write_json(files.scored_how, {"digest": None})  # of no model, until all is there
    table = pd.concat(parts, ignore_index=True)[COLUMNS]
    if shown is not None:
        save_pictures(files.pictures, shown)
    with atomic_write(files.scores) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g")
    return table
