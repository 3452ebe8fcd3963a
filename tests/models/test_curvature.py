"""The curvature along a dimension: measured by differences, told by the posterior."""

import pytest
import torch
import torch.nn.functional as F
from scipy.optimize import minimize_scalar

from disentlib.models.curvature import measured_curvature, told_curvature
from disentlib.models.linear import random_problem
from disentlib.models.networks import VAE

LOGITS = torch.linspace(-1, 1, 5 * 64 * 64).view(5, 1, 64, 64)


class Drawn:
    """A posterior that is given, and a decoder that is a formula."""

    training = False

    def __init__(self, mu, logvar, decode):
        self.posterior, self.decode = (mu, logvar), decode

    def encode(self, x):
        return self.posterior


def test_differences_are_the_second_derivative():
    """Logits a z: p(1 − p) a² a pixel, which at z = 0 is a²/4."""
    scale = torch.tensor([1.0, 3.0, 0.0])
    mu, logvar = torch.zeros(5, 3), torch.full((5, 3), -8.0)

    def decode(z):
        return (z @ scale).view(-1, 1, 1, 1).expand(-1, 1, 64, 64)

    x = (torch.rand(5, 1, 64, 64) > 0.5).float()
    found, _ = measured_curvature(Drawn(mu, logvar, decode), x, torch.zeros(1, 5, 3))
    want = 64 * 64 * scale.double().square() / 4
    torch.testing.assert_close(found, want, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("beta", [1.0, 4.0])
def test_the_best_variance_tells_the_curvature_of_a_curved_decoder(beta):
    """One dimension and a decoder that is no line: σ is found by trying, and then the
    two sides agree though neither knows of the other.
    """
    torch.manual_seed(0)
    x = (torch.rand(1, 1, 64, 64) > 0.5).float()
    slopes = torch.randn(64 * 64) / 10
    mu = torch.tensor([[0.7]])
    # As many draws as the mean over a Gaussian needs, at its quantiles.
    noise = torch.distributions.Normal(0, 1).icdf((torch.arange(100) + 0.5) / 100)

    def decode(z):
        return (torch.tanh(z * slopes) + 0.3 * z.square()).view(-1, 1, 64, 64)

    def objective(logvar):
        z = mu + (0.5 * logvar).exp() * noise[:, None]
        images = x.expand(100, -1, -1, -1)
        nats = F.binary_cross_entropy_with_logits(decode(z), images, reduction="none")
        kl = 0.5 * (mu.square() + logvar.exp() - 1 - logvar).sum()
        return nats.sum(dim=(1, 2, 3)).mean() + beta * kl

    tried = minimize_scalar(
        lambda value: float(objective(torch.tensor(value))), bounds=(-10, 2)
    )
    assert -9 < tried.x < 1  # not at the end of what was tried
    best = torch.full((1, 1), tried.x)
    vae, twice = (
        Drawn(mu.expand(2, 1), best.expand(2, 1), decode),
        x.expand(2, -1, -1, -1),
    )
    draws = noise.view(100, 1, 1).expand(100, 2, 1)
    found, _ = measured_curvature(vae, twice, draws)
    want = told_curvature(best, beta)
    torch.testing.assert_close(found, want, rtol=0.03, atol=0.0)


def test_the_linear_optimum_has_the_decoders_own_curvature():
    problem = random_problem(0)
    used = problem.eigenvalues[problem.eigenvalues > problem.price]
    logvar = (problem.price / used).log()
    want = (used - problem.price) / problem.noise  # squared weights over the noise
    found = told_curvature(logvar.view(1, -1), problem.beta)
    torch.testing.assert_close(found, want.double(), rtol=1e-5, atol=0)


def test_an_idle_dimension_is_flat_by_both():
    vae = Drawn(torch.zeros(5, 2), torch.zeros(5, 2), lambda z: 0 * z.sum() + LOGITS)
    found, _ = measured_curvature(vae, (LOGITS > 0).float(), torch.randn(2, 5, 2))
    assert found.tolist() == told_curvature(torch.zeros(3, 2), 4.0).tolist() == [0, 0]


def test_one_number_added_to_all_variances_is_told_by_a_weighted_mean():
    """Images of other variances, and what is added to all of them the best together:
    a mean of the curvature without weights would be another.
    """
    torch.manual_seed(1)
    x, mu = (torch.rand(8, 1, 64, 64) > 0.5).float(), torch.randn(8, 1)
    own = torch.linspace(-1.5, 1.5, 8).view(8, 1)
    slopes = torch.randn(64 * 64) / 10
    noise = torch.distributions.Normal(0, 1).icdf((torch.arange(50) + 0.5) / 50)

    def decode(z):
        return torch.tanh(z * slopes).view(-1, 1, 64, 64) + 0.1 * z.view(-1, 1, 1, 1)

    def objective(added):
        logvar = own + added
        nats = [
            F.binary_cross_entropy_with_logits(
                decode(mu + (0.5 * logvar).exp() * e), x, reduction="sum"
            )
            for e in noise
        ]
        kl = 0.5 * (logvar.exp() - 1 - logvar).sum()
        return float(torch.stack(nats).mean() + 4 * kl)

    tried = minimize_scalar(objective, bounds=(-10, 2))
    assert -9 < tried.x < 1
    logvar = own + tried.x
    draws = noise.view(50, 1, 1).expand(50, 8, 1)
    found, error = measured_curvature(Drawn(mu, logvar, decode), x, draws)
    want = told_curvature(logvar, 4.0)
    torch.testing.assert_close(found, want.double(), rtol=0.03, atol=0.0)
    unweighted = 4 * (1 / logvar.exp().double() - 1).mean()
    assert unweighted > 1.1 * want.item() and 0 < error.item() < want.item()


def test_the_error_of_the_mean_is_that_over_images():
    """Logits a z with a of its own for each image: σ² h is p(1 − p) a² σ² a pixel."""
    scale = torch.tensor([1.0, 2.0, 4.0])
    mu, logvar = torch.zeros(3, 1), torch.full((3, 1), -8.0)

    def decode(z):
        return (scale * z[:, 0]).view(3, 1, 1, 1).expand(-1, 1, 64, 64)

    x = (torch.rand(3, 1, 64, 64) > 0.5).float()
    found, error = measured_curvature(
        Drawn(mu, logvar, decode), x, torch.zeros(1, 3, 1)
    )
    each = 64 * 64 * scale.double().square() / 4
    torch.testing.assert_close(found[0], each.mean(), rtol=1e-3, atol=0)
    torch.testing.assert_close(error[0], each.std() / 3**0.5, rtol=1e-3, atol=0)


def test_a_network_in_training_is_refused():
    with pytest.raises(ValueError, match="in training mode; call its eval"):
        measured_curvature(VAE(2), LOGITS, torch.zeros(1, 5, 2))
