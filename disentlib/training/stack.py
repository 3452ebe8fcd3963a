"""Runs that differ in seed and weights alone as one: their weights side by side, and a
step of all.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from disentlib.models import objectives, stacked
from disentlib.models.networks import MEAN_SCALE, VAE, Discriminator
from disentlib.training import average, history
from disentlib.training.configuration import TrainingConfig
from disentlib.training.optimisers import discriminator_optimiser, vae_optimisers
from disentlib.training.state import new_state

# The settings in which the runs of a stack may differ, and what they are made here.
MAY_DIFFER: dict[str, Any] = {"seed": 0, "beta": 1.0, "gamma": 1.0}


@dataclass
class Stack:
    """All that changes while the runs train; each tensor has a leading axis of runs."""

    vae: stacked.Parameters  # and the statistics of batch norm
    discriminator: stacked.Parameters
    average: list[Tensor]
    optimisers: list[torch.optim.Optimizer]
    window: Tensor  # (log_every, runs, columns)
    template: tuple[VAE, Discriminator | None]
    step: int = 0

    @property
    def trained(self) -> list[Tensor]:
        """The VAEs' weights, in the order of one VAE's own."""
        return [self.vae[name] for name, _ in self.template[0].named_parameters()]


def without_free(config: TrainingConfig) -> TrainingConfig:
    """The settings that the runs of a stack share: `MAY_DIFFER` ones made the same."""
    return replace(config, **MAY_DIFFER)


def stackable(configs: Sequence[TrainingConfig]) -> bool:
    """Whether runs can train together: alike but for `MAY_DIFFER`, by Adam or momentum,
    with a posterior to draw from and one objective from the first step.
    """
    alike = {without_free(config) for config in configs}
    first = configs[0]
    alone = first.optimizer == "muon" or first.model == "autoencoder"
    return len(alike) == 1 and not alone and not first.weight_steps


def new_stack(configs: Sequence[TrainingConfig]) -> Stack:
    """The fresh weights that each run has alone, on the runs' device."""
    config = configs[0]
    states = [new_state(one) for one in configs]

    def stack(networks: Sequence[nn.Module]) -> stacked.Parameters:
        parts = [network.state_dict() for network in networks]
        tensors = {name: torch.stack([p[name] for p in parts]) for name in parts[0]}
        names = {name for name, _ in networks[0].named_parameters()}
        return {
            name: nn.Parameter(tensor) if name in names else tensor
            for name, tensor in tensors.items()
        }

    vae = stack([state.vae for state in states])
    judges = [s.discriminator for s in states if s.discriminator is not None]
    discriminator = stack(judges) if judges else {}
    trained = nn.ParameterList(
        vae[name] for name, _ in states[0].vae.named_parameters()
    )
    optimisers = vae_optimisers(trained, config)
    if judges:
        weights = [w for w in discriminator.values() if isinstance(w, nn.Parameter)]
        optimisers.append(discriminator_optimiser(weights, config))
    width = len(history.STEP_COLUMNS) + config.D
    window = torch.full(
        (config.log_every, len(configs), width), math.nan, device=config.device
    )
    mean = average.new_average(trained, config)
    template = (states[0].vae, judges[0] if judges else None)
    return Stack(vae, discriminator, mean, optimisers, window, template)


def step_of_all(
    stack: Stack,
    x: Tensor,
    noise: Tensor,
    keys: Tensor,
    weights: tuple[Tensor, Tensor],
    config: TrainingConfig,
) -> Tensor:
    """`step.train_step` of every run: a report (runs, columns).

    `x` (runs n, 64, 64, 1), `noise` and `keys` (runs, n, D), `weights` those of the KL
    term and of the total correlation (runs,) each.
    """
    kl_weight, tc_weight = weights
    vae, judge = stack.template
    for optimiser in stack.optimisers:
        optimiser.zero_grad(set_to_none=True)
    weight = stack.trained[0]
    low = torch.bfloat16 if config.precision == "bfloat16" else weight.dtype
    mu, logvar = _encode(stack, x.to(low))
    z = objectives.reparameterise(mu, logvar, noise)
    logits = stacked.sequence(vae.decoder, "decoder.", stack.vae, z.to(low))
    logits, pixels = stacked.full(logits).view(len(mu), -1), x.view(len(mu), -1)
    bits = F.binary_cross_entropy_with_logits(logits, pixels, reduction="none")
    reconstruction = bits.sum(dim=1) / config.batch_size
    kl = objectives.gaussian_kl(mu, logvar).mean(dim=1)
    total = reconstruction + kl_weight * kl.sum(dim=1)
    undefined = torch.full_like(total, math.nan)
    tc, d_loss, d_accuracy = undefined, undefined, undefined
    if judge is None:
        total.sum().backward()
    else:
        gradient, tc, d_loss, d_accuracy = _judged(stack, judge, z, keys, low)
        gradient = tc_weight[:, None, None] * gradient
        torch.autograd.backward([total.sum(), z], [None, gradient])
        total = total + tc_weight * tc
    for optimiser in stack.optimisers:
        optimiser.step()
    average.update(stack.average, stack.trained, config)
    terms = torch.stack([reconstruction, total, tc, d_loss, d_accuracy], dim=1)
    return torch.cat([terms, kl], dim=1).detach()


def _judged(
    stack: Stack, judge: Discriminator, z: Tensor, keys: Tensor, low: torch.dtype
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The gradient of the total correlation for `z` (runs, n, D); the total
    correlation, the discriminator's loss and its accuracy, (runs,) each.

    Leaves the discriminators' own gradients behind.
    """
    codes = z.detach().requires_grad_()
    permuted = z.detach().gather(1, keys.argsort(dim=1))
    both = torch.cat([codes, permuted], dim=1).to(low)
    answers = stacked.full(stacked.sequence(judge, "", stack.discriminator, both))
    joint, marginal = answers.chunk(2, dim=1)
    tc = (joint[..., 0] - joint[..., 1]).mean(dim=1)
    told = F.softplus(joint[..., 1] - joint[..., 0]).mean(dim=1)
    shuffled = F.softplus(marginal[..., 0] - marginal[..., 1]).mean(dim=1)
    loss = 0.5 * (told + shuffled)
    loss.sum().backward(inputs=[codes, *stack.discriminator.values()])
    assert codes.grad is not None
    gradient = objectives.total_correlation_gradient(
        codes.grad.flatten(0, 1), joint.flatten(0, 1)
    )
    right = (joint[..., 0] > joint[..., 1]).sum(dim=1)
    right = right + (marginal[..., 1] > marginal[..., 0]).sum(dim=1)
    return gradient.view_as(z), tc, loss, right / answers.shape[1]


def _encode(stack: Stack, x: Tensor) -> tuple[Tensor, Tensor]:
    """Means and log-variances (runs, n, D) of images (runs n, 64, 64, 1)."""
    vae = stack.template[0]
    features = stacked.sequence(vae.features, "features.", stack.vae, x)
    linear, weights = stacked.linear, stack.vae
    mu = stacked.full(linear(vae.mean, "mean", weights, features, 1.0))
    if vae.mean_norm is not None:
        norm = vae.mean_norm
        mu = MEAN_SCALE * stacked.batch_norm(mu, weights, "mean_norm", norm)
    return mu, stacked.full(linear(vae.logvar, "logvar", weights, features, 1.0))
