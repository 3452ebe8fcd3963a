"""The networks, layer by layer against Tables 2 and 4 of the thesis."""

import threading

import pytest
import torch
from torch import nn

from disentlib.models.folding import folded
from disentlib.models.networks import VAE, Discriminator, count_parameters, initialised
from disentlib.seeds import torch_stream

ENCODER = [("conv", 1, 32), ("conv", 32, 32), ("conv", 32, 64), ("conv", 64, 64)]
ENCODER += [("fc", 1024, 128)]
DECODER = [("fc", None, 128), ("fc", 128, 1024)]
DECODER += [
    ("upconv", 64, 64),
    ("upconv", 64, 32),
    ("upconv", 32, 32),
    ("upconv", 32, 1),
]


def described(layer):
    """A layer as the thesis' tables write it, with what must hold for all
    of its kind.
    """
    if isinstance(layer, nn.Linear):
        return "fc", layer.in_features, layer.out_features
    assert (
        layer.kernel_size == (4, 4)
        and layer.stride == (2, 2)
        and layer.padding == (1, 1)
    )
    assert layer.groups == 1 and layer.dilation == (1, 1)
    kind = "upconv" if isinstance(layer, nn.ConvTranspose2d) else "conv"
    return kind, layer.in_channels, layer.out_channels


def check_stack(stack, table, batch_norm, bare_output):
    """Every row is map, batch norm (if any), ReLU; a bare output is the map alone."""
    layers = [
        layer for layer in stack if not isinstance(layer, nn.Flatten | nn.Unflatten)
    ]
    for number, row in enumerate(table):
        layer = layers.pop(0)
        assert described(layer) == row
        if bare_output and number == len(table) - 1:
            assert layer.bias is not None
            break
        assert (layer.bias is None) == batch_norm
        if batch_norm:
            norm = layers.pop(0)
            assert isinstance(
                norm, nn.BatchNorm1d if row[0] == "fc" else nn.BatchNorm2d
            )
            assert (
                norm.num_features == row[2] and norm.affine and norm.track_running_stats
            )
        assert type(layers.pop(0)) is nn.ReLU
    assert layers == []


@pytest.mark.parametrize("batch_norm", [True, False])
@pytest.mark.parametrize("D", [1, 4, 15])
def test_vae_is_that_of_table_2(D, batch_norm):
    vae = VAE(D, batch_norm)
    check_stack(vae.features, ENCODER, batch_norm, bare_output=False)
    check_stack(
        vae.decoder, [("fc", D, 128), *DECODER[1:]], batch_norm, bare_output=True
    )
    for head in (vae.mean, vae.logvar):
        assert described(head) == ("fc", 128, D) and head.bias is not None
    norms = [m for m in vae.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]
    assert len(norms) == (10 if batch_norm else 0)


@pytest.mark.parametrize("batch_norm", [True, False])
@pytest.mark.parametrize("D", [1, 4, 15])
def test_parameters_are_counted_from_closed_form(D, batch_norm):
    convolutions = 16 * (1 * 32 + 32 * 32 + 32 * 64 + 64 * 64)
    convolutions += 16 * (64 * 64 + 64 * 32 + 32 * 32 + 32 * 1)
    dense = 1024 * 128 + 2 * 128 * D + D * 128 + 128 * 1024
    # A hidden unit has a bias, or with batch norm a scale and a shift.
    hidden = (32 + 32 + 64 + 64 + 128) + (128 + 1024 + 64 + 32 + 32)
    total = convolutions + dense + hidden * (2 if batch_norm else 1) + 2 * D + 1
    assert count_parameters(VAE(D, batch_norm)) == total
    discriminator = (D * 1000 + 1000) + 5 * (1000 * 1000 + 1000) + (1000 * 2 + 2)
    assert count_parameters(Discriminator(D)) == discriminator


def test_discriminator_is_that_of_table_4():
    layers = list(Discriminator(6))
    widths = [described(layer)[1:] for layer in layers[::2]]
    assert widths == [(6, 1000), *[(1000, 1000)] * 5, (1000, 2)]
    assert [type(layer) for layer in layers[1::2]] == [nn.LeakyReLU] * 6
    assert {layer.negative_slope for layer in layers[1::2]} == {0.3}


@pytest.mark.parametrize("batch_norm", [True, False])
def test_shapes(batch_norm):
    vae = VAE(5, batch_norm)
    mu, logvar = vae.encode(torch.rand(3, 1, 64, 64))
    assert mu.shape == logvar.shape == (3, 5)
    assert vae.decode(mu).shape == (3, 1, 64, 64)
    assert Discriminator(5)(mu).shape == (3, 2)


def test_outputs_are_logits_and_reach_both_signs():
    vae = VAE(4)
    mu, logvar = vae.encode(torch.rand(16, 1, 64, 64))
    for output in (mu, logvar, vae.decode(3 * torch.randn(16, 4))):
        assert output.min() < 0 < output.max()


def test_no_dimensions_are_refused():
    with pytest.raises(
        ValueError, match=r"^D=0 must be a whole number of at least 1 and at most 4096$"
    ):
        VAE(0)


def test_weights_come_from_the_stream_alone():
    before = torch.random.get_rng_state()
    first, again = (
        initialised(VAE, torch_stream(7, "initialisation"), D=3) for _ in range(2)
    )
    assert torch.equal(before, torch.random.get_rng_state())
    other = initialised(VAE, torch_stream(8, "initialisation"), D=3)
    for name, tensor in first.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name])
    assert not torch.equal(first.mean.weight, other.mean.weight)


def test_first_weights_are_the_seeds_whatever_other_threads_do():
    """torch's generator is one for all threads."""
    alone = VAE(3)
    weights = initialised(VAE, torch_stream(5, "initialisation"), D=3).state_dict()
    over = threading.Event()

    def others():
        while not over.is_set():
            folded(alone)
            initialised(VAE, torch_stream(6, "initialisation"), D=3)

    thread = threading.Thread(target=others)
    thread.start()
    try:
        for _ in range(10):
            again = initialised(VAE, torch_stream(5, "initialisation"), D=3)
            assert all(
                torch.equal(weights[name], tensor)
                for name, tensor in again.state_dict().items()
            )
    finally:
        over.set()
        thread.join()
