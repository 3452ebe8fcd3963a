"""How sharply the reconstruction bends along a dimension: measured, and told by the
posterior.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from disentlib.models.networks import VAE

SHARE = 0.3  # of σ: small beside the noise, large beside what float32 rounds


@torch.inference_mode()
def measured_curvature(vae: VAE, x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    """E[σ_j² h_j] / E[σ_j²] by second differences, h_j = E_q[∂² f / ∂z_j²] of f(z) =
    −log p(x|z) for an image: no theory used. And its standard error over the images.

    `eq-curvature-mean` over E[σ_j²]. Images `x` (n, 1, 64, 64), two or more, `noise`
    (draws, n, D) standard normal, by which codes of the posterior are drawn. Nats by
    squared unit of the code, (D,) each, of any sign; by differences over `SHARE` σ_j,
    which sees f as a posterior that is wider by 1.5 % does. Raises `ValueError` for a
    network in training mode, whose batch norm would be another function.
    """
    if vae.training:
        raise ValueError("the network is in training mode; call its eval() first")
    mu, logvar = vae.encode(x)
    deviation, variance = (0.5 * logvar).exp(), logvar.exp().double()
    bends = torch.zeros_like(variance)  # σ_j² h_j of each image
    for draw in noise:
        z = mu + deviation * draw
        here = _nats(vae, z, x)
        for j in range(mu.shape[1]):
            step = torch.zeros_like(z)
            step[:, j] = SHARE * deviation[:, j]
            bend = _nats(vae, z + step, x) + _nats(vae, z - step, x) - 2 * here
            bends[:, j] += bend / SHARE**2 / len(noise)
    found = bends.mean(dim=0) / variance.mean(dim=0)
    spread = (bends - found * variance).std(dim=0) / len(x) ** 0.5
    return found, spread / variance.mean(dim=0)


def told_curvature(logvar: Tensor, beta: float) -> Tensor:
    """β(1/E[σ_j²] − 1): what `measured_curvature` is where training has come to rest.

    `eq-curvature-mean` over E[σ_j²] (Opper and Archambeau 2009 for a single posterior).
    `logvar` (n, D) of the posteriors, `beta` the weight of the KL term; nats by squared
    unit of the code, (D,), above −β.
    """
    return beta * (1 / logvar.exp().double().mean(dim=0) - 1)


def _nats(vae: VAE, z: Tensor, x: Tensor) -> Tensor:
    """−log p(x|z) of each image (n,), summed in float64: differences follow."""
    logits = vae.decode(z).double()
    losses = F.binary_cross_entropy_with_logits(logits, x.double(), reduction="none")
    return losses.sum(dim=(1, 2, 3))
