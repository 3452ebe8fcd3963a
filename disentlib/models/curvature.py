"""How sharply the reconstruction bends along a dimension: measured, and told by the
posterior.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from disentlib.models.networks import VAE

SHARE = 0.3  # of σ: what the decoder's kinks need, and small beside the noise


@torch.inference_mode()
def measured_curvature(vae: VAE, x: Tensor, noise: Tensor) -> Tensor:
    """E_q[∂² f / ∂z_j²] of f(z) = −log p(x|z), by second differences, no theory used.

    The left side of `eq-curvature`. Images `x` (n, 1, 64, 64), `noise` (draws, n, D)
    standard normal, by which the codes of the posterior are drawn. Nats by squared
    unit of the code, (D,), averaged over images and draws.
    """
    mu, logvar = vae.encode(x)
    deviation = (0.5 * logvar).exp()
    found = torch.zeros(mu.shape[1], dtype=torch.float64)
    for draw in noise:
        z = mu + deviation * draw
        here = _nats(vae, z, x)
        for j in range(mu.shape[1]):
            step = torch.zeros_like(z)
            step[:, j] = SHARE * deviation[:, j]
            bend = _nats(vae, z + step, x) + _nats(vae, z - step, x) - 2 * here
            found[j] += (bend / step[:, j].double().square()).mean()
    return found / len(noise)


def told_curvature(logvar: Tensor, beta: float) -> Tensor:
    """β(1/σ_j² − 1), averaged over images: what the curvature is where σ_j is the best
    for each of them.

    The right side of `eq-curvature` (Opper and Archambeau 2009). `logvar` (n, D) of the
    posterior, `beta` the weight of the KL term; nats by squared unit of the code, (D,).
    """
    return beta * torch.expm1(-logvar.double()).mean(dim=0)


def _nats(vae: VAE, z: Tensor, x: Tensor) -> Tensor:
    """−log p(x|z) of each image (n,), in double precision: differences are taken."""
    logits = vae.decode(z).double()
    losses = F.binary_cross_entropy_with_logits(logits, x.double(), reduction="none")
    return losses.sum(dim=(1, 2, 3))
