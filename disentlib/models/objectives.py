"""The objectives: reconstruction, KL, total correlation and the discriminator's loss,
in nats.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from disentlib.checks import one_of


def bernoulli_reconstruction(logits: Tensor, x: Tensor) -> Tensor:
    """Negative log-likelihood −log p(x|z) of a Bernoulli in every pixel, from its
    logits.

    First term of the negative ELBO, `eq-negative-elbo` (thesis, Eq. 24). `logits` and
    `x` (n, 1, 64, 64), x in {0, 1}. Nats, summed over pixels, averaged over the batch;
    at least 0.
    """
    return F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)


def gaussian_kl(mu: Tensor, logvar: Tensor) -> Tensor:
    """KL(q(z_j|x) ‖ N(0, 1)) of each dimension of a diagonal Gaussian posterior.

    `eq-gaussian-kl` (Kingma and Welling 2014, appendix B). `mu`, `logvar` and the
    result (n, D). Nats; at least 0, rounding aside.
    """
    return 0.5 * (mu.square() + logvar.exp() - 1 - logvar)


def reparameterise(mu: Tensor, logvar: Tensor, noise: Tensor) -> Tensor:
    """Sample z = μ + σ ⊙ ε of the posterior, through which gradients reach μ and log
    σ².

    `eq-reparameterisation` (thesis, Eq. 20). All (n, D); `noise` is standard normal.
    """
    return mu + (0.5 * logvar).exp() * noise


def total_correlation(discriminator_logits: Tensor) -> Tensor:
    """Density-ratio estimate E[log D(z) − log(1 − D(z))] of KL(q(z) ‖ Π q(z_j)).

    `eq-density-ratio` (thesis, Eq. 31; Kim and Mnih 2018, Eq. 3). Logits (n, 2) of
    sampled codes, column 0 for "from q(z)", column 1 for "permuted". Nats, averaged
    over the batch. An estimate: where the discriminator errs it may fall below 0, which
    the true value never does.
    """
    return (discriminator_logits[:, 0] - discriminator_logits[:, 1]).mean()


def permute_dimensions(z: Tensor, generator: torch.Generator) -> Tensor:
    """Codes (n, D) whose dimensions are shuffled over the batch, each by its own
    permutation.

    A sample of Π q(z_j) up to the size of the batch (thesis, Eq. 30; Kim and Mnih 2018,
    algorithm 1). No gradient flows through it.
    """
    keys = torch.rand(z.shape, generator=generator, device=z.device)
    return permute_by(z, keys)


def permute_by(z: Tensor, keys: Tensor) -> Tensor:
    """`permute_dimensions` in the order of `keys` (n, D), uniform random numbers."""
    return z.detach().gather(0, keys.argsort(dim=0))


def discriminator_loss(joint_logits: Tensor, permuted_logits: Tensor) -> Tensor:
    """Cross-entropy of telling codes from permuted codes, half from each.

    `eq-discriminator` (thesis, Eq. 33 with its sign turned, since we minimise). Logits
    (n, 2) each, class 0 = joint, class 1 = permuted. Nats a code; log 2 for a
    discriminator that guesses.
    """
    # Of two classes the difference counts; softplus keeps gradients that 1 - softmax
    # rounds to 0.
    joint = F.softplus(joint_logits[:, 1] - joint_logits[:, 0])
    permuted = F.softplus(permuted_logits[:, 0] - permuted_logits[:, 1])
    return 0.5 * (joint.mean() + permuted.mean())


def total_correlation_gradient(codes_gradient: Tensor, joint_logits: Tensor) -> Tensor:
    """Gradient (n, D) of `total_correlation` for the codes, from that of
    `discriminator_loss`.

    With two classes, the gradients of both for a code's two logits are multiples of (1,
    -1): 1/n for the total correlation and -p/2n for the loss, p the probability of
    "permuted". Going back through the network is linear, code by code, so the one is
    the other times -2/p, and the discriminator needs one backward pass in place of two.
    Where p is too small for float32 (a log ratio above 80 nats) the loss has no
    gradient left to make it from, and 0 is given in its place.
    """
    permuted = joint_logits.detach().softmax(dim=1)[:, 1:]
    return torch.where(permuted > 1e-35, -2 * codes_gradient / permuted, 0.0)


def loss_weights(model: str, beta: float, gamma: float) -> tuple[float, float]:
    """Weights of the KL term and of the total correlation in the objective of `model`.

    `eq-beta-vae` (thesis, Eq. 27) and `eq-factor-vae` (thesis, Eq. 28). The autoencoder
    has neither term, the VAE is the β-VAE at β = 1.

    >>> loss_weights("factor_vae", beta=4.0, gamma=40.0)
    (1.0, 40.0)
    """
    terms = {
        "autoencoder": (0.0, 0.0),
        "vae": (1.0, 0.0),
        "beta_vae": (beta, 0.0),
        "factor_vae": (1.0, gamma),
    }
    return terms[one_of("model", model, terms)]
