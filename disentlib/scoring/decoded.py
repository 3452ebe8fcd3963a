"""What a model shows: reconstructions and latent traversals."""

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from disentlib.models.networks import VAE
from disentlib.scoring.pictures import COLUMNS, Pictures
from disentlib.seeds import stream
from disentlib.sprites.table import Sprites

EXAMPLES = 10  # images that are reconstructed; the first is also traversed
REACH = 1.0  # from μ - 1 to μ + 1, as in the thesis' section 5.4


@torch.inference_mode()
def take_pictures(vae: VAE, sprites: Sprites, importances: ArrayLike) -> Pictures:
    """Pictures of a model in evaluation mode, on ten fixed random rows.

    Reconstructions decode the posterior's mean. A row of a traversal moves one
    dimension from μ - 1 to μ + 1 in 9 steps and leaves the others at their means, so
    that the column in the middle is the image's own reconstruction.
    """
    x = _examples(sprites)
    mu, _ = vae.encode(x)
    moved = mu[:1].repeat(vae.D * COLUMNS, 1).view(vae.D, COLUMNS, vae.D)
    for d in range(vae.D):
        moved[d, :, d] += torch.linspace(-REACH, REACH, COLUMNS)
    traversals = vae.decode(moved.view(-1, vae.D)).view(vae.D, COLUMNS, 64, 64)
    return Pictures(
        *_compared(vae, x, mu),
        _bytes(traversals.sigmoid()),
        np.asarray(importances, dtype=np.float32),
    )


@torch.inference_mode()
def reconstructed(
    vae: VAE, sprites: Sprites
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images and what `vae`, in evaluation mode, makes of their posterior's means:
    both (examples, 64, 64), probabilities of white as uint8 (0 … 255).
    """
    x = _examples(sprites)
    mu, _ = vae.encode(x)
    return _compared(vae, x, mu)


def _compared(
    vae: VAE, x: torch.Tensor, mu: torch.Tensor
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    return _bytes(x[:, 0]), _bytes(vae.decode(mu)[:, 0].sigmoid())


def _examples(sprites: Sprites) -> torch.Tensor:
    rows = stream(0, "pictures").integers(sprites.grid.size, size=EXAMPLES)
    return sprites.batch(rows)


def _bytes(probabilities: torch.Tensor) -> NDArray[np.uint8]:
    return (255 * probabilities).round().byte().numpy()
