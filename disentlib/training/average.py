"""The moving average of a run's weights, evaluated where the rate is constant."""

import copy
from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from disentlib.models import objectives
from disentlib.models.networks import VAE
from disentlib.seeds import stream, torch_stream
from disentlib.sprites.table import Sprites
from disentlib.training.configuration import TrainingConfig

STATISTICS_BATCHES = 100  # of training images, on which batch norm is measured anew


def new_average(vae: nn.Module, config: TrainingConfig) -> list[Tensor]:
    """Zeros in the form of the weights, or nothing where no average is kept."""
    if not config.average:
        return []
    return [torch.zeros_like(parameter) for parameter in vae.parameters()]


def update(
    average: list[Tensor], weights: Iterable[Tensor], config: TrainingConfig
) -> None:
    """Move the average a share `1 - config.average` of the way to the weights."""
    if average:
        move = get_ema_multi_avg_fn(config.average)
        move(average, list(weights), 0)


@torch.no_grad()
def averaged(
    vae: VAE,
    average: list[Tensor],
    step: int,
    sprites: Sprites,
    train_index: NDArray[np.int64],
    config: TrainingConfig,
) -> VAE:
    """The VAE to evaluate after `step`: a copy with averaged weights, or `vae`.

    The average began at zero, so that it is divided by 1 - decay^step, as Adam does
    with its moments. Batch norm's statistics belong to weights: they are measured anew
    on training images, always the same ones.
    """
    if not average:
        return vae
    network = copy.deepcopy(vae)
    for parameter, mean in zip(network.parameters(), average):
        parameter.copy_(mean / (1 - config.average**step))
    measure_batch_norm(network, sprites, train_index, config)
    return network


def measure_batch_norm(
    network: VAE,
    sprites: Sprites,
    train_index: NDArray[np.int64],
    config: TrainingConfig,
) -> None:
    """Set batch norm's running statistics to their means over training batches."""
    kinds = (nn.BatchNorm1d, nn.BatchNorm2d)
    norms = [module for module in network.modules() if isinstance(module, kinds)]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean over the batches
    was_training = network.training
    network.train()
    order = stream(config.seed, "batch norm")
    noise = torch_stream(config.seed, "batch norm", device=config.device)
    for _ in range(STATISTICS_BATCHES):
        rows = train_index[order.integers(len(train_index), size=config.batch_size)]
        mu, logvar = network.encode(sprites.batch(rows, config.device))
        z = mu
        if config.model != "autoencoder":
            draw = torch.randn(mu.shape, generator=noise, device=mu.device)
            z = objectives.reparameterise(mu, logvar, draw)
        network.decode(z)
    network.train(was_training)
    for norm, momentum in zip(norms, momenta):
        norm.momentum = momentum
