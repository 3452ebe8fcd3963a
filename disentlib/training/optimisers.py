"""Optimisers, and the setting of their rates."""

import torch
from torch import nn

from disentlib.training.configuration import TrainingConfig, on_card
from disentlib.training.muon import Muon

Optimisers = list[torch.optim.Optimizer]


def vae_optimisers(vae: nn.Module, config: TrainingConfig) -> Optimisers:
    """Adam as in the thesis (Table 3), gradient descent with momentum, or Muon on the
    matrices and Adam on the rest.

    Muon orthogonalises the updates of what is stored as a matrix, the fully connected
    layers.
    """
    rate = config.learning_rate
    if config.optimizer == "sgd":
        return [torch.optim.SGD(vae.parameters(), rate, momentum=0.9, fused=True)]
    muon = config.optimizer == "muon"
    matrices = [p for p in vae.parameters() if p.ndim == 2 and muon]
    others = [p for p in vae.parameters() if all(p is not m for m in matrices)]
    optimisers: Optimisers = [adam(others, config, rate, (0.9, 0.999))]
    if matrices:
        optimisers.append(Muon(matrices, rate))
    return optimisers


def discriminator_optimiser(
    parameters: list[nn.Parameter], config: TrainingConfig
) -> torch.optim.Optimizer:
    """Adam as in the thesis (Table 4)."""
    rate = config.discriminator_learning_rate
    return adam(parameters, config, rate, (0.5, 0.9))


def adam(
    parameters: list[nn.Parameter],
    config: TrainingConfig,
    rate: float,
    betas: tuple[float, float],
) -> torch.optim.Optimizer:
    """Torch's Adam in its fused form: one pass over the memory in place of a dozen."""
    capturable = on_card(config.device)
    return torch.optim.Adam(
        parameters, rate, betas=betas, eps=1e-8, fused=True, capturable=capturable
    )


def set_rates(optimisers: Optimisers, factor: float) -> None:
    """Set every learning rate to `factor` times the one its optimiser was made with.

    On a card the rate of a fused optimiser is a tensor, which a recorded step reads
    anew each time.
    """
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            rate = factor * optimiser.defaults["lr"]
            parameter = group["params"][0]
            if not (group.get("fused") and parameter.is_cuda):
                group["lr"] = rate
            elif isinstance(group["lr"], torch.Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = torch.tensor(rate, device=parameter.device)
