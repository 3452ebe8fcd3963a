"""Scores that a run has already, of models that it still has: a run that was trained
further is not scored from its beginning.
"""

from dataclasses import asdict
from functools import cache
from typing import Any

import pandas as pd

from disentlib.files import read_mapping
from disentlib.imports import digest_of, read_by
from disentlib.models.networks import VAE
from disentlib.scoring.reader import SUMMARY
from disentlib.scoring.sizes import Scoring
from disentlib.sprites.table import Sprites
from disentlib.training.checkpoints import digest
from disentlib.training.folder import RunFolder


def scores_of_weights(
    files: RunFolder, sizes: Scoring, sprites: Sprites
) -> dict[str, pd.DataFrame]:
    """The scores in a run's table, without what its training or pictures say, by the
    digest of the weights that they are of.

    Empty where they are of other sizes or images, or of another library.
    """
    how = read_mapping(files.scored_how) if files.scored_how.exists() else {}
    alike = {"scoring": asdict(sizes), **made_by(sprites)}
    same = all(how.get(name) == value for name, value in alike.items())
    if not (same and files.scores.exists()):
        return {}
    table = pd.read_csv(files.scores).fillna({"codes": ""})
    table = table[~table["measure"].isin(SUMMARY)]
    return {
        weights: table[table["step"] == int(step)]
        for step, weights in how["weights"].items()
    }


def made_by(sprites: Sprites) -> dict[str, Any]:
    """What scores depend on besides a model and sizes: the images, and the library."""
    return {"images": sprites.checksum(), "library": _library()}


def weights_of(vae: VAE) -> str:
    """The digest of a model's weights."""
    return digest(vae.state_dict())


@cache
def _library() -> str:
    return digest_of(read_by(f"import {__package__}.run"))
