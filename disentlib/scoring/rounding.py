"""Weights as whole numbers whose errors cancel in what a layer gives.

Weights rounded each on its own err each on its own. Here they are rounded one input
after the other, and the weights of the inputs still to come take on what makes good for
the error, as far as the inputs of real images go together (Frantar et al. 2023, GPTQ).
"""

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from disentlib.models.networks import VAE
from disentlib.seeds import stream

SMALL = 5_000  # layers of fewer weights get 16 bits: they cost next to nothing
STEPS = 98  # in the root mean square of a larger layer's weights: 8.7 bits of content
ROWS = 8_000  # inputs of a layer that its errors are averaged over
DAMPING = 1e-3  # of the inputs' mean square: images that are not among these differ
WIDE = 1.5  # standard deviation of the codes that sliders set, the encoder's aside

Layer = nn.Conv2d | nn.ConvTranspose2d | nn.Linear


class Whole(NamedTuple):
    """Weights as whole numbers of `bits` bits (with a sign) times `step`."""

    numbers: NDArray[np.int16]
    step: float
    bits: int


Rounded = dict[str, Whole]


@torch.no_grad()
def round_weights(vae: VAE, x: Tensor) -> Rounded:
    """Round the weights of `vae`, which has no batch norm, for images `x`
    (n, 1, 64, 64); in place. Returns whole numbers and step by the name of each.

    A layer is rounded for what the rounded ones before it give; the decoder's for the
    means of half the images, and for codes drawn wider than the prior.
    """
    whole: Rounded = {}

    def through(name: str, layer: nn.Module, h: Tensor) -> Tensor:
        if isinstance(layer, Layer):
            whole[f"{name}.weight"] = round_layer(layer, h)
        given: Tensor = layer(h)
        return given

    for name, layer in vae.features.named_children():
        x = through(f"features.{name}", layer, x)
    through("logvar", vae.logvar, x)
    z = through("mean", vae.mean, x)
    wide = WIDE * stream(0, "explorer: codes").standard_normal(z[::2].shape)
    z[::2] = torch.from_numpy(wide).to(z)
    for name, layer in vae.decoder.named_children():
        z = through(f"decoder.{name}", layer, z)
    return whole


def round_layer(layer: Layer, h: Tensor) -> Whole:
    """Round a layer's weights for its inputs `h`, in place."""
    weight = layer.weight
    bits = 16 if weight.numel() < SMALL else 12
    largest = 2 ** (bits - 1) - 1
    step = float(weight.abs().max()) / largest or 1.0
    if bits == 12:
        step = max(step, float(weight.square().mean().sqrt()) / STEPS)
    for inputs, weights in sums(layer, h):
        products = (inputs.T @ inputs / len(inputs)).double()
        flat = weights.reshape(len(products), -1).double()
        whole = whole_numbers(flat, products, step).clamp(-largest, largest)
        weights.copy_((step * whole).view(weights.shape))
    numbers = (weight / step).round().to(torch.int16).cpu().numpy()
    return Whole(numbers, step, bits)


def sums(layer: Layer, h: Tensor) -> list[tuple[Tensor, Tensor]]:
    """The sums that a layer takes of `h`: inputs (rows, k), and the view (…, outputs)
    of the k weights they are multiplied with.

    A transposed convolution of stride 2 takes four, one for each corner of a square of
    two by two pixels: each sees two by two of the four by four weights.
    """
    if isinstance(layer, nn.Linear):
        return [(h[:ROWS], layer.weight.T)]
    pixels = h.shape[2] * h.shape[3]
    if isinstance(layer, nn.Conv2d):
        h = h[: -(-ROWS * 4 // pixels)]
        patches = F.unfold(h, 4, padding=1, stride=2)
        inputs = patches.transpose(1, 2).flatten(0, 1)
        return [(inputs, layer.weight.movedim(0, -1))]
    h = h[: -(-ROWS // pixels)]
    patches = F.unfold(h, 3, padding=1).unflatten(1, (-1, 3, 3))
    found = []
    for row in (0, 1):
        for column in (0, 1):
            # An even pixel sees its own input and the one before it, an odd one the
            # one after it and its own; the weights count the other way.
            seen = patches[:, :, row : row + 2, column : column + 2].flip(2, 3)
            inputs = seen.movedim(-1, 1).flatten(0, 1).flatten(1)
            weights = layer.weight[:, :, 1 - row :: 2, 1 - column :: 2]
            found.append((inputs, weights.movedim(1, -1)))
    return found


def whole_numbers(weights: Tensor, products: Tensor, step: float) -> Tensor:
    """Whole numbers n (k, outputs) that make x·(n step) close to x·weights in the mean
    square, where `products` (k, k) is the mean of x xᵀ.
    """
    k = len(products)
    damping = DAMPING * float(products.diagonal().mean()) or 1.0  # 1: inputs all zero
    products = products + damping * torch.eye(k)
    order = products.diagonal().argsort(descending=True)
    inverse = torch.linalg.inv(products[order][:, order])
    upper = torch.linalg.cholesky(inverse, upper=True)
    left, whole = weights[order], torch.empty_like(weights)
    for i in range(k):
        whole[order[i]] = (left[i] / step).round()
        error = (left[i] - step * whole[order[i]]) / upper[i, i]
        left[i + 1 :] -= upper[i, i + 1 :, None] * error
    return whole
