"""A convolution and its ReLU as one operation: the plain layers' values and gradients."""

import copy

import pytest
import torch
from torch import nn

from disentlib.models import layers as forms
from disentlib.models.layers import has_kernel, through
from disentlib.models.networks import VAE

EXACT = {"rtol": 0, "atol": 0}
KINDS = [torch.float32, torch.bfloat16]
NATIVE = torch.ops.mkldnn._is_mkldnn_bf16_supported()


@pytest.fixture(params=KINDS, ids=str)
def autocast(request):
    """The library's own way into a precision."""
    low = request.param == torch.bfloat16
    if low and not NATIVE:
        pytest.skip("this processor has no bfloat16 kernels")
    with torch.autocast("cpu", torch.bfloat16, enabled=low):
        yield request.param


def layers(seed: int = 0) -> nn.Sequential:
    """A convolution and a transposed one with other settings than the study's."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, stride=2, padding=1, groups=1),
        nn.ReLU(),
        nn.ConvTranspose2d(16, 8, 3, stride=2, padding=1, output_padding=1),
        nn.ReLU(),
        nn.Conv2d(8, 4, 1),
    )


def gradients(output: torch.Tensor, of: list[torch.Tensor]) -> list[torch.Tensor]:
    """Of a fixed mixture of the outputs."""
    torch.manual_seed(1)
    mixture = torch.randn(output.shape)
    return list(torch.autograd.grad((output.float() * mixture).sum(), of))


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_it_is_the_plain_layers(autocast, layout):
    network = layers().to(memory_format=layout)
    x = torch.randn(5, 3, 12, 10).requires_grad_()
    assert all(has_kernel(network[i], x) for i in (0, 2, 4))
    ours, plain = through(network, x), network(x)
    assert ours.dtype == plain.dtype == autocast and torch.equal(ours, plain)
    found = [gradients(y, [x, *network.parameters()]) for y in (ours, plain)]
    rounding = {"rtol": 2e-2, "atol": 0.2} if autocast == torch.bfloat16 else {}
    for name, one, other in zip(["x", *dict(network.named_parameters())], *found):
        bias = name.endswith("bias")  # the one part that is summed in another order
        torch.testing.assert_close(one, other, **(rounding if bias else EXACT))


def test_a_bias_has_the_gradient_of_double_precision():
    network, exact = layers(), layers().double()
    x = torch.randn(5, 3, 12, 10)
    ours = gradients(through(network, x), list(network.parameters()))
    theirs = gradients(exact(x.double()), list(exact.parameters()))
    for one, other in zip(ours, theirs):
        torch.testing.assert_close(one.double(), other, rtol=1e-5, atol=1e-4)


def test_what_needs_no_gradient_gets_none():
    network, x = layers(), torch.randn(2, 3, 8, 8)  # images are data
    through(network, x).sum().backward()
    assert x.grad is None and all(p.grad is not None for p in network.parameters())
    network[0].requires_grad_(False)
    network.zero_grad(set_to_none=True)
    through(network, x.requires_grad_()).sum().backward()
    assert network[0].weight.grad is None and network[0].bias.grad is None
    assert x.grad is not None and network[2].weight.grad is not None


@pytest.mark.parametrize(
    "x", [torch.randn(0, 3, 8, 8), torch.randn(2, 3, 8, 8).double()]
)
def test_elsewhere_the_layers_are_themselves(x):
    network = layers().to(x.dtype)
    assert not has_kernel(network[0], x)
    assert torch.equal(through(network, x), network(x))


def test_where_onednn_is_not_there_the_layers_are_themselves(monkeypatch):
    network, x = layers(), torch.randn(2, 3, 8, 8)
    assert has_kernel(network[0], x) and not has_kernel(nn.ReLU(), x)
    ours = through(network, x)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert not has_kernel(network[0], x)
    assert torch.equal(ours, through(network, x))


def test_the_study_without_batch_norm_takes_it_wherever_a_relu_follows(monkeypatch):
    taken, one = [], forms._Activated.apply

    def apply(*given):
        taken.append(given)
        return one(*given)

    monkeypatch.setattr(forms._Activated, "apply", apply)
    for batch_norm in (False, True):
        vae = VAE(4, batch_norm)
        vae.decode(vae.encode(torch.rand(2, 1, 64, 64))[0])
        assert len(taken) == (0 if batch_norm else 7)
        taken.clear()


def test_a_copy_and_a_second_pass_are_the_same_to_the_bit():
    network, x = layers(), torch.randn(4, 3, 16, 16)
    twice = [
        gradients(through(n, x), list(n.parameters()))
        for n in (network, copy.deepcopy(network))
    ]
    assert all(torch.equal(one, other) for one, other in zip(*twice))


def test_a_gradient_that_is_given_stays_as_it_was():
    network, x = layers()[:4], torch.randn(4, 3, 16, 16)
    y = through(network, x)
    given = torch.randn(y.shape)
    kept = given.clone()
    y.backward(given)
    assert torch.equal(given, kept)
