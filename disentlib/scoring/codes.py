"""From a model and images to tables of codes: encode each planned row once, draw codes
from it.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn

from disentlib.checks import instance, whole_number
from disentlib.models.folding import folded
from disentlib.models.networks import VAE
from disentlib.scoring.windows import Encoder, by_place, on_windows
from disentlib.seeds import stream
from disentlib.sprites.table import Sprites
from disentlib.training.configuration import check_device

# On a CPU a small batch stays in its cache, and in memory that the allocator has at
# hand; a card wants many images at once. bench/scoring.py compares sizes. They change
# codes by rounding only.
BATCH_SIZES = {"cpu": 64, "cuda": 8192}
NAMES = ("mean", "logvar")


@dataclass(frozen=True)
class Posterior:
    """Mean and log-variance of q(z|x), float32 (grid.size, D) each; NaN where not
    encoded.
    """

    mean: NDArray[np.float32]
    logvar: NDArray[np.float32]


@torch.inference_mode()
def encode(
    vae: VAE,
    sprites: Sprites,
    index: ArrayLike,
    batch_size: int | None = None,
    device: str | torch.device = "cpu",
) -> Posterior:
    """The posteriors of the rows `index` (those of `metrics.plan`), each encoded once.

    Batch norm is at its running values, folded into the layers before it, which changes
    codes by rounding only; `vae` itself is not changed.

    Raises in one line: `ValueError` for rows that are not in the grid, or none, and for
    a batch size below 1, `FloatingPointError` for a posterior that is not finite.
    """
    instance("vae", vae, VAE)
    rows = np.unique(instance("sprites", sprites, Sprites).grid.checked(index))
    if len(rows) == 0:
        raise ValueError("index is empty; give the rows of metrics.plan")
    check_device(str(device) if isinstance(device, torch.device) else device)
    if batch_size is None:
        batch_size = BATCH_SIZES.get(torch.device(device).type, BATCH_SIZES["cpu"])
    whole_number("batch_size", batch_size, 1)
    network = folded(vae)
    for layer in network.features:
        if isinstance(layer, nn.ReLU):
            layer.inplace = True
    # What torch says of its own types leaves the memory format out.
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    tables = [np.full((sprites.grid.size, vae.D), np.nan, np.float32) for _ in NAMES]
    encoder: Encoder = network.encode
    if torch.device(device).type == "cpu":
        encoder, rows = on_windows(network), by_place(sprites, rows)
    for start in range(0, len(rows), batch_size):
        part = rows[start : start + batch_size]
        outputs = encoder(sprites.batch(part, device))
        for table, output in zip(tables, outputs):
            values = output.float().cpu().numpy()
            if not np.isfinite(values).all():
                row = part[np.argmin(np.isfinite(values).all(axis=1))]
                raise FloatingPointError(
                    f"posterior of image {row} is not finite; train anew"
                )
            table[part] = values
    return Posterior(*tables)


def checked_posterior(posterior: Posterior) -> Posterior:
    """`posterior` if it holds two tables of one shape, else `ValueError`."""
    instance("posterior", posterior, Posterior)
    for name in NAMES:
        table = instance(f"posterior.{name}", getattr(posterior, name), np.ndarray)
        if table.ndim != 2:
            raise ValueError(f"posterior.{name} of shape {table.shape} must be (n, D)")
    if posterior.mean.shape != posterior.logvar.shape:
        shapes = f"mean {posterior.mean.shape} and logvar {posterior.logvar.shape}"
        raise ValueError(f"{shapes} must have one shape; encode both anew")
    return posterior


def sample(posterior: Posterior, seed: int = 0) -> NDArray[np.float32]:
    """Codes (grid.size, D) drawn from the posterior: `eq-reparameterisation`; NaN as in
    it.

    The noise of a row depends on the seed, the row and D alone, not on which rows were
    encoded. Raises `ValueError` for a seed that is no whole number of at least 0, and
    for tables that are none.
    """
    checked_posterior(posterior)
    noise = stream(seed, "codes").standard_normal(posterior.mean.shape, np.float32)
    with np.errstate(over="ignore"):  # the scores name a row that is not finite
        noise *= np.exp(0.5 * posterior.logvar)
    return np.add(noise, posterior.mean, out=noise)
