"""Layers on windows around what is not black: values and gradients of whole images."""

import numpy as np
import pytest
import torch
from torch import nn
from torch._subclasses import FakeTensorMode
from torch.fx.experimental.proxy_tensor import make_fx

from disentlib.models import windows
from disentlib.models.activated import through
from disentlib.models.layers import OneChannelConv
from disentlib.models.networks import VAE

LAYOUTS = [torch.contiguous_format, torch.channels_last]


@pytest.fixture(autouse=True)
def of_any_number(monkeypatch):
    monkeypatch.setattr(windows, "FEWEST", 1)


def encoder(
    seed: int = 0,
    kind: torch.dtype = torch.float64,
    layout: torch.memory_format = torch.channels_last,
) -> nn.Sequential:
    """Biases are not small, so that black images are no zeros."""
    torch.manual_seed(seed)
    network = VAE(3, batch_norm=False).features.to(kind)
    for layer in (network[0], network[2]):
        nn.init.normal_(layer.bias)
    return network.to(memory_format=layout)


def images(seed: int, count: int = 6, largest: int = 24) -> torch.Tensor:
    """Rectangles of noise anywhere on black, also at the border."""
    rng = np.random.default_rng(seed)
    x = torch.zeros(count, 1, 64, 64)
    for image in x:
        height, width = rng.integers(1, largest + 1, 2)
        top, left = rng.integers(0, 65 - height), rng.integers(0, 65 - width)
        noise = torch.from_numpy(rng.integers(0, 2, (height, width)))
        image[0, top : top + height, left : left + width] = noise
        image[0, top, left] = 1
    return x


def answers(way, network, x):
    """Features, and the gradients of a fixed mixture of them."""
    features = way(network, x)
    torch.manual_seed(1)
    mixture = torch.randn(features.shape)
    loss = (features.double() * mixture).sum()
    return features.detach(), *torch.autograd.grad(loss, list(network.parameters()))


def agree(network, x, share: float) -> None:
    assert windows.fits(network, x) and windows.around(x) is not None
    pairs = zip(answers(windows.features, network, x), answers(through, network, x))
    for one, other in pairs:
        assert one.shape == other.shape and one.dtype == other.dtype
        atol = share * float(other.abs().max())
        torch.testing.assert_close(one, other, rtol=0, atol=atol)


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
@pytest.mark.parametrize("seed", range(20))
def test_it_is_the_encoder_wherever_the_white_is(seed, layout):
    agree(encoder(seed, layout=layout), images(seed).double(), 1e-12)


@pytest.mark.parametrize("corner", [(0, 0), (0, 40), (40, 0), (40, 40), (20, 0)])
def test_it_is_the_encoder_at_the_border(corner):
    x = torch.zeros(3, 1, 64, 64, dtype=torch.float64)
    x[:, 0, corner[0] : corner[0] + 24, corner[1] : corner[1] + 24] = 1
    agree(encoder(), x, 1e-12)


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16], ids=str)
def test_it_is_the_encoder_in_the_precision_of_training(kind, layout):
    low = kind == torch.bfloat16
    with torch.autocast("cpu", torch.bfloat16, enabled=low):
        network = encoder(kind=torch.float32, layout=layout)
        agree(network, images(0, 64), 2e-2 if low else 1e-5)


def test_single_pixels_see_the_smallest_windows():
    for row in (0, 1, 2, 3, 31, 32, 61, 62, 63):
        x = torch.zeros(8, 1, 64, 64, dtype=torch.float64)
        for image, column in zip(x, (0, 1, 2, 30, 33, 61, 62, 63)):
            image[0, row, column] = 1
        assert windows.around(x).size <= 3
        agree(encoder(), x, 1e-12)


@pytest.mark.parametrize("value", [-1.0, torch.nan, torch.inf])
def test_other_values_than_white_are_seen(value):
    """A window is around all that is not black, so that no wrong value is hidden."""
    x = images(0)
    x[0, 0, 63, 63] = value
    whole = windows.around(x)
    assert whole is None or whole.size > windows.around(images(0)).size
    x = torch.zeros(2, 1, 64, 64)
    x[:, :, 40, 40] = value
    found, network = windows.around(x), encoder(kind=torch.float32)
    features = through(network, x), windows.features(network, x)
    assert found is not None
    torch.testing.assert_close(*features, equal_nan=True, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "x",
    [
        torch.zeros(2, 1, 64, 64),  # nothing there to be around
        torch.ones(2, 1, 64, 64),
        images(0, 3, largest=5).requires_grad_(),
        torch.zeros(0, 1, 64, 64),
    ],
    ids=["black", "white", "a gradient for images", "none"],
)
def test_other_images_are_computed_whole(monkeypatch, x):
    monkeypatch.setattr(windows, "on_windows", None)
    network = encoder(kind=torch.float32)
    assert torch.equal(windows.features(network, x), through(network, x))


def test_hooks_are_called_and_batch_norm_sees_whole_images(monkeypatch):
    monkeypatch.setattr(windows, "on_windows", None)
    x, seen = images(0), []
    windows.features(VAE(3, batch_norm=True).features, x)
    network = encoder(kind=torch.float32)
    network[1].register_forward_hook(lambda *given: seen.append(given))
    windows.features(network, x)
    assert len(seen) == 1


def test_a_second_derivative_is_that_of_whole_images():
    network, x, found = encoder(), images(3).double(), []
    weights = [network[0].weight, network[2].weight]
    for way in (windows.features, through):
        loss = way(network, x).pow(2).sum()
        first = torch.autograd.grad(loss, weights, create_graph=True)
        penalty = sum(g.pow(2).sum() for g in first)
        found.append(torch.autograd.grad(penalty, weights))
    for one, other in zip(*found):
        scale = float(other.detach().abs().max())
        torch.testing.assert_close(one, other, rtol=0, atol=1e-11 * scale)


def test_what_needs_no_gradient_gets_none():
    network, x = encoder(), images(0).double()
    network[0].requires_grad_(False)
    windows.features(network, x).sum().backward()
    assert network[0].weight.grad is None and network[2].weight.grad is not None


@pytest.mark.filterwarnings("ignore")
def test_who_records_or_counts_operations_sees_whole_images():
    """A recording would keep the places of the windows it was made with."""
    network = encoder(kind=torch.float32).requires_grad_(False)
    one, other = images(0), images(1)

    def given(x):
        return windows.features(network, x)

    for recorded in (torch.jit.trace(given, one), make_fx(given)(one)):
        torch.testing.assert_close(recorded(other), through(network, other))
    with FakeTensorMode(allow_non_fake_inputs=True):
        assert given(torch.zeros(6, 1, 64, 64)).shape == (6, 128)


def test_few_images_are_computed_whole(monkeypatch):
    network = encoder()
    monkeypatch.setattr(windows, "FEWEST", 6)
    assert windows.fits(network, images(0)) and not windows.fits(network, images(0)[1:])


class Doubled(OneChannelConv):
    def forward(self, x):
        return 2 * super().forward(x)


def other_networks():
    """Encoders whose first layers are others, which are what they are."""
    yield nn.Sequential(encoder(kind=torch.float32))
    yield nn.Sequential(nn.Flatten(), nn.Linear(64 * 64, 2), nn.ReLU())
    for layer in (Doubled(32), OneChannelConv(32, bias=False)):
        network = encoder(kind=torch.float32)
        network[0] = layer
        yield network
    for settings in ({"kernel_size": 2}, {"kernel_size": 4, "padding_mode": "reflect"}):
        network = encoder(kind=torch.float32)
        network[2] = nn.Conv2d(32, 32, stride=2, padding=1, **settings)
        yield network


def test_other_layers_are_computed_whole():
    for network in other_networks():
        x = images(0)
        torch.testing.assert_close(windows.features(network, x), network(x))


@pytest.mark.parametrize("kind", [torch.bool, torch.int8, torch.uint8])
def test_whole_numbers_are_what_they_are_as_images(kind):
    network, x = encoder(kind=torch.float32), images(0).to(kind)
    if kind == torch.int8:
        x[0, 0, 50, 50] = -128
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(windows.features(network, x), through(network, x))


def test_the_default_device_is_somebody_elses():
    network, x = encoder(), images(0).double()
    with torch.device("meta"):
        found = windows.features(network, x)
    torch.testing.assert_close(found, through(network, x))
