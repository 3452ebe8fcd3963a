"""The objectives against torch.distributions, and the step against the textbook's two
losses.
"""

import math

import pytest
import torch
import torch.nn.functional as F
from small_runs import config
from small_runs import small as small
from torch.distributions import Bernoulli, Normal, kl_divergence

from disentlib.models import objectives
from disentlib.models.networks import Discriminator
from disentlib.seeds import torch_stream
from disentlib.training import history
from disentlib.training.configuration import MODELS
from disentlib.training.state import new_state
from disentlib.training.step import train_step

WEIGHTS = {
    "autoencoder": (0, 0),
    "vae": (1, 0),
    "beta_vae": (6, 0),
    "factor_vae": (1, 35),
}


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def test_reconstruction_sums_over_pixels_and_averages_over_the_batch():
    logits, x = (
        5 * torch.randn(6, 1, 64, 64),
        torch.randint(0, 2, (6, 1, 64, 64)).float(),
    )
    want = -Bernoulli(logits=logits).log_prob(x).sum(dim=(1, 2, 3)).mean()
    torch.testing.assert_close(objectives.bernoulli_reconstruction(logits, x), want)
    untrained = objectives.bernoulli_reconstruction(torch.zeros(6, 1, 64, 64), x)
    assert float(untrained) == pytest.approx(4096 * math.log(2))
    certain = objectives.bernoulli_reconstruction(1e4 * (2 * x - 1), x)
    assert float(certain) == 0


def test_kl_of_each_dimension():
    mu, logvar = 2 * torch.randn(6, 4), 2 * torch.randn(6, 4)
    want = kl_divergence(Normal(mu, (logvar / 2).exp()), Normal(0.0, 1.0))
    torch.testing.assert_close(
        objectives.gaussian_kl(mu, logvar), want, rtol=1e-5, atol=1e-6
    )
    assert not objectives.gaussian_kl(torch.zeros(2, 3), torch.zeros(2, 3)).any()


def test_reparameterised_sample_and_its_gradient():
    mu, logvar = (
        torch.randn(5, 3, requires_grad=True),
        torch.randn(5, 3, requires_grad=True),
    )
    noise = torch.randn(5, 3)
    z = objectives.reparameterise(mu, logvar, noise)
    torch.testing.assert_close(z, mu + logvar.exp().sqrt() * noise)
    z.sum().backward()
    assert torch.equal(mu.grad, torch.ones(5, 3))
    torch.testing.assert_close(logvar.grad, 0.5 * (logvar / 2).exp().detach() * noise)


def test_permuted_codes_keep_their_columns_and_lose_their_rows():
    z = torch.randn(64, 5, requires_grad=True)
    permuted = objectives.permute_dimensions(z, torch_stream(0, "permutations", 1))
    assert torch.equal(permuted.sort(dim=0).values, z.sort(dim=0).values)
    assert not permuted.requires_grad
    rows = torch.stack(
        [
            torch.where(z[:, j] == permuted[i, j])[0][0]
            for i in range(64)
            for j in range(5)
        ]
    ).reshape(64, 5)
    assert all(len(set(row.tolist())) > 1 for row in rows)  # no row came through whole
    assert (
        len({tuple(column) for column in rows.T.tolist()}) == 5
    )  # each its own permutation
    again = objectives.permute_dimensions(z, torch_stream(0, "permutations", 1))
    other = objectives.permute_dimensions(z, torch_stream(0, "permutations", 2))
    assert torch.equal(permuted, again) and not torch.equal(permuted, other)


def test_every_permutation_comes_as_often():
    z = torch.arange(3.0).reshape(3, 1).expand(3, 400)
    columns = objectives.permute_dimensions(z, torch_stream(0, "permutations")).T
    _, counts = columns.unique(dim=0, return_counts=True)
    # 400 draws of 6 kinds: 66.7 each, standard deviation 7.5.
    assert len(counts) == 6 and counts.min() > 36 and counts.max() < 98


def test_total_correlation_is_the_mean_log_ratio_of_the_classes():
    logits = torch.randn(64, 2)
    p = logits.softmax(dim=1)
    want = (p[:, 0].log() - (1 - p[:, 0]).log()).mean()
    torch.testing.assert_close(objectives.total_correlation(logits), want)
    assert float(objectives.total_correlation(logits.flip(1))) == pytest.approx(
        -float(want)
    )


def test_discriminator_loss_is_cross_entropy_half_from_each():
    joint, permuted = 3 * torch.randn(64, 2), 3 * torch.randn(64, 2)
    target = torch.cat([torch.zeros(64), torch.ones(64)]).long()
    want = F.cross_entropy(torch.cat([joint, permuted]), target)
    torch.testing.assert_close(objectives.discriminator_loss(joint, permuted), want)
    guess = objectives.discriminator_loss(torch.ones(4, 2), torch.zeros(4, 2))
    assert float(guess) == pytest.approx(math.log(2))
    # Sure and right, sure and wrong: nothing overflows.
    sure = torch.tensor([[500.0, -500.0]])
    assert float(objectives.discriminator_loss(sure, sure.flip(1))) == 0
    assert float(objectives.discriminator_loss(sure.flip(1), sure)) == 1000


@pytest.mark.parametrize("confidence", [-60, -10, 0, 5, 10, 20, 40, 70])
def test_one_backward_pass_gives_the_total_correlations_gradient(confidence):
    discriminator = Discriminator(3)
    with torch.no_grad():  # moves the log ratio of every code by so many nats
        discriminator[-1].bias += torch.tensor([confidence / 2, -confidence / 2])
    z, permuted = torch.randn(16, 3), torch.randn(16, 3)
    plain = z.clone().requires_grad_()
    objectives.total_correlation(discriminator(plain)).backward()
    codes = z.clone().requires_grad_()
    joint, marginal = discriminator(torch.cat([codes, permuted])).chunk(2)
    objectives.discriminator_loss(joint, marginal).backward(inputs=[codes])
    ours = objectives.total_correlation_gradient(codes.grad, joint)
    assert float((ours - plain.grad).norm() / plain.grad.norm()) < 1e-5


def test_a_log_ratio_beyond_float32_gives_no_gradient_and_no_nan():
    joint = torch.tensor([[100.0, -100.0], [0.0, 0.0]])
    ours = objectives.total_correlation_gradient(torch.tensor([[0.0], [1.0]]), joint)
    assert ours.tolist() == [[0.0], [-4.0]]


@pytest.mark.parametrize("model", MODELS)
def test_weights_of_each_model(model):
    assert objectives.loss_weights(model, beta=6, gamma=35) == WEIGHTS[model]


def textbook(state, x, noise, settings):
    """Both losses as the papers write them, each by autograd alone.

    Discriminator's gradients from its loss on detached codes; the VAE's from its own
    loss through a discriminator that is held fixed.
    """
    kl_weight, tc_weight = WEIGHTS[settings.model]
    mu, logvar = state.vae.encode(x)
    z = mu if settings.model == "autoencoder" else mu + (logvar / 2).exp() * noise
    loss = -Bernoulli(logits=state.vae.decode(z)).log_prob(x).sum(dim=(1, 2, 3)).mean()
    if kl_weight:
        kl = kl_divergence(Normal(mu, (logvar / 2).exp()), Normal(0.0, 1.0))
        loss = loss + kl_weight * kl.sum(dim=1).mean()
    theirs = []
    if settings.model == "factor_vae":
        for parameter in state.discriminator.parameters():
            parameter.requires_grad_(False)
        answers = state.discriminator(z)
        loss = loss + tc_weight * (answers[:, 0] - answers[:, 1]).mean()
        for parameter in state.discriminator.parameters():
            parameter.requires_grad_(True)
        order = torch_stream(settings.seed, "permutations", state.step)
        permuted = objectives.permute_dimensions(z, order)
        target = torch.cat([torch.zeros(len(z)), torch.ones(len(z))]).long()
        answers = state.discriminator(torch.cat([z.detach(), permuted]))
        loss_d = F.cross_entropy(answers, target)
        theirs = torch.autograd.grad(loss_d, list(state.discriminator.parameters()))
    parameters = list(state.vae.parameters())
    ours = torch.autograd.grad(loss, parameters, allow_unused=True)
    return float(loss.detach()), ours, theirs


class Recorder:
    """An optimiser that keeps the gradients it is given and moves nothing."""

    def __init__(self, parameters):
        self.parameters = list(parameters)

    def zero_grad(self, set_to_none=True):
        for parameter in self.parameters:
            parameter.grad = None

    def step(self):
        self.gradients = [parameter.grad for parameter in self.parameters]


@pytest.mark.parametrize("batch_norm", [True, False])
@pytest.mark.parametrize("model", MODELS)
def test_step_takes_the_gradients_of_the_textbook(model, batch_norm, small):
    settings = config(
        model=model, beta=6.0, gamma=35.0, batch_norm=batch_norm, batch_size=16
    )
    state = new_state(settings)
    state.step = 5
    x, noise = small.batch(torch.arange(7, 2400, 150)), torch.randn(16, 3)
    total, vae_gradients, discriminator_gradients = textbook(state, x, noise, settings)
    state.optimisers = [Recorder(state.vae.parameters())]
    if state.discriminator is not None:
        state.optimisers.append(Recorder(state.discriminator.parameters()))
    keys = torch.rand(16, 3, generator=torch_stream(settings.seed, "permutations", 5))
    report = train_step(state, x, noise, keys, settings)
    assert float(report[history.STEP_COLUMNS.index("total")]) == pytest.approx(
        total, rel=1e-5
    )
    recorded = [gradient for o in state.optimisers for gradient in o.gradients]
    wanted = [*vae_gradients, *discriminator_gradients]
    assert len(recorded) == len(wanted)
    scale = max(
        float(gradient.norm()) for gradient in vae_gradients if gradient is not None
    )
    for got, want in zip(recorded, wanted):
        if want is None:  # an autoencoder's variance
            assert got is None
        else:
            # Biases whose gradients cancel are nothing but rounding: hence the scale's
            # share.
            assert (
                float((got - want).norm()) <= 1e-4 * float(want.norm()) + 1e-6 * scale
            )
            assert want.any()


def test_beta_and_gamma_weigh_their_terms(small):
    x, noise = small.batch(torch.arange(16)), torch.randn(16, 3)

    def terms(**changes):
        settings = config(batch_size=16, **changes)
        report = train_step(new_state(settings), x, noise, noise, settings).double()
        values = dict(zip(history.STEP_COLUMNS, report.tolist()))
        return values | {"kl": float(report[len(history.STEP_COLUMNS) :].sum())}

    for beta in (1.0, 4.0, 16.0):
        t = terms(model="beta_vae", beta=beta)
        assert t["total"] == pytest.approx(t["reconstruction"] + beta * t["kl"])
        assert math.isnan(t["total_correlation"])
    for gamma in (0.0, 40.0):
        t = terms(model="factor_vae", gamma=gamma)
        want = t["reconstruction"] + t["kl"] + gamma * t["total_correlation"]
        assert t["total"] == pytest.approx(want)
        assert 0 <= t["discriminator_accuracy"] <= 1
    t = terms(model="autoencoder")
    assert t["total"] == t["reconstruction"] and math.isnan(t["kl"])
    t = terms(model="vae")
    assert t["total"] == pytest.approx(t["reconstruction"] + t["kl"])
