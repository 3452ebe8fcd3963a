"""A linear β-VAE on Gaussian data: its objective exactly, its optimum, its curvature.

`thm-linear-beta` in the book. What a model does whose best is known tells what an
optimiser does to it.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from disentlib.seeds import torch_stream


@dataclass(frozen=True)
class LinearProblem:
    """Gaussian data of covariance eigenvalues (n,), along axes (n, n), a β, a noise s².

    `axes` holds eigenvectors in columns.
    """

    eigenvalues: Tensor
    axes: Tensor
    beta: float = 4.0
    noise: float = 0.25

    @property
    def covariance(self) -> Tensor:
        """The covariance of the data (n, n)."""
        return (self.axes * self.eigenvalues) @ self.axes.T

    @property
    def price(self) -> float:
        """τ = β s²: a direction of the data pays if its variance is above it."""
        return self.beta * self.noise

    def optimal_kl(self, D: int) -> Tensor:
        """Nats (D,) of each dimension at the optimum, as `eq-linear-beta` has them."""
        nats = (0.5 * torch.log(self.eigenvalues / self.price)).clamp(min=0)
        nats = nats.sort(descending=True).values[:D]
        return torch.cat([nats, nats.new_zeros(max(0, D - len(nats)))])

    def optimal_objective(self, D: int) -> float:
        """The least value of `objective` with D dimensions, in nats."""
        nats = self.optimal_kl(D)
        used = int((nats > 0).sum())
        ordered = self.eigenvalues.sort(descending=True).values
        error = used * self.price + ordered[used:].sum()
        return float(error / (2 * self.noise) + self.beta * nats.sum())


def random_problem(seed: int, beta: float = 4.0) -> LinearProblem:
    """Twelve dimensions, each with about half the variance of the one before, along
    random axes.
    """
    values = [24, 12, 6, 3, 1.5, 0.75, 0.4, 0.2, 0.1, 0.05, 0.02, 0.01]
    generator = torch_stream(seed, "designs: linear problem")
    axes = torch.linalg.qr(torch.randn(12, 12, generator=generator))[0]
    return LinearProblem(torch.tensor(values), axes, beta)


@dataclass(frozen=True)
class LinearVAE:
    """Encoder (n, D), decoder (D, n) and log-variances (D,); D dimensions for n."""

    encoder: Tensor
    decoder: Tensor
    log_variance: Tensor

    def kl(self, problem: LinearProblem) -> Tensor:
        """Average KL divergence (D,) of each dimension, in nats: `eq-gaussian-kl`."""
        energy = (self.encoder * (problem.covariance @ self.encoder)).sum(dim=0)
        variance = self.log_variance.exp()
        return 0.5 * (energy + variance - 1 - self.log_variance)

    def objective(self, problem: LinearProblem) -> Tensor:
        """`eq-beta-vae` averaged over data and noise, in nats, without its constant."""
        rest = torch.eye(len(problem.eigenvalues)) - self.encoder @ self.decoder
        error = (rest * (problem.covariance @ rest)).sum()
        error = error + self.log_variance.exp() @ self.decoder.square().sum(dim=1)
        return error / (2 * problem.noise) + problem.beta * self.kl(problem).sum()


def random_model(n: int, D: int, seed: int) -> LinearVAE:
    """A start near the prior: weights of standard deviation 0.3, variances of 1."""
    generator = torch_stream(seed, "initialisation")
    encoder = 0.3 * torch.randn(n, D, generator=generator)
    decoder = 0.3 * torch.randn(D, n, generator=generator)
    parts = (encoder, decoder, torch.zeros(D))
    return LinearVAE(*(part.requires_grad_() for part in parts))


def idle_curvature(problem: LinearProblem) -> Tensor:
    """The smaller curvature (n,) of the objective at an idle dimension, by axis.

    Around encoder = decoder = 0 and variance 1, a direction of variance λ that no other
    dimension codes has the Hessian [[βλ, -λ/s²], [-λ/s², 1/s²]] in the dimension's
    encoder and decoder along it. Its determinant is λ (τ - λ) / s⁴: negative for λ > τ,
    so that the dimension wakes up, and positive, but small, below: it falls asleep
    slowly.
    """
    own, noise = problem.eigenvalues, problem.noise
    half = (problem.beta * own + 1 / noise) / 2
    determinant = own * (problem.price - own) / noise**2
    return half - (half.square() - determinant).sqrt()
