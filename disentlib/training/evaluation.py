"""Losses on held-out images."""

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from disentlib.models import objectives
from disentlib.models.networks import VAE, Discriminator
from disentlib.seeds import stream, torch_stream
from disentlib.sprites.table import Sprites
from disentlib.training.configuration import TrainingConfig
from disentlib.training.history import ACTIVE_NATS

TERMS = ("reconstruction", "kl", "total_correlation", "total", "elbo")
CHUNK = {"cpu": 512, "cuda": 4096}  # images at a time


def held_out_index(
    test_index: NDArray[np.int64], config: TrainingConfig
) -> NDArray[np.int64]:
    """Rows of the held-out part that the losses are taken on: all, or a fixed random
    subset.

    The subset depends on `split_seed` alone, so that all runs of a study see the same
    images.
    """
    if not 0 < config.evaluation_images < len(test_index):
        return test_index
    order = stream(config.split_seed, "evaluation").permutation(test_index)
    return np.sort(order[: config.evaluation_images])


@torch.inference_mode()
def held_out_losses(
    vae: VAE,
    discriminator: Discriminator | None,
    sprites: Sprites,
    index: NDArray[np.int64],
    config: TrainingConfig,
) -> dict[str, Any]:
    """Means over the images `index` of every loss term, in nats, batch norm at its
    running values; the total at beta and gamma, to which a moving weight comes.

    Keys: reconstruction, kl, total_correlation, total, elbo, kl_per_dimension, active,
    images; None for what the model does not have (the KL of an autoencoder, a total
    correlation without a discriminator). Raises `FloatingPointError` where a loss is
    not finite.
    """
    kl_weight, tc_weight = objectives.loss_weights(
        config.model, config.beta, config.gamma
    )
    training = vae.training
    vae.eval()
    generator = torch_stream(config.seed, "evaluation", device=config.device)
    reconstruction, tc, kl = 0.0, 0.0, torch.zeros(config.D, dtype=torch.float64)
    chunk = CHUNK[torch.device(config.device).type]
    for start in range(0, len(index), chunk):
        x = sprites.batch(index[start : start + chunk], config.device)
        mu, logvar = vae.encode(x)
        z = mu
        if config.model != "autoencoder":
            noise = torch.randn(mu.shape, generator=generator, device=mu.device)
            z = objectives.reparameterise(mu, logvar, noise)
            kl += objectives.gaussian_kl(mu, logvar).double().sum(dim=0).cpu()
        reconstruction += float(
            objectives.bernoulli_reconstruction(vae.decode(z), x)
        ) * len(x)
        if discriminator is not None:
            tc += float(objectives.total_correlation(discriminator(z))) * len(x)
    vae.train(training)
    reconstruction, tc, kl = (
        reconstruction / len(index),
        tc / len(index),
        kl / len(index),
    )
    total = reconstruction + kl_weight * float(kl.sum()) + tc_weight * tc
    if not math.isfinite(total):
        raise FloatingPointError(
            f"held-out loss {total} is not finite; try a lower learning rate"
        )
    has_kl = config.model != "autoencoder"
    return {
        "reconstruction": reconstruction,
        "kl": float(kl.sum()) if has_kl else None,
        "total_correlation": tc if discriminator is not None else None,
        "total": total,
        "elbo": -reconstruction - float(kl.sum()) if has_kl else None,
        "kl_per_dimension": kl.tolist() if has_kl else None,
        "active": int((kl > ACTIVE_NATS).sum()) if has_kl else None,
        "images": len(index),
    }
