"""Runs that differ in seed and weights alone, trained together on one card.

Each run reads the same images and noise and takes the same steps as alone; only the
rounding differs, since its layers are computed as parts of larger products. For a card
that is there for minutes: nothing is kept from which a run could go on.
"""

import math
import time
from collections.abc import Callable, Generator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from disentlib.models import objectives
from disentlib.models.networks import VAE
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
from disentlib.training.optimisers import set_rates
from disentlib.training.schedules import rate_factor
from disentlib.training.stack import (
    MAY_DIFFER,
    Stack,
    new_stack,
    stackable,
    step_of_all,
)
from disentlib.training.state import State, new_state
from disentlib.training.step import own_stream, recordable, recorded

Records = list[dict[str, float]]


def train_together(
    configs: Sequence[TrainingConfig],
    sprites: Sprites,
    keep: Callable[[int, State, VAE, str], None],
    share: float = 1.0,
) -> Generator[int, None, None]:
    """Train runs together, yielding the step after each window of `log_every`
    and each snapshot.

    `keep(i, state, network, source)` is given run `i` of the list at each snapshot and
    at the end: its state, history and all, the network to evaluate, and what its joules
    are from. Seconds and joules of a run are its part of the stack's; `share` (0 to 1)
    is the stack's part of the card.

    Raises `ValueError` for runs that cannot train together, and in the end, or where it
    is closed, `FloatingPointError` for runs whose losses are no longer numbers: those
    are kept no more.
    """
    config = _shared(configs)
    train_index, _ = train_test_split(config.split_seed, size=sprites.grid.size)
    per_epoch = steps_per_epoch(config, train_index)
    records: list[Records] = [[] for _ in configs]
    failed: dict[int, str] = {}
    images = sprites.checksum()
    with own_stream(config):
        stack = new_stack(configs)
        advance = _stepper(stack, sprites, configs, train_index)
        source, joules = open_meter(config.device)
        start, part = time.monotonic(), share / len(configs)
        while stack.step < config.steps and len(failed) < len(configs):
            advance()
            row = (stack.step - 1) % config.log_every
            last = stack.step == config.steps
            kept = last or stack.step in config.snapshots
            if row < config.log_every - 1 and not kept:
                continue
            window = stack.window[: row + 1].cpu()
            seconds = part * (time.monotonic() - start)
            used = {"seconds": seconds, "joules": part * joules()}
            for i, one in enumerate(configs):
                if trouble := _trouble(window[:, i], stack.step - row, one):
                    failed.setdefault(i, trouble)
                if row == config.log_every - 1:
                    records[i].append(
                        _record(window[:, i], stack.step, per_epoch, config) | used
                    )
            if kept:
                for i, one in enumerate(configs):
                    if i in failed:
                        continue
                    state = _state(stack, i, one, records[i], used)
                    state.images = images
                    parts = state.vae, state.average, stack.step, sprites, train_index
                    keep(i, state, averaged(*parts, one), f"{source}, shared")
            try:
                yield stack.step
            except GeneratorExit:  # whoever closes it is told, too
                break
    if failed:
        raise FloatingPointError("; ".join(failed.values()))


def _shared(configs: Sequence[TrainingConfig]) -> TrainingConfig:
    """The first run's settings, which all share but for `MAY_DIFFER`."""
    config = configs[0]
    if not stackable(configs):
        raise ValueError(
            f"runs of an autoencoder, by Muon, of a moving weight, or that differ in "
            f"more than {', '.join(MAY_DIFFER)}; train them alone"
        )
    if config.precision == "auto":
        raise ValueError("precision 'auto' is not chosen yet; give float32 or bfloat16")
    return config


def _trouble(
    window: torch.Tensor, first_step: int, config: TrainingConfig
) -> str | None:
    """What `history.check_window` says of a run, and which of the stack it is."""
    try:
        history.check_window(window, first_step)
    except FloatingPointError as error:
        own = ", ".join(f"{name} {getattr(config, name)}" for name in MAY_DIFFER)
        return f"{own}: {error}"
    return None


def _stepper(
    stack: Stack,
    sprites: Sprites,
    configs: Sequence[TrainingConfig],
    train_index: NDArray[np.int64],
) -> Callable[[], None]:
    """As `step.stepper`, for a stack."""
    config, size = configs[0], block_size(configs[0])
    orders = [rows_of_steps(one, train_index) for one in configs]
    pairs = [objectives.loss_weights(one.model, one.beta, one.gamma) for one in configs]
    kl_weight, tc_weight = torch.tensor(pairs, device=config.device).unbind(dim=1)

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
        report = step_of_all(stack, x, noise, keys, (kl_weight, tc_weight), config)
        stack.window.index_copy_(0, row, report[None])
        place.add_(1)
        row.add_(1).remainder_(config.log_every)

    run = recorded(step) if recordable(config) else step

    def advance() -> None:
        if stack.step and stack.step % size == 0:
            draws.copy_(drawn(stack.step // size))
            place.zero_()
        stack.step += 1
        if stack.step <= config.warmup + 1 or config.schedule != "constant":
            set_rates(stack.optimisers, rate_factor(stack.step, config))
        run()

    return advance


def _record(
    window: torch.Tensor, step: int, per_epoch: int, config: TrainingConfig
) -> dict[str, float]:
    rate = rate_factor(step, config) * config.learning_rate
    place = {"step": step, "epoch": step / per_epoch, "learning_rate": rate}
    return history.record_of(window) | place | {"images_per_second": math.nan}


def _state(
    stack: Stack,
    i: int,
    config: TrainingConfig,
    records: Records,
    used: dict[str, float],
) -> State:
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
