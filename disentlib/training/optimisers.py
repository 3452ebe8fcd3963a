"""Optimisers and the learning rate as a function of the step."""

import math

import torch
from torch import nn

from disentlib.training.configuration import TrainingConfig


def vae_optimisers(
    vae: nn.Module, config: TrainingConfig
) -> list[torch.optim.Optimizer]:
    """Adam as in the thesis (Table 3), or Muon on the matrices and Adam on the rest.

    Muon (Jordan 2024) orthogonalises the updates of matrices; torch's takes those that
    are stored as such, the fully connected layers. `match_rms_adamw` scales it so that
    one rate serves both.
    """
    matrices = [
        p for p in vae.parameters() if p.ndim == 2 and config.optimizer == "muon"
    ]
    others = [
        p for p in vae.parameters() if all(p is not matrix for matrix in matrices)
    ]
    optimisers: list[torch.optim.Optimizer] = [
        adam(others, config.learning_rate, (0.9, 0.999))
    ]
    if matrices:
        optimisers.append(
            torch.optim.Muon(
                matrices,
                config.learning_rate,
                weight_decay=0.0,
                adjust_lr_fn="match_rms_adamw",
            )
        )
    return optimisers


def discriminator_optimiser(
    discriminator: nn.Module, config: TrainingConfig
) -> torch.optim.Optimizer:
    """Adam as in the thesis (Table 4)."""
    rate = config.discriminator_learning_rate
    return adam(list(discriminator.parameters()), rate, (0.5, 0.9))


def adam(
    parameters: list[nn.Parameter], rate: float, betas: tuple[float, float]
) -> torch.optim.Optimizer:
    """Torch's Adam in its fused form: one pass over the memory in place of a dozen."""
    return torch.optim.Adam(parameters, rate, betas=betas, eps=1e-8, fused=True)


def rate_factor(step: int, steps: int, schedule: str) -> float:
    """Factor on the learning rates in step 1 … `steps`.

    "constant" is 1. "one_cycle" is `eq-one-cycle` (Smith and Topin 2019): from 1/25 up
    to 1 over the first 30 % of the steps and down to 1/250,000, both along half a
    cosine. A function of the step alone: a run that goes on needs no schedule's state.
    """
    if schedule == "constant":
        return 1.0
    peak = 0.3 * steps - 1
    last = steps - 1
    if step - 1 <= peak:
        return half_cosine(1 / 25, 1.0, (step - 1) / peak if peak > 0 else 1.0)
    return half_cosine(1.0, 1 / 250_000, (step - 1 - peak) / (last - peak))


def half_cosine(start: float, end: float, share: float) -> float:
    """From `start` to `end` along half a cosine, `share` of the way."""
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2
