"""The state of a run: all that changes while it trains, fresh, kept and restored."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from disentlib.models.networks import VAE, Discriminator, initialised
from disentlib.seeds import torch_stream
from disentlib.training import checkpoints, history
from disentlib.training.average import new_average
from disentlib.training.configuration import TrainingConfig
from disentlib.training.folder import RunFolder
from disentlib.training.optimisers import discriminator_optimiser, vae_optimisers


@dataclass
class State:
    """All that changes while a run trains. What is drawn at random depends on the step
    alone.
    """

    vae: VAE
    discriminator: Discriminator | None
    optimisers: list[torch.optim.Optimizer]
    window: Tensor  # reports of the steps since the last record
    average: list[Tensor]  # of the VAE's weights over steps, or empty
    images: str = ""  # `Sprites.checksum` of what it is trained on
    step: int = 0
    seconds: float = 0.0
    joules: float = 0.0
    records: list[dict[str, float]] = field(default_factory=list)


def new_state(config: TrainingConfig) -> State:
    """Networks with fresh weights, and their optimisers."""
    generator = torch_stream(config.seed, "initialisation")
    vae = initialised(
        VAE,
        generator,
        D=config.D,
        batch_norm=config.batch_norm,
        mean_norm=config.mean_norm,
    )
    # Channels last: the faster layout for convolutions and batch norm
    # (bench/training_step.py).
    # What torch says of its own types leaves the memory format out.
    vae.to(config.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimisers = vae_optimisers(vae, config)
    discriminator: Discriminator | None = None
    if config.model == "factor_vae":
        generator = torch_stream(config.seed, "initialisation", 1)
        discriminator = initialised(Discriminator, generator, D=config.D).to(
            config.device
        )
        optimisers.append(
            discriminator_optimiser(list(discriminator.parameters()), config)
        )
    width = len(history.STEP_COLUMNS) + config.D
    window = torch.full((config.log_every, width), math.nan, device=config.device)
    return State(vae, discriminator, optimisers, window, new_average(vae, config))


def save(
    state: State,
    files: RunFolder,
    config: TrainingConfig,
    extra: Sequence[dict[str, float]] = (),
) -> None:
    """Keep a checkpoint, and the history so far with `extra` records at its end."""
    tensors = {f"vae/{name}": tensor for name, tensor in state.vae.state_dict().items()}
    if state.discriminator is not None:
        parts = state.discriminator.state_dict().items()
        tensors |= {f"discriminator/{name}": tensor for name, tensor in parts}
    for i, optimiser in enumerate(state.optimisers):
        for j, values in optimiser.state_dict()["state"].items():
            tensors |= {
                f"optimiser/{i}/{j}/{name}": tensor for name, tensor in values.items()
            }
    for (name, _), tensor in zip(state.vae.named_parameters(), state.average):
        tensors[f"average/{name}"] = tensor
    tensors["history"] = history.to_tensor(state.records, config.D)
    tensors["history/window"] = state.window
    facts = {"config": config.to_dict(), "step": state.step, "images": state.images}
    facts |= {"seconds": state.seconds, "joules": state.joules}
    # In this order, so that the history is never behind the checkpoint that a run goes
    # on from.
    history.write_history(files.history, [*state.records, *extra], config.D)
    checkpoints.save_checkpoint(files.checkpoints, state.step, tensors, facts)


def restore(state: State, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
    """Put a checkpoint's content into a fresh state."""

    def part(prefix: str) -> dict[str, Tensor]:
        return {
            n.removeprefix(prefix): t
            for n, t in tensors.items()
            if n.startswith(prefix)
        }

    state.vae.load_state_dict(part("vae/"))
    if state.discriminator is not None:
        state.discriminator.load_state_dict(part("discriminator/"))
    for i, optimiser in enumerate(state.optimisers):
        values: dict[int, dict[str, Tensor]] = {}
        parameters = [p for group in optimiser.param_groups for p in group["params"]]
        for name, tensor in part(f"optimiser/{i}/").items():
            number, key = name.split("/")
            parameter = parameters[int(number)]
            if tensor.shape == parameter.shape:
                # In the parameter's own layout: fused Adam walks the memory of both
                # side by side.
                tensor = torch.empty_like(parameter).copy_(tensor)
            values.setdefault(int(number), {})[key] = tensor
        groups = optimiser.state_dict()["param_groups"]
        optimiser.load_state_dict({"state": values, "param_groups": groups})
    for (name, _), tensor in zip(state.vae.named_parameters(), state.average):
        tensor.copy_(tensors[f"average/{name}"])
    state.window.copy_(tensors["history/window"])
    state.records = history.from_tensor(tensors["history"], state.vae.D)
    state.step, state.seconds, state.joules = (
        facts[n] for n in ("step", "seconds", "joules")
    )
