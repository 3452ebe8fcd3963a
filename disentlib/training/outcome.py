"""What a run leaves: models of its snapshots, and its result."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from disentlib.files import write_json
from disentlib.models.networks import VAE
from disentlib.sprites.table import Sprites
from disentlib.training import checkpoints
from disentlib.training.average import averaged
from disentlib.training.configuration import TrainingConfig
from disentlib.training.evaluation import TERMS, held_out_index, held_out_losses
from disentlib.training.folder import RunFolder
from disentlib.training.machine import provenance
from disentlib.training.same import require_whose, whose
from disentlib.training.state import State

Evaluate = Callable[[], tuple[VAE, dict[str, Any]]]


def evaluator(
    state: State,
    sprites: Sprites,
    indices: tuple[NDArray[np.int64], NDArray[np.int64]],
    config: TrainingConfig,
) -> Evaluate:
    """A function that takes the network to keep, and its held-out losses, of the state
    as it then is; `indices` are those of training and of test images.
    """
    train_index, test_index = indices
    held_out = held_out_index(test_index, config)

    def evaluate() -> tuple[VAE, dict[str, Any]]:
        network = averaged(
            state.vae, state.average, state.step, sprites, train_index, config
        )
        judge = state.discriminator
        return network, held_out_losses(network, judge, sprites, held_out, config)

    return evaluate


def keep_snapshot(
    state: State, files: RunFolder, config: TrainingConfig, evaluate: Evaluate
) -> None:
    """Write the model of this step, if it is one to keep and not yet there.

    Asked at the start too: a run may have stopped between its checkpoint and this.
    """
    path = files.model(state.step)
    if state.step not in config.snapshots:
        return
    if path.exists():
        require_whose(checkpoints.load_tensors(path)[1], config, path)
        return
    network, losses = evaluate()
    save_model(path, network, state.step, losses, config)


def check_earlier_model(files: RunFolder) -> None:
    """Raise `ValueError` in one line for a model of a shorter run that could not be
    kept in the end, before the steps that lead there.
    """
    if files.model().exists():
        try:
            checkpoints.load_tensors(files.model())
        except ValueError as error:
            raise ValueError(
                f"{error}; remove it and run again, its checkpoint is enough"
            ) from error


def keep_earlier_model(files: RunFolder, step: int) -> None:
    """Before the model of `step` takes its name: a shorter run's, by that run's step.

    A model of the same step is this run's own, written before it was killed.
    """
    if not files.model().exists():
        return
    tensors, facts = checkpoints.load_tensors(files.model())
    kept = files.model(facts["step"])
    if facts["step"] < step and not kept.exists():
        checkpoints.save_tensors(kept, tensors, facts)


def save_model(
    path: Path,
    network: VAE,
    step: int,
    losses: dict[str, Any],
    config: TrainingConfig,
) -> None:
    """Write a VAE's weights; among the file's facts are the step, the held-out losses
    and whose it is.
    """
    facts = {"step": step, "held_out": losses, "config": whose(config)}
    checkpoints.save_tensors(path, network.state_dict(), facts)


def keep_result(
    state: State,
    files: RunFolder,
    config: TrainingConfig,
    evaluated: tuple[VAE, dict[str, Any]],
    energy_source: str,
    besides: dict[str, Any] | None = None,
) -> None:
    """Write the finished run's model, then, last, its result, with what is to be said
    `besides`.
    """
    network, losses = evaluated
    keep_earlier_model(files, state.step)
    save_model(files.model(), network, state.step, losses, config)
    content = result_of(state, network, losses, config, energy_source)
    write_json(files.result, content | (besides or {}))


def result_of(
    state: State,
    network: VAE,
    losses: dict[str, Any],
    config: TrainingConfig,
    energy_source: str,
) -> dict[str, Any]:
    """What `result.json` says of a finished run."""
    return {
        "config": config.to_dict(),
        "step": state.step,
        "images": state.images,
        "held_out": {name: losses[name] for name in TERMS},
        "held_out_images": losses["images"],
        "kl_per_dimension": losses["kl_per_dimension"],
        "active": losses["active"],
        "digest": checkpoints.digest(network.state_dict()),
        "seconds": state.seconds,
        "joules": state.joules,
        "energy_source": energy_source,
        "provenance": provenance(config.device),
    }
