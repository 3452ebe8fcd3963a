"""Every faster form is the plain form: same values, same gradients, same names of
weights.
"""

import copy
import platform
import subprocess
import sys

import pytest
import torch
from torch import nn

from disentlib.models import objectives
from disentlib.models.layers import OneChannelConv, OneChannelUpconv
from disentlib.models.networks import VAE, Discriminator
from disentlib.training.configuration import TrainingConfig
from disentlib.training.state import new_state
from disentlib.training.step import train_step

D = 10


def plain(vae: nn.Module) -> nn.Module:
    """A copy in the default layout whose layers are torch's own."""
    vae = copy.deepcopy(vae).to(memory_format=torch.contiguous_format)
    for layer in vae.modules():
        if isinstance(layer, OneChannelUpconv):
            layer.__class__ = nn.ConvTranspose2d
        if isinstance(layer, OneChannelConv):
            layer.__class__ = nn.Conv2d
    return vae


def close(actual: torch.Tensor, expected: torch.Tensor) -> None:
    """Equal up to float64's rounding, as a share of the largest value.

    In float32 a ReLU near 0 may open in one layout and stay shut in the other, which
    batch norm spreads over the batch.
    """
    actual, expected = actual.detach(), expected.detach()
    atol = 1e-8 * float(expected.abs().max()) + 1e-12
    torch.testing.assert_close(actual, expected, rtol=0, atol=atol)


@pytest.mark.parametrize("shape", [(1, 3, 1, 1), (2, 5, 3, 4), (7, 32, 32, 32)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_upconv_is_the_transposed_convolution(shape, layout):
    torch.manual_seed(0)
    ours = OneChannelUpconv(shape[1]).double()
    theirs = nn.ConvTranspose2d(shape[1], 1, 4, stride=2, padding=1).double()
    theirs.load_state_dict(ours.state_dict())
    ours = ours.to(memory_format=layout)
    x = torch.randn(shape, dtype=torch.float64).contiguous(memory_format=layout)
    inputs = [
        x.clone(memory_format=torch.preserve_format).requires_grad_() for _ in range(2)
    ]
    outputs = [layer(x) for layer, x in zip((ours, theirs), inputs)]
    torch.testing.assert_close(outputs[0], outputs[1], rtol=1e-12, atol=1e-12)
    weights = torch.randn(outputs[0].shape, dtype=torch.float64)
    gradients = [
        torch.autograd.grad((weights * y).sum(), [x, *layer.parameters()])
        for layer, x, y in zip((ours, theirs), inputs, outputs)
    ]
    for one, other in zip(*gradients):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("batch_norm", [True, False])
def test_networks_of_a_run_are_the_plain_ones(batch_norm):
    config = TrainingConfig(model="vae", D=D, seed=3, steps=1, batch_norm=batch_norm)
    vae = new_state(config).vae.double()
    theirs = plain(vae)
    assert list(vae.state_dict()) == list(VAE(D, batch_norm).state_dict())
    x, noise = (torch.rand(16, 1, 64, 64) < 0.1).double(), torch.randn(16, D).double()
    for network in (vae, theirs):
        mu, logvar = network.encode(x)
        logits = network.decode(objectives.reparameterise(mu, logvar, noise))
        loss = objectives.bernoulli_reconstruction(logits, x)
        (loss + objectives.gaussian_kl(mu, logvar).mean(dim=0).sum()).backward()
        network.outputs = mu, logvar, logits
    for one, other in zip(vae.outputs, theirs.outputs):
        close(one, other)
    for (name, one), other in zip(vae.named_parameters(), theirs.parameters()):
        assert one.grad is not None, name
        close(one.grad, other.grad)
    for one, other in zip(vae.buffers(), theirs.buffers()):
        close(one, other)


def textbook_gradients(
    vae: nn.Module,
    discriminator: nn.Module,
    x: torch.Tensor,
    noise: torch.Tensor,
    permuted,
) -> list[torch.Tensor]:
    """FactorVAE with a backward pass for each loss, each through its own
    forward pass.
    """
    mu, logvar = vae.encode(x)
    z = objectives.reparameterise(mu, logvar, noise)
    loss = objectives.bernoulli_reconstruction(vae.decode(z), x)
    loss = loss + objectives.gaussian_kl(mu, logvar).mean(dim=0).sum()
    loss = loss + 40 * objectives.total_correlation(discriminator(z))
    gradients = torch.autograd.grad(loss, list(vae.parameters()))
    told = objectives.discriminator_loss(
        discriminator(z.detach()), discriminator(permuted)
    )
    return [*gradients, *torch.autograd.grad(told, list(discriminator.parameters()))]


@pytest.mark.parametrize("batch_norm", [True, False])
def test_one_pass_of_the_discriminator_serves_both_losses(batch_norm):
    config = TrainingConfig(
        model="factor_vae", D=D, seed=5, steps=1, batch_size=16, batch_norm=batch_norm
    )
    state = new_state(config)
    vae = plain(state.vae.double())
    discriminator = copy.deepcopy(state.discriminator.double())
    for layer in discriminator:
        if isinstance(layer, nn.LeakyReLU):
            layer.inplace = False
    assert list(discriminator.state_dict()) == list(Discriminator(D).state_dict())
    x, noise = (torch.rand(16, 1, 64, 64) < 0.1).double(), torch.randn(16, D).double()
    keys = torch.rand(16, D)
    train_step(state, x, noise, keys, config)
    permuted = objectives.permute_by(
        objectives.reparameterise(*vae.encode(x), noise), keys
    )
    expected = textbook_gradients(vae, discriminator, x, noise, permuted)
    parameters = [*state.vae.parameters(), *state.discriminator.parameters()]
    assert len(parameters) == len(expected)
    for parameter, gradient in zip(parameters, expected):
        close(parameter.grad, gradient)


FAULTS_PROGRAM = """
import resource, torch
from disentlib.training.configuration import TrainingConfig
from disentlib.training.machine import keep_freed_memory
from disentlib.training.state import new_state
from disentlib.training.step import train_step
torch.set_num_threads(1)
config = TrainingConfig(model="vae", D=10, seed=0, steps=1)
state, x, noise = new_state(config), torch.zeros(16, 1, 64, 64), torch.zeros(16, 10)
def faults(warm_up):
    for _ in range(warm_up):
        train_step(state, x, noise, noise, config)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(3):
        train_step(state, x, noise, noise, config)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(faults(1), keep_freed_memory(), faults(6))
"""


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="another allocator than glibc's"
)
def test_a_step_faults_no_memory_in():
    output = subprocess.check_output([sys.executable, "-c", FAULTS_PROGRAM], text=True)
    given_back, kept, faults = output.split()
    assert kept == "True"
    assert int(faults) < 0.1 * int(given_back)
