"""Layers in the form that a processor computes fastest: the same functions of the same
weights.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Convolution = nn.Conv2d | nn.ConvTranspose2d


class OneChannelUpconv(nn.ConvTranspose2d):
    """`nn.ConvTranspose2d` (4 × 4, stride 2, padding 1) to one channel, on a CPU as
    1 × 1 convolution and fold.

    The same function of the same parameters, rounding aside
    (tests/training/test_speed_forms.py): each feature vector becomes the 16 pixels of
    its patch, and overlapping patches are added. oneDNN works on blocks of 16 channels;
    as a transposed convolution 15 of them would be empty. The way back is a convolution
    of one channel, for which oneDNN has a kernel of its own.
    """

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        """Images (n, 1, 2h, 2w) of features (n, channels, h, w)."""
        if not x.is_cpu or torch.compiler.is_compiling():
            return super().forward(x)
        kind = computed_in(x)
        images: Tensor = _Upconv.apply(x.to(kind), self.weight.to(kind))  # type: ignore[no-untyped-call]
        return images if self.bias is None else images + self.bias


class _Upconv(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        patches = F.conv2d(x, weight.flatten(1).t()[:, :, None, None]).flatten(2)
        size = (2 * x.shape[2], 2 * x.shape[3])
        return F.fold(patches, size, (4, 4), padding=1, stride=2)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        of_x = F.conv2d(gradient, weight, stride=2, padding=1)
        shape = [2, 2], [1, 1], [1, 1], False, [0, 0], 1
        _, of_weight, _ = torch.ops.aten.convolution_backward(
            x, gradient, weight, None, *shape, [False, True, False]
        )
        return of_x, of_weight


def through(network: nn.Sequential, x: Tensor) -> Tensor:
    """`network(x)`, each convolution and the ReLU that follows it as one operation
    where that is faster: on a processor for which oneDNN has kernels.

    The same function of the same weights (tests/models/test_layers.py). Two passes over
    the layer's values are saved, one there and one back, and the bias has its gradient
    from a plain sum: oneDNN's own, of a transposed convolution in bfloat16, takes twice
    as long as all the rest of that layer.
    """
    layers = list(network)
    while layers:
        layer = layers.pop(0)
        if layers and isinstance(layers[0], nn.ReLU) and has_kernel(layer, x):
            assert isinstance(layer, Convolution)
            layers.pop(0)
            # The gradient that a convolution hands back is a tensor of its own.
            free = bool(layers) and isinstance(layers[0], Convolution)
            weight = layer.weight.to(kind := computed_in(x))
            x = _Activated.apply(x.to(kind), weight, layer.bias, layer, free)  # type: ignore[no-untyped-call]
        else:
            x = layer(x)
    return x


def has_kernel(layer: nn.Module, x: Tensor) -> bool:
    """Whether oneDNN computes `layer` and a ReLU at once on `x` (n, channels, h, w)."""
    if not isinstance(layer, Convolution) or layer.bias is None or not x.is_cpu:
        return False
    if layer.padding_mode != "zeros" or torch.compiler.is_compiling() or not x.numel():
        return False
    if not torch.backends.mkldnn.is_available() or not torch.backends.mkldnn.enabled:
        return False
    kind, native = computed_in(x), torch.ops.mkldnn._is_mkldnn_bf16_supported
    return kind == torch.float32 or (kind == torch.bfloat16 and native())


def computed_in(x: Tensor) -> torch.dtype:
    """The type in which a layer computes on `x` of a processor, autocast or not."""
    cast = torch.is_autocast_enabled("cpu") and x.dtype == torch.float32
    return torch.get_autocast_dtype("cpu") if cast else x.dtype


class _Activated(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        layer: Convolution,
        free: bool,
    ) -> Tensor:
        transposed = isinstance(layer, nn.ConvTranspose2d)
        ctx.shape = layer.stride, layer.padding, layer.dilation, transposed
        ctx.shape += layer.output_padding, layer.groups
        ctx.free = free
        onednn, where = torch.ops.mkldnn, [layer.stride, layer.dilation, layer.groups]
        after: tuple[str, list[float], str] = "relu", [], ""
        args = x, weight, bias.to(weight.dtype), layer.padding
        if transposed:
            operation = onednn._convolution_transpose_pointwise
            y: Tensor = operation(*args, layer.output_padding, *where, *after)
        else:
            y = onednn._convolution_pointwise(*args, *where, *after)
        ctx.save_for_backward(x, weight, y)
        return y

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, y = ctx.saved_tensors
        before = gradient if ctx.free else torch.empty_like(gradient)
        masked = torch.ops.aten.threshold_backward.grad_input
        masked(gradient, y, 0, grad_input=before)
        needed = [*ctx.needs_input_grad[:2], False]
        of_x, of_weight, _ = torch.ops.aten.convolution_backward(
            before, x, weight, None, *ctx.shape, needed
        )
        # Summed as it is: to sum in another type, torch would copy all of it.
        of_bias = before.sum((0, 2, 3)) if ctx.needs_input_grad[2] else None
        return of_x, of_weight, of_bias, None, None
