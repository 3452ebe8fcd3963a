"""Several networks of one form at once: each weight has a leading axis of networks.

One network of this size leaves a graphics card idle between its many small layers; ten
side by side fill it. The functions are those of `networks`, written as products of
matrices, since a card is slow at convolutions in groups. Images are (n, side, side,
channels) here.
"""

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Parameters = dict[str, Tensor]  # by the names of a network's own, (R, …) each


def gather(x: Tensor) -> Tensor:
    """The 4 × 4 patches at stride 2 of images (n, 2h, 2w, C) with a border of zeros:
    (n, h, w, 16 C).
    """
    n, height, width, channels = x.shape
    h, w = height // 2, width // 2
    padded = F.pad(x, (0, 0, 1, 1, 1, 1)).view(n, h + 1, 2, w + 1, 2, channels)
    patches = x.new_empty(n, h, w, 2, 2, 2, 2, channels)
    for a, b in ((0, 0), (0, 1), (1, 0), (1, 1)):
        part = padded[:, a : a + h, :, b : b + w]
        patches[:, :, :, a, b] = part.permute(0, 1, 3, 2, 4, 5)
    return patches.view(n, h, w, 16 * channels)


def scatter(patches: Tensor) -> Tensor:
    """The images to which overlapping patches add up: the transpose of `gather`."""
    n, h, w, width = patches.shape
    channels = width // 16
    patches = patches.view(n, h, w, 2, 2, 2, 2, channels)
    padded = patches.new_zeros(n, h + 1, 2, w + 1, 2, channels)
    for a, b in ((0, 0), (0, 1), (1, 0), (1, 1)):
        part = patches[:, :, :, a, b].permute(0, 1, 3, 2, 4, 5)
        padded[:, a : a + h, :, b : b + w] += part
    images = padded.view(n, 2 * h + 2, 2 * w + 2, channels)
    return images[:, 1:-1, 1:-1].contiguous()


def activate_(x: Tensor, bias: Tensor, slope: float) -> Tensor:
    """A leaky ReLU of `x` (R, rows, C) plus a bias (R, C), in place."""
    return F.leaky_relu_(x.add_(bias.to(x.dtype)[:, None]), slope)


def deactivate(gradient: Tensor, y: Tensor, slope: float) -> tuple[Tensor, Tensor]:
    """Gradients of `activate_` for `x` and for the bias, from its result `y`."""
    gradient = torch.where(y > 0, gradient, slope * gradient)
    return gradient, full(gradient).sum(dim=1)


def passes(x: Tensor) -> ModuleType:
    """Where the passes over memory are: on a card as kernels of their own."""
    if not x.is_cuda:
        return sys.modules[__name__]
    from disentlib.models import triton_passes  # needs Triton, there with CUDA

    return triton_passes


class Layer(torch.autograd.Function):
    """A linear layer's product, bias and activation.

    `kind` says what its patches are: "dense" of rows (R, m, inputs), "conv" of images,
    gathered first, "upconv", scattered last. `matrix` is (R, inputs, outputs), `bias`
    (R, C), and `slope` that of a leaky ReLU: 0 for a ReLU, 1 for none.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, matrix: Tensor, bias: Tensor, kind: str, slope: float
    ) -> Tensor:
        result: Tensor
        on = passes(x)
        R, inputs, outputs = matrix.shape
        if kind == "conv":
            patches = on.gather(x)
            rows = patches.view(R, -1, inputs)
            y = on.activate_(torch.bmm(rows, matrix), bias, slope)
            result = y.view(*patches.shape[:3], outputs)
        elif kind == "upconv":
            rows = x.reshape(R, -1, inputs)
            patches = torch.bmm(rows, matrix).view(*x.shape[:3], outputs)
            y = result = scattered(on, patches, bias, slope)
        else:
            rows = x
            y = result = on.activate_(torch.bmm(rows, matrix), bias, slope)
        ctx.save_for_backward(rows, matrix, y)
        ctx.kind, ctx.slope, ctx.shape = kind, slope, x.shape
        return result

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        rows, matrix, y = ctx.saved_tensors
        on, R = passes(rows), len(matrix)
        width = y.shape[-1]
        flat = gradient.contiguous().view(R, -1, width)
        flat, for_bias = on.deactivate(flat, y.view(R, -1, width), ctx.slope)
        if ctx.kind == "upconv":
            flat = on.gather(flat.view(gradient.shape)).view(R, -1, 16 * width)
        for_matrix = torch.bmm(rows.transpose(1, 2), flat)
        for_x = None
        if ctx.needs_input_grad[0]:
            for_x = torch.bmm(flat, matrix.transpose(1, 2))
            if ctx.kind == "conv":
                n, height, side, channels = ctx.shape
                patches = for_x.view(n, height // 2, side // 2, 16 * channels)
                for_x = scattered(on, patches, patches.new_zeros(R, channels), 1.0)
            for_x = for_x.view(ctx.shape)
        return for_x, for_matrix, for_bias, None, None


apply: Callable[..., Any] = Layer.apply  # torch gives it no types


def scattered(on: ModuleType, patches: Tensor, bias: Tensor, slope: float) -> Tensor:
    """`scatter`, bias and activation."""
    if on is not sys.modules[__name__]:
        added: Tensor = on.scatter(patches, bias, slope)
        return added
    images = scatter(patches)
    return activate_(images.view(len(bias), -1, bias.shape[1]), bias, slope).view_as(
        images
    )


def full(outputs: Tensor) -> Tensor:
    """What large layers computed in bfloat16, for the losses: in float32."""
    return outputs.float() if outputs.dtype == torch.bfloat16 else outputs


def linear(
    layer: nn.Module, name: str, parameters: Parameters, x: Tensor, slope: float
) -> Tensor:
    """A convolution, transposed convolution or dense layer, and its activation."""
    weight = parameters[f"{name}.weight"]
    R = len(weight)
    if isinstance(layer, nn.ConvTranspose2d):
        kind, (inputs, outputs) = "upconv", weight.shape[1:3]
        parts = weight.view(R, inputs, outputs, 2, 2, 2, 2)
        matrix = parts.permute(0, 1, 3, 5, 4, 6, 2).reshape(R, inputs, 16 * outputs)
    elif isinstance(layer, nn.Conv2d):
        kind, (outputs, inputs) = "conv", weight.shape[1:3]
        parts = weight.view(R, outputs, inputs, 2, 2, 2, 2)
        matrix = parts.permute(0, 3, 5, 4, 6, 2, 1).reshape(R, 16 * inputs, outputs)
    else:
        kind, outputs, matrix = "dense", weight.shape[1], weight.transpose(1, 2)
    bias = parameters.get(f"{name}.bias")
    if bias is None:
        bias = matrix.new_zeros(R, outputs)
    y: Tensor = apply(x, matrix.to(x.dtype), bias, kind, slope)
    return y


def batch_norm(
    x: Tensor, parameters: Parameters, name: str, norm: nn.BatchNorm1d | nn.BatchNorm2d
) -> Tensor:
    """`norm` of each network's own batch, along the last axis, in float32.

    The running statistics among the parameters move as torch's do.
    """
    R, width = parameters[f"{name}.running_mean"].shape
    assert norm.momentum is not None  # None would average over all batches
    rows = full(x.reshape(R, -1, width))
    variance, mean = torch.var_mean(rows, dim=1, correction=0)
    count = rows.shape[1]
    with torch.no_grad():
        parameters[f"{name}.running_mean"].lerp_(mean, norm.momentum)
        unbiased = variance * (count / (count - 1))
        parameters[f"{name}.running_var"].lerp_(unbiased, norm.momentum)
        parameters[f"{name}.num_batches_tracked"].add_(1)
    scale = (variance + norm.eps).rsqrt()
    shift = -mean * scale
    if f"{name}.weight" in parameters:
        weight, bias = parameters[f"{name}.weight"], parameters[f"{name}.bias"]
        scale, shift = scale * weight, shift * weight + bias
    return torch.addcmul(shift[:, None], rows, scale[:, None]).to(x.dtype).view(x.shape)


def sequence(
    layers: nn.Sequential, prefix: str, parameters: Parameters, x: Tensor
) -> Tensor:
    """What the layers, of which each network has its own weights, make of `x`."""
    for i, layer in enumerate(layers):
        name, after = f"{prefix}{i}", layers[i + 1] if i + 1 < len(layers) else None
        if isinstance(layer, nn.ConvTranspose2d | nn.Conv2d | nn.Linear):
            x = linear(layer, name, parameters, x, slope_of(after))
        elif isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            x = batch_norm(x, parameters, name, layer)
            x = x.relu_() if isinstance(after, nn.ReLU) else x
        elif isinstance(layer, nn.Flatten):  # of channels, height, width, as torch's
            R = parameters["mean.bias"].shape[0]
            x = x.permute(0, 3, 1, 2).reshape(R, x.shape[0] // R, -1)
        elif isinstance(layer, nn.Unflatten):
            images = x.reshape(-1, *layer.unflattened_size)
            x = images.permute(0, 2, 3, 1).contiguous()
        elif not isinstance(layer, nn.ReLU | nn.LeakyReLU):  # done with the one before
            raise TypeError(f"{name}: no stacked form of {type(layer).__name__}")
    return x


def slope_of(layer: nn.Module | None) -> float:
    """The slope below 0 of an activation; 1 for a layer that is none."""
    if isinstance(layer, nn.ReLU):
        return 0.0
    return layer.negative_slope if isinstance(layer, nn.LeakyReLU) else 1.0
