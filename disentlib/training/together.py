"""Runs that differ in seed and weights alone, trained together on one card.

Each run reads the same images and noise and takes the same steps as alone; only the
rounding differs, since its layers are computed as parts of larger products. For a card
that is lent for minutes: nothing is kept from which a run could go on.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from disentlib.models import objectives, stacked
from disentlib.models.networks import MEAN_SCALE, VAE, Discriminator
from disentlib.sprites.table import Sprites, train_test_split
from disentlib.training import history
from disentlib.training.average import averaged
from disentlib.training.batches import (
    Draws,
    block_size,
    draw,
    rows_of_steps,
    steps_per_epoch,
)
from disentlib.training.configuration import TrainingConfig
from disentlib.training.energy import open_meter
from disentlib.training.optimisers import adam, rate_factor, set_rates, vae_optimisers
from disentlib.training.state import State, new_state
from disentlib.training.step import own_stream, recorded

FREE = ("seed", "beta", "gamma")  # the settings in which the runs of a stack may differ


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


def stackable(configs: Sequence[TrainingConfig]) -> bool:
    """Whether runs can train together: alike but for `FREE`, by Adam or momentum."""
    alike = {replace(config, seed=0, beta=1.0, gamma=1.0) for config in configs}
    return len(alike) == 1 and configs[0].optimizer != "muon"


def new_stack(configs: Sequence[TrainingConfig]) -> Stack:
    """The fresh weights that each run has alone, on the runs' device."""
    config = configs[0]
    states = [new_state(one) for one in configs]

    def stack(networks: list[nn.Module]) -> stacked.Parameters:
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
        rate = config.discriminator_learning_rate
        optimisers.append(adam(list(discriminator.values()), config, rate, (0.5, 0.9)))
    width = len(history.STEP_COLUMNS) + config.D
    window = torch.full(
        (config.log_every, len(configs), width), math.nan, device=config.device
    )
    average = [torch.zeros_like(tensor) for tensor in trained] if config.average else []
    template = (states[0].vae, judges[0] if judges else None)
    return Stack(vae, discriminator, average, optimisers, window, template)


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
        codes = z.detach().requires_grad_()
        permuted = z.detach().gather(1, keys.argsort(dim=1))
        both = torch.cat([codes, permuted], dim=1).to(low)
        answers = stacked.full(stacked.sequence(judge, "", stack.discriminator, both))
        joint, marginal = answers.chunk(2, dim=1)
        tc = (joint[..., 0] - joint[..., 1]).mean(dim=1)
        told = F.softplus(joint[..., 1] - joint[..., 0]).mean(dim=1)
        shuffled = F.softplus(marginal[..., 0] - marginal[..., 1]).mean(dim=1)
        d_loss = 0.5 * (told + shuffled)
        d_loss.sum().backward(inputs=[codes, *stack.discriminator.values()])
        gradient = objectives.total_correlation_gradient(
            codes.grad.flatten(0, 1), joint.flatten(0, 1)
        )
        gradient = tc_weight[:, None, None] * gradient.view_as(z)
        torch.autograd.backward([total.sum(), z], [None, gradient])
        total = total + tc_weight * tc
        right = (joint[..., 0] > joint[..., 1]).sum(dim=1)
        right = right + (marginal[..., 1] > marginal[..., 0]).sum(dim=1)
        d_accuracy = right / answers.shape[1]
    for optimiser in stack.optimisers:
        optimiser.step()
    if stack.average:
        get_ema_multi_avg_fn(config.average)(stack.average, stack.trained, 0)
    terms = torch.stack([reconstruction, total, tc, d_loss, d_accuracy], dim=1)
    return torch.cat([terms, kl], dim=1).detach()


def _encode(stack: Stack, x: Tensor) -> tuple[Tensor, Tensor]:
    """Means and log-variances (runs, n, D) of images (runs n, 64, 64, 1)."""
    vae = stack.template[0]
    features = stacked.sequence(vae.features, "features.", stack.vae, x)
    mu = stacked.full(stacked.dense(features, stack.vae, "mean"))
    if vae.mean_norm is not None:
        norm = vae.mean_norm
        mu = MEAN_SCALE * stacked.batch_norm(
            mu, stack.vae, "mean_norm", norm.momentum, norm.eps
        )
    return mu, stacked.full(stacked.dense(features, stack.vae, "logvar"))


def train_together(
    configs: Sequence[TrainingConfig],
    sprites: Sprites,
    keep: Callable[[int, State, VAE], None],
    share: float = 1.0,
) -> Iterator[int]:
    """Train runs together, yielding the step after each window of `log_every`.

    `keep(i, state, network)` is given run `i` of the list at each snapshot and at the
    end: its state, history and all, and the network to evaluate. Seconds and joules of
    a run are its part of the stack's; `share` is the stack's part of the card.
    """
    config = configs[0]
    if not stackable(configs):
        raise ValueError(
            f"runs differ in more than {', '.join(FREE)}; train them alone"
        )
    train_index, _ = train_test_split(config.split_seed, size=sprites.grid.size)
    per_epoch = steps_per_epoch(config, train_index)
    records: list[list[dict[str, float]]] = [[] for _ in configs]
    with own_stream(config):
        stack = new_stack(configs)
        advance = _stepper(stack, sprites, configs, train_index)
        joules = open_meter(config.device)[1]
        start, part = time.monotonic(), share / len(configs)
        while stack.step < config.steps:
            advance()
            row = (stack.step - 1) % config.log_every
            last = stack.step == config.steps
            kept = last or stack.step in config.snapshots
            if row < config.log_every - 1 and not kept:
                continue
            window = stack.window[: row + 1].cpu()
            used = {
                "seconds": part * (time.monotonic() - start),
                "joules": part * joules(),
            }
            for i in range(len(configs)):
                history.check_window(window[:, i], stack.step - row)
                if row == config.log_every - 1:
                    records[i].append(
                        _record(window[:, i], stack.step, per_epoch, config) | used
                    )
            if kept:
                for i, one in enumerate(configs):
                    state = _state(stack, i, one, records[i], used)
                    network = averaged(
                        state.vae, state.average, stack.step, sprites, train_index, one
                    )
                    keep(i, state, network)
            yield stack.step


def _stepper(stack, sprites, configs, train_index) -> Callable[[], None]:
    """As `step.stepper`, for a stack."""
    config, size = configs[0], block_size(configs[0])
    orders = [rows_of_steps(one, train_index) for one in configs]
    pairs = [objectives.weights(one.model, one.beta, one.gamma) for one in configs]
    weights = tuple(torch.tensor(w, device=config.device) for w in zip(*pairs))

    def drawn(block: int) -> Draws:
        parts = [draw(one, rows, block) for one, rows in zip(configs, orders)]
        return Draws(
            torch.stack([part.rows for part in parts], dim=1),
            torch.stack([part.noise for part in parts], dim=1),
            torch.stack([part.keys for part in parts], dim=1),
        )

    draws = drawn(0)
    place = torch.zeros(1, dtype=torch.int64, device=config.device)
    row = torch.zeros(1, dtype=torch.int64, device=config.device)

    def step() -> None:
        rows = draws.rows.index_select(0, place)[0].flatten()
        x = sprites.batch(rows, config.device).view(-1, 64, 64, 1)
        noise, keys = (d.index_select(0, place)[0] for d in (draws.noise, draws.keys))
        report = step_of_all(stack, x, noise, keys, weights, config)
        stack.window.index_copy_(0, row, report[None])
        place.add_(1)
        row.add_(1).remainder_(config.log_every)

    run = recorded(step) if config.compile else step

    def advance() -> None:
        if stack.step and stack.step % size == 0:
            draws.copy_(drawn(stack.step // size))
            place.zero_()
        stack.step += 1
        if stack.step <= config.warmup + 1 or config.schedule != "constant":
            set_rates(stack.optimisers, rate_factor(stack.step, config))
        run()

    return advance


def _record(window: Tensor, step: int, per_epoch: int, config: TrainingConfig) -> dict:
    rate = rate_factor(step, config) * config.learning_rate
    place = {"step": step, "epoch": step / per_epoch, "learning_rate": rate}
    return history.record_of(window) | place | {"images_per_second": math.nan}


def _state(stack, i, config, records, used) -> State:
    """The state of run `i`, as `train` would have it."""
    state = new_state(config)
    state.vae.load_state_dict({name: t[i] for name, t in stack.vae.items()})
    if state.discriminator is not None:
        judge = {name: tensor[i] for name, tensor in stack.discriminator.items()}
        state.discriminator.load_state_dict(judge)
    state.average = [tensor[i].clone() for tensor in stack.average]
    state.step, state.records = stack.step, list(records)
    state.seconds, state.joules = used["seconds"], used["joules"]
    return state
