"""The networks of the study: convolutional VAE and FactorVAE's discriminator."""

import threading
from typing import TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from disentlib.checks import truth, whole_number
from disentlib.models import windows
from disentlib.models.activated import through
from disentlib.models.layers import OneChannelConv, OneChannelUpconv

LARGEST_D = 4096
MEAN_SCALE = 0.5  # of batch norm on the means: a KL of at least 0.125 nats a dimension

DRAWING = threading.Lock()

Network = TypeVar("Network", bound=nn.Module)


def hidden(layer: nn.Module, width: int, batch_norm: bool) -> list[nn.Module]:
    """A hidden layer: linear map, batch norm, ReLU.

    Batch norm sits between map and ReLU, where Ioffe and Szegedy (2015) put it; it
    subtracts the mean, so that a bias before it would do nothing and is left out.
    """
    norm = nn.BatchNorm1d if isinstance(layer, nn.Linear) else nn.BatchNorm2d
    return [layer, norm(width), nn.ReLU()] if batch_norm else [layer, nn.ReLU()]


def encoder(batch_norm: bool) -> nn.Sequential:
    """Images (n, 1, 64, 64) to features (n, 128): thesis, Table 2, left, without its
    heads.
    """
    layers: list[nn.Module] = []
    layers += hidden(OneChannelConv(32, bias=not batch_norm), 32, batch_norm)
    for inputs, outputs in ((32, 32), (32, 64), (64, 64)):
        conv = nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=not batch_norm)
        layers += hidden(conv, outputs, batch_norm)
    dense = nn.Linear(64 * 4 * 4, 128, bias=not batch_norm)
    return nn.Sequential(*layers, nn.Flatten(), *hidden(dense, 128, batch_norm))


def decoder(D: int, batch_norm: bool) -> nn.Sequential:
    """Codes (n, D) to logits (n, 1, 64, 64): thesis, Table 2, right; its sigmoid is in
    the loss.
    """
    layers = hidden(nn.Linear(D, 128, bias=not batch_norm), 128, batch_norm)
    layers += hidden(nn.Linear(128, 1024, bias=not batch_norm), 1024, batch_norm)
    layers += [nn.Unflatten(1, (64, 4, 4))]
    for inputs, outputs in ((64, 64), (64, 32), (32, 32)):
        upconv = nn.ConvTranspose2d(
            inputs, outputs, 4, stride=2, padding=1, bias=not batch_norm
        )
        layers += hidden(upconv, outputs, batch_norm)
    return nn.Sequential(*layers, OneChannelUpconv(32))


def batch_norm_of_means(D: int) -> nn.BatchNorm1d:
    """To mean 0 and variance 1 also where, at the start, means hardly vary."""
    return nn.BatchNorm1d(D, eps=1e-10, affine=False)


class VAE(nn.Module):
    """Variational autoencoder of images (n, 1, 64, 64) with a D-dimensional
    representation.

    Thesis, Table 2: batch norm at every layer but the outputs (the two heads of the
    encoder and the decoder's last layer); with `batch_norm=False` at none. `mean_norm`
    puts one on the posterior's means alone, without parameters and scaled to a standard
    deviation of `MEAN_SCALE` (Zhu et al. 2020): then no dimension can collapse. Raises
    `ValueError` for a D outside of 1 to `LARGEST_D` and for what is no truth value.
    """

    def __init__(
        self, D: int, batch_norm: bool = True, mean_norm: bool = False
    ) -> None:
        super().__init__()
        whole_number("D", D, 1, LARGEST_D)
        self.D = D
        truth("batch_norm", batch_norm)
        truth("mean_norm", mean_norm)
        self.features = encoder(batch_norm)
        self.mean = nn.Linear(128, D)
        self.mean_norm = batch_norm_of_means(D) if mean_norm else None
        self.logvar = nn.Linear(128, D)
        self.decoder = decoder(D, batch_norm)

    def encode(
        self, x: Float[Tensor, "n 1 64 64"]
    ) -> tuple[Float[Tensor, "n {self.D}"], Float[Tensor, "n {self.D}"]]:
        """Mean and log-variance (n, D) each of the posterior q(z|x), x (n,
        1, 64, 64).
        """
        features = windows.features(self.features, x)
        mu = self.mean(features)
        if self.mean_norm is not None:
            mu = MEAN_SCALE * self.mean_norm(mu)
        return mu, self.logvar(features)

    def decode(self, z: Float[Tensor, "n {self.D}"]) -> Float[Tensor, "n 1 64 64"]:
        """Logits (n, 1, 64, 64) of the pixels' Bernoulli p(x|z), z (n, D)."""
        return through(self.decoder, z)


class Discriminator(nn.Sequential):
    """Codes (n, D) to two logits (n, 2): "from q(z)" and "permuted".
    Thesis, Table 4.
    """

    def __init__(self, D: int) -> None:
        whole_number("D", D, 1, LARGEST_D)
        layers: list[nn.Module] = []
        for inputs in (D, *[1000] * 5):
            layers += [nn.Linear(inputs, 1000), nn.LeakyReLU(0.3, inplace=True)]
        super().__init__(*layers, nn.Linear(1000, 2))


def count_parameters(network: nn.Module) -> int:
    """Number of trained numbers in a network.

    >>> count_parameters(nn.Linear(3, 2))
    8
    """
    return sum(parameter.numel() for parameter in network.parameters())


def hollow(D: int, batch_norm: bool = True, mean_norm: bool = False) -> VAE:
    """A VAE without weights, for such as are at hand (`load_state_dict` with `assign`);
    nothing is drawn.
    """
    with torch.device("meta"):
        return VAE(D, batch_norm, mean_norm)


@torch.no_grad()
def initialised(
    make: type[Network], generator: torch.Generator, **arguments: int
) -> Network:
    """`make(**arguments)` with torch's own initial weights, drawn from `generator`
    alone.
    """
    # torch draws from one generator, which all threads share.
    with DRAWING, torch.random.fork_rng(devices=[]):
        torch.random.set_rng_state(generator.get_state())
        return make(**arguments)
