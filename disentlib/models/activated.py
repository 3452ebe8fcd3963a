"""A convolution and its ReLU as one operation on a processor, as oneDNN has it."""

from typing import Any

import torch
from torch import Tensor, nn

Convolution = nn.Conv2d | nn.ConvTranspose2d


def through(network: nn.Sequential, x: Tensor) -> Tensor:
    """`network(x)`, each convolution and the ReLU that follows it as one operation
    where that is faster: on a processor for which oneDNN has kernels.

    The same function of the same weights (tests/models/test_activated.py). Two passes
    over the layer's values are saved, one there and one back, and the bias has its
    gradient from a plain sum: oneDNN's own, of a transposed convolution in bfloat16,
    takes twice as long as all the rest of that layer.
    """
    layers = list(network)
    while layers:
        layer = layers.pop(0)
        if layers and isinstance(layers[0], nn.ReLU) and has_kernel(layer, x):
            assert isinstance(layer, Convolution) and layer.bias is not None
            kind = _kind(x)
            weight = layer.weight.to(kind)
            x = _Activated.apply(x.to(kind), weight, layer.bias, layer)  # type: ignore[no-untyped-call]
            layers.pop(0)
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
    kind = _kind(x)
    native = torch.ops.mkldnn._is_mkldnn_bf16_supported
    return kind == torch.float32 or (kind == torch.bfloat16 and native())


def _kind(x: Tensor) -> torch.dtype:
    """In which type a layer computes on `x`, autocast or not."""
    cast = torch.is_autocast_enabled("cpu") and x.dtype == torch.float32
    return torch.get_autocast_dtype("cpu") if cast else x.dtype


class _Activated(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, layer: Convolution
    ) -> Tensor:
        ctx.transposed = isinstance(layer, nn.ConvTranspose2d)
        ctx.shape = layer.stride, layer.padding, layer.dilation, ctx.transposed
        ctx.shape += layer.output_padding, layer.groups
        onednn, where = torch.ops.mkldnn, [layer.stride, layer.dilation, layer.groups]
        after: tuple[str, list[float], str] = "relu", [], ""
        args = x, weight, bias.to(weight.dtype), layer.padding
        if ctx.transposed:
            operation = onednn._convolution_transpose_pointwise
            y: Tensor = operation(*args, layer.output_padding, *where, *after)
        else:
            y = onednn._convolution_pointwise(*args, *where, *after)
        ctx.save_for_backward(x, weight, y)
        return y

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, y = ctx.saved_tensors
        before = torch.ops.aten.threshold_backward(gradient, y, 0)
        needed = [*ctx.needs_input_grad[:2], False]
        of_x, of_weight, _ = torch.ops.aten.convolution_backward(
            before, x, weight, None, *ctx.shape, needed
        )
        # Summed as it is: to sum in another type, torch would copy all of it.
        of_bias = before.sum((0, 2, 3)) if ctx.needs_input_grad[2] else None
        return of_x, of_weight, of_bias, None
