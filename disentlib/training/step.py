"""One step of training, and the function that takes a run from step to step."""

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from disentlib.models import objectives
from disentlib.models.stacked import full
from disentlib.sprites.table import Sprites
from disentlib.training import average
from disentlib.training.batches import Draws, block_size, draw
from disentlib.training.configuration import TrainingConfig, on_card
from disentlib.training.optimisers import set_rates
from disentlib.training.schedules import rate_factor, weights_of_step
from disentlib.training.state import State

EAGER_STEPS = 3  # before a graph is recorded, while libraries set themselves up
RECORDING = threading.Lock()  # one graph at a time, where threads train side by side


def train_step(
    state: State, x: Tensor, noise: Tensor, keys: Tensor, config: TrainingConfig
) -> Tensor:
    """Update all networks on the images `x` (n, 1, 64, 64) and report the losses in
    nats.

    `eq-beta-vae` and `eq-factor-vae`; `noise` (n, D) is standard normal, `keys` (n, D)
    uniform. The report has `history.STEP_COLUMNS`, then the KL of each dimension.

    Discriminator and VAE share one pass of codes: Eq. 30 of the thesis permutes the
    same batch (Kim and Mnih take a second one). Both gradients are taken before either
    network moves, and each is taken for its own weights only: codes enter the
    discriminator as a leaf. One backward pass through it serves both, see
    `objectives.total_correlation_gradient`.
    """
    kl_weight, tc_weight = weights_of_step(state.step, config)
    undefined = x.new_full((), math.nan)
    tc, d_loss, d_accuracy = undefined, undefined, undefined
    for optimiser in state.optimisers:
        optimiser.zero_grad(set_to_none=True)
    low = low_precision(config)
    with low:
        mu, logvar = state.vae.encode(x)
    mu, logvar = full(mu), full(logvar)
    sampled = config.model != "autoencoder"
    z = objectives.reparameterise(mu, logvar, noise) if sampled else mu
    with low:
        logits = state.vae.decode(z)
    reconstruction = objectives.bernoulli_reconstruction(full(logits), x)
    total, kl = reconstruction, undefined.expand(config.D)
    if sampled:
        kl = objectives.gaussian_kl(mu, logvar).mean(dim=0)
        total = total + kl_weight * kl.sum()
    if state.discriminator is None:
        total.backward()
    else:
        codes = z.detach().requires_grad_()
        permuted = objectives.permute_by(z, keys)
        with low:
            answers = state.discriminator(torch.cat([codes, permuted]))
        joint, marginal = full(answers).chunk(2)
        tc = objectives.total_correlation(joint)
        d_loss = objectives.discriminator_loss(joint, marginal)
        d_loss.backward(inputs=[codes, *state.discriminator.parameters()])
        assert codes.grad is not None
        gradient = objectives.total_correlation_gradient(codes.grad, joint)
        torch.autograd.backward([total, z], [None, tc_weight * gradient])
        total = total + tc_weight * tc
        right = (joint[:, 0] > joint[:, 1]).sum() + (
            marginal[:, 1] > marginal[:, 0]
        ).sum()
        d_accuracy = right / len(answers)
    for optimiser in state.optimisers:
        optimiser.step()
    average.update(state.average, state.vae.parameters(), config)
    terms = torch.stack([reconstruction, total, tc, d_loss, d_accuracy])
    return torch.cat([terms, kl]).detach()


def low_precision(config: TrainingConfig) -> torch.autocast:
    """Where the large layers compute in bfloat16, if the run is to; weights stay
    float32.
    """
    # A graph would replay casts of weights that a cache kept from before.
    return torch.autocast(
        torch.device(config.device).type,
        torch.bfloat16,
        enabled=config.precision == "bfloat16",
        cache_enabled=not on_card(config.device),
    )


def stepper(
    state: State,
    sprites: Sprites,
    rows: Callable[[int], NDArray[np.int64]],
    config: TrainingConfig,
) -> Callable[[], None]:
    """A function that takes the run's next step, and writes its report into
    `state.window`.

    On a card with `compile` the step is recorded as one CUDA graph, optimisers and all,
    and replayed: all that it reads lies in memory that stays where it is.
    """
    size, device = block_size(config), config.device
    block = state.step // size
    draws = draw(config, rows, block)
    place = torch.tensor([state.step % size], device=device)
    row = torch.tensor([state.step % config.log_every], device=device)

    def step() -> None:
        take_step(state, sprites, draws, place, row, config)

    factor = math.nan
    run = recorded(step) if recordable(config) else step

    def advance() -> None:
        nonlocal block, factor
        if state.step // size != block:
            block = state.step // size
            draws.copy_(draw(config, rows, block))
            place.zero_()
        state.step += 1
        if factor != (new := rate_factor(state.step, config)):
            factor = new
            set_rates(state.optimisers, factor)
        run()

    return advance


def recordable(config: TrainingConfig) -> bool:
    """Whether a step can be recorded as a graph: on a card, where `compile` is set.

    Muon's rate and a moving weight are numbers of the host, which a recording would
    keep as they were.
    """
    plain = config.optimizer != "muon" and not config.weight_steps
    return config.compile and on_card(config.device) and plain


def take_step(
    state: State,
    sprites: Sprites,
    draws: Draws,
    place: Tensor,
    row: Tensor,
    config: TrainingConfig,
) -> None:
    """One step from the draws at `place`; its report becomes `row` of the window.

    Both are tensors (1,) on the device, and move on by one: nothing here depends on
    what the host knows, so that a recording of it goes on by itself.
    """
    x = sprites.batch(draws.rows.index_select(0, place)[0], config.device)
    noise = draws.noise.index_select(0, place)[0]
    keys = draws.keys.index_select(0, place)[0]
    report = train_step(state, x, noise, keys, config)
    state.window.index_copy_(0, row, report[None])
    place.add_(1)
    row.add_(1).remainder_(config.log_every)


def recorded(step: Callable[[], None]) -> Callable[[], None]:
    """`step`, recorded as a CUDA graph after a few calls and replayed from then on."""
    graph: torch.cuda.CUDAGraph | None = None
    calls = 0

    def run() -> None:
        nonlocal graph, calls
        calls += 1
        if calls <= EAGER_STEPS:
            step()
            return
        if graph is None:
            graph = torch.cuda.CUDAGraph()
            with RECORDING:
                torch.cuda.current_stream().synchronize()
                # Other threads may go on with their own runs meanwhile.
                graph.capture_begin(capture_error_mode="thread_local")
                step()  # recorded, not computed
                graph.capture_end()
        graph.replay()

    return run


@contextmanager
def own_stream(config: TrainingConfig) -> Iterator[None]:
    """Run on a stream of one's own on a card, where runs side by side overlap."""
    if not on_card(config.device):
        yield
        return
    stream = torch.cuda.Stream(config.device)
    stream.wait_stream(torch.cuda.current_stream(config.device))
    with torch.cuda.stream(stream):
        yield
    stream.synchronize()
