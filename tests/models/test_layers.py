"""A convolution and its ReLU as one operation: the plain layers' values and gradients."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import prune

from disentlib.models import activated as forms
from disentlib.models import patches
from disentlib.models.activated import through
from disentlib.models.layers import OneChannelConv, OneChannelUpconv
from disentlib.models.networks import VAE


@pytest.fixture(params=[torch.float32, torch.bfloat16], ids=str)
def autocast(request):
    """The library's own way into a precision."""
    low = request.param == torch.bfloat16
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
    ours, theirs = through(network, x), network(x)
    assert ours.dtype == theirs.dtype == autocast and torch.equal(ours, theirs)
    found = [gradients(y, [x, *network.parameters()]) for y in (ours, theirs)]
    for name, one, other in zip(["x", *dict(network.named_parameters())], *found):
        bias = name.endswith("bias")  # the one part that is summed in another order
        share = {torch.float32: 1e-6, torch.bfloat16: 1e-2}[autocast] * bias
        atol = share * float(other.abs().max())
        torch.testing.assert_close(one, other, rtol=0, atol=atol)


@pytest.mark.parametrize("size", [(16, 16), (10, 7)])
def test_halving_layers_are_the_plain_ones(autocast, size):
    """Small images, whose weights' gradients are products of patches in bfloat16."""
    torch.manual_seed(0)
    down, up = nn.Conv2d(3, 8, 4, 2, 1), nn.ConvTranspose2d(8, 5, 4, 2, 1)
    network = nn.Sequential(down, nn.ReLU(), up, nn.ReLU())
    x = torch.randn(6, 3, *size).requires_grad_()
    found = []
    for y in (through(network, x), network(x)):
        found.append([y.detach().float(), *gradients(y, [x, *network.parameters()])])
    for one, other in zip(*found):
        atol = (1e-5 if autocast == torch.float32 else 1e-2) * float(other.abs().max())
        torch.testing.assert_close(one, other, rtol=0, atol=atol)


def test_the_last_layer_is_the_transposed_convolution(autocast):
    torch.manual_seed(0)
    ours, theirs = OneChannelUpconv(8), nn.ConvTranspose2d(8, 1, 4, 2, 1)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(3, 8, 5, 6).requires_grad_()
    found = []
    for layer in (ours, theirs):
        y = layer(x)
        found.append([y.detach().float(), *gradients(y, [x, *layer.parameters()])])
    for one, other in zip(*found):
        atol = (1e-6 if autocast == torch.float32 else 2e-2) * float(other.abs().max())
        torch.testing.assert_close(one, other, rtol=0, atol=atol)


@pytest.mark.parametrize("data", [True, False], ids=["images", "a gradient for them"])
@pytest.mark.parametrize("relu", [True, False])
@pytest.mark.parametrize("size", [(10, 12), (7, 12), (10, 9)])
def test_the_first_layer_is_the_convolution(autocast, data, relu, size):
    torch.manual_seed(0)
    ours, theirs = OneChannelConv(8), nn.Conv2d(1, 8, 4, 2, 1)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(3, 1, *size).requires_grad_(not data)
    found = []
    for layer in (ours, theirs):
        y = through(nn.Sequential(layer, *[nn.ReLU()] * relu), x)
        of = [*layer.parameters()] if data else [x, *layer.parameters()]
        found.append([y.detach().float(), *gradients(y, of)])
    for one, other in zip(*found):
        assert one.shape == other.shape and one.dtype == other.dtype
        atol = (1e-6 if autocast == torch.float32 else 2e-2) * float(other.abs().max())
        torch.testing.assert_close(one, other, rtol=0, atol=atol)


@pytest.mark.parametrize("relu", [True, False])
@pytest.mark.parametrize("channels", [0, 3])
def test_images_of_other_channels_are_refused(autocast, relu, channels):
    network = nn.Sequential(OneChannelConv(8), *[nn.ReLU()] * relu)
    with pytest.raises(RuntimeError, match=f"{channels} channels"):
        through(network, torch.zeros(2, channels, 8, 8))


@pytest.mark.parametrize("shape", [(1, 2, 2), (3, 6, 10), (2, 64, 64)])
def test_patches_are_cut_and_added_up(shape):
    n, height, width = shape
    size = height // 2, width // 2
    x = torch.randn(n, 1, height, width).bfloat16()
    x[-1, 0, 0, -1] = torch.nan
    cut = F.unfold(x, 4, padding=1, stride=2).view(n, 16, *size)
    torch.testing.assert_close(
        patches.cut(F.pad(x, (1, 1, 1, 1))), cut, rtol=0, atol=0, equal_nan=True
    )
    columns = torch.randn(n, 16, *size).bfloat16()
    whole = columns.float().flatten(2)
    images = F.fold(whole, (height, width), 4, padding=1, stride=2)
    planes = columns.transpose(0, 1).reshape(4, 4, n, *size)
    torch.testing.assert_close(patches.added(planes), images)


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


@pytest.mark.parametrize("low", [False, True])
def test_what_is_not_a_number_stays_so(low):
    """oneDNN's own ReLU makes it 0, so that a run that has diverged would go on."""
    network, x = layers(), torch.randn(2, 3, 8, 8)
    with torch.no_grad():
        network[0].weight[0] = torch.nan
    with torch.autocast("cpu", torch.bfloat16, enabled=low):
        assert through(network, x).isnan().all()
        x = torch.full((2, 1, 8, 8), torch.nan)
        y = through(nn.Sequential(OneChannelConv(8), nn.ReLU()), x)
        assert y.isnan().all() and OneChannelUpconv(8)(y).isnan().all()


def test_relu_of_whole_numbers_is_relu_of_every_number_of_bfloat16():
    every = torch.arange(-(2**15), 2**15).to(torch.int16).view(torch.bfloat16)
    ours, theirs = forms.relu_(every.clone()), every.relu()
    torch.testing.assert_close(ours, theirs, rtol=0, atol=0, equal_nan=True)
    gradient = torch.ones_like(every)
    masked = torch.ops.aten.threshold_backward(gradient, theirs, 0)
    assert torch.equal(forms.masked_(gradient.clone(), ours), masked)


def test_none_and_double_precision_pass():
    for x in (torch.randn(0, 3, 8, 8), torch.randn(2, 3, 8, 8).double()):
        network = layers().to(x.dtype)
        assert torch.equal(through(network, x), network(x))


def test_hooks_are_called_and_hooked_weights_are_theirs():
    network, x, seen = layers(), torch.randn(2, 3, 8, 8), []
    network[1].register_forward_hook(lambda *given: seen.append(given))
    through(network, x)
    assert len(seen) == 1
    pruned = layers()
    prune.l1_unstructured(pruned[0], "weight", 0.5)
    pruned[0].weight_orig.data.mul_(2)
    assert torch.equal(through(pruned, x), pruned(x))


def test_a_second_derivative_is_that_of_the_layers():
    network, x = layers().double(), torch.randn(2, 3, 8, 8).double().requires_grad_()
    found = []
    for y in (through(network, x), network(x)):
        (first,) = torch.autograd.grad(y.pow(2).sum(), x, create_graph=True)
        found.append(torch.autograd.grad(first.pow(2).sum(), x)[0])
    torch.testing.assert_close(*found)


@pytest.mark.parametrize("last", [nn.Identity(), OneChannelUpconv(8)])
def test_a_second_derivative_sees_the_weights_through_autocasts_cast(last):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 8, 4, 2, 1), nn.ReLU(), last)
    x, found = torch.randn(4, 3, 8, 8), []
    for low in (True, False):
        with torch.autocast("cpu", torch.bfloat16, enabled=low):
            y = through(network, x)
            weights = [w for w in network.parameters() if w.dim() > 1]
            first = torch.autograd.grad(
                y.float().pow(2).sum(), weights, create_graph=True
            )
        penalty = sum(g.pow(2).sum() for g in first)
        found.append(torch.autograd.grad(penalty, weights))
    for one, exact in zip(*found):
        assert one.dtype == torch.float32
        assert float((one - exact).norm()) < 0.02 * float(exact.norm())


@pytest.mark.parametrize("padding", ["same", (1, 1)])
def test_other_settings_are_the_layers_own(padding):
    conv = nn.Conv2d(3, 4, 3, padding=padding, padding_mode="reflect")
    network, x = nn.Sequential(conv, nn.ReLU()), torch.randn(2, 3, 8, 8)
    assert torch.equal(through(network, x), network(x))
    conv.padding_mode = "zeros"
    assert torch.equal(through(network, x), network(x))


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
