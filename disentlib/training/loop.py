"""Training: one step, and the loop around it that repeats to the bit and cannot be
hurt.
"""

import math
import platform
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from disentlib.files import write_json
from disentlib.models import objectives
from disentlib.seeds import stream, torch_stream
from disentlib.sprites.table import Sprites, train_test_split
from disentlib.training import checkpoints, history
from disentlib.training.configuration import MODELS, TrainingConfig
from disentlib.training.energy import open_meter
from disentlib.training.evaluation import held_out_index, held_out_losses
from disentlib.training.folder import claim, load_model, locked, noticing_sigterm
from disentlib.training.machine import keep_freed_memory
from disentlib.training.optimisers import rate_factor
from disentlib.training.state import State, new_state, restore, save

__all__ = ["MODELS", "TrainingConfig", "load_model", "train"]


def train_step(
    state: State, x: Tensor, noise: Tensor, config: TrainingConfig
) -> Tensor:
    """Update all networks on the images `x` (n, 1, 64, 64) and report the losses in
    nats.

    `eq-beta-vae` and `eq-factor-vae`; `noise` (n, D) is standard normal. The report has
    `history.STEP_COLUMNS`, then the KL of each dimension.

    Discriminator and VAE share one pass of codes: Eq. 30 of the thesis permutes the
    same batch (Kim and Mnih take a second one). Both gradients are taken before either
    network moves, and each is taken for its own weights only: codes enter the
    discriminator as a leaf. One backward pass through it serves both, see
    `objectives.total_correlation_gradient`.
    """
    kl_weight, tc_weight = objectives.weights(config.model, config.beta, config.gamma)
    undefined = x.new_full((), math.nan)
    tc, d_loss, d_accuracy = undefined, undefined, undefined
    for optimiser in state.optimisers:
        optimiser.zero_grad(set_to_none=True)
    low = torch.autocast(
        x.device.type, torch.bfloat16, enabled=config.precision == "bfloat16"
    )
    with low:
        mu, logvar = state.vae.encode(x)
    mu, logvar = mu.float(), logvar.float()
    sampled = config.model != "autoencoder"
    z = objectives.reparameterise(mu, logvar, noise) if sampled else mu
    with low:
        logits = state.vae.decode(z)
    reconstruction = objectives.bernoulli_reconstruction(logits.float(), x)
    total, kl = reconstruction, undefined.expand(config.D)
    if sampled:
        kl = objectives.gaussian_kl(mu, logvar).mean(dim=0)
        total = total + kl_weight * kl.sum()
    if state.discriminator is None:
        total.backward()
    else:
        codes = z.detach().requires_grad_()
        permutation = torch_stream(
            config.seed, "permutations", state.step, device=x.device
        )
        permuted = objectives.permute_dimensions(z, permutation)
        with low:
            answers = state.discriminator(torch.cat([codes, permuted]))
        joint, marginal = answers.float().chunk(2)
        tc = objectives.total_correlation(joint)
        d_loss = objectives.discriminator_loss(joint, marginal)
        d_loss.backward(inputs=[codes, *state.discriminator.parameters()])
        gradient = objectives.total_correlation_gradient(codes.grad, joint)
        torch.autograd.backward([total, z], [None, tc_weight * gradient])
        total = total + tc_weight * tc
        right = (joint[:, 0] > joint[:, 1]).sum() + (
            marginal[:, 1] > marginal[:, 0]
        ).sum()
        d_accuracy = right / len(answers)
    for optimiser in state.optimisers:
        optimiser.step()
    terms = torch.stack([reconstruction, total, tc, d_loss, d_accuracy])
    return torch.cat([terms, kl]).detach()


def train(
    config: TrainingConfig, sprites: Sprites, folder: str | Path
) -> Iterator[dict[str, float]]:
    """Train one model in `folder`, yielding a record of the history every `log_every`
    steps.

    Goes on from the latest checkpoint there, if any, and ends in the same bits as a run
    that never stopped. Writes `model.safetensors`, then, last, `result.json`; a
    finished run is not repeated, its history is yielded. On SIGTERM it keeps a
    checkpoint and exits with code 143.

    Raises in one line: `ValueError` for a folder of another configuration,
    `RuntimeError` where another process trains in it, `FloatingPointError` for losses
    that are no numbers or explode, `OSError` where the disk is full or read-only.
    """
    folder = Path(folder)
    with locked(folder), noticing_sigterm() as sigterm:
        result = folder / "result.json"
        claim(folder, config)
        if result.exists():
            checkpoints.clear(
                folder / "checkpoints"
            )  # left where a kill came between the two
            yield from history.read_history(folder / "history.csv")
            return
        prepare_torch(config)
        state = new_state(config)
        if kept := checkpoints.load_checkpoint(
            folder / "checkpoints", config.to_dict()
        ):
            restore(state, *kept)
            yield from state.records
        energy_source, joules = open_meter(config.device)
        train_index, test_index = train_test_split(
            config.split_seed, size=sprites.grid.size
        )
        sprites = sprites.to(config.device)
        held_out = held_out_index(test_index, config)
        per_epoch = len(train_index) // config.batch_size
        if per_epoch < 1:
            raise ValueError(
                f"batch_size {config.batch_size} exceeds {len(train_index)} images"
            )
        epoch, mark, earlier = (
            -1,
            (state.step, time.monotonic()),
            (state.seconds, state.joules),
        )
        start = mark[1]
        for step in range(state.step + 1, config.steps + 1):
            state.step = step
            if epoch != (epoch := (state.step - 1) // per_epoch):
                order = stream(config.seed, "data order", epoch).permutation(
                    train_index
                )
            first = (state.step - 1) % per_epoch * config.batch_size
            x = sprites.batch(order[first : first + config.batch_size], config.device)
            noise = torch.randn(
                (len(x), config.D),
                generator=torch_stream(
                    config.seed, "posterior noise", state.step, device=config.device
                ),
                device=config.device,
            )
            factor = rate_factor(state.step, config.steps, config.schedule)
            for optimiser in state.optimisers:
                for group in optimiser.param_groups:
                    group["lr"] = factor * optimiser.defaults["lr"]
            row = (state.step - 1) % config.log_every
            state.window[row] = train_step(state, x, noise, config)
            last, stop = state.step == config.steps, sigterm.is_set()
            log = last or row == config.log_every - 1
            keep = last or state.step % config.checkpoint_every == 0 or stop
            snapshot = state.step in config.snapshots
            if not (log or keep or snapshot):
                continue
            window = state.window[: row + 1].cpu()
            history.check_window(window, state.step - row)
            now = time.monotonic()
            state.seconds, state.joules = (
                earlier[0] + now - start,
                earlier[1] + joules(),
            )
            if log:
                speed = (state.step - mark[0]) * config.batch_size / (now - mark[1])
                state.records.append(
                    history.record_of(window)
                    | {"step": state.step, "epoch": state.step / per_epoch}
                    | {"seconds": state.seconds, "joules": state.joules}
                    | {
                        "images_per_second": speed,
                        "learning_rate": factor * config.learning_rate,
                    }
                )
                mark = (state.step, now)
            if snapshot:
                losses = held_out_losses(
                    state.vae, state.discriminator, sprites, held_out, config
                )
                save_model(folder / f"model-{state.step}.safetensors", state, losses)
            if keep:
                save(state, folder, config)
            if log:
                yield state.records[-1]
            if stop and not last:
                print(
                    f"SIGTERM: stopped after step {state.step}, checkpoint kept",
                    file=sys.stderr,
                )
                raise SystemExit(143)
        losses = held_out_losses(
            state.vae, state.discriminator, sprites, held_out, config
        )
        save_model(folder / "model.safetensors", state, losses)
        write_json(result, result_of(state, losses, config, energy_source))
        checkpoints.clear(folder / "checkpoints")


def prepare_torch(config: TrainingConfig) -> None:
    """Threads and precision as configured, memory kept, and kernels that repeat
    themselves.
    """
    keep_freed_memory()
    torch.set_num_threads(config.threads)
    torch.set_float32_matmul_precision(
        "high" if config.precision == "tf32" else "highest"
    )
    torch.backends.cudnn.allow_tf32 = config.precision == "tf32"
    torch.backends.cudnn.deterministic = True


def save_model(path: Path, state: State, losses: dict[str, Any]) -> None:
    """Write the VAE's weights, with the step and the held-out losses among the file's
    facts.
    """
    facts = {"step": state.step, "held_out": losses}
    checkpoints.save_tensors(path, state.vae.state_dict(), facts)


def result_of(
    state: State, losses: dict[str, Any], config: TrainingConfig, energy_source: str
) -> dict[str, Any]:
    """What `result.json` says of a finished run."""
    terms = ("reconstruction", "kl", "total_correlation", "total", "elbo")
    return {
        "config": config.to_dict(),
        "step": state.step,
        "held_out": {name: losses[name] for name in terms},
        "held_out_images": losses["images"],
        "kl_per_dimension": losses["kl_per_dimension"],
        "active": losses["active"],
        "digest": checkpoints.digest(state.vae.state_dict()),
        "seconds": state.seconds,
        "joules": state.joules,
        "energy_source": energy_source,
        "provenance": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
            "machine": platform.machine(),
            "system": platform.platform(),
            "threads": torch.get_num_threads(),
        },
    }
