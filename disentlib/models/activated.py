"""A convolution and the ReLU behind it as one operation, the same function of the same
weights.
"""

from typing import Any, TypeGuard

import torch
from torch import Tensor, nn

from disentlib.models import patches
from disentlib.models.layers import (
    BORDERED,
    HALVING,
    OneChannelConv,
    OneChannelUpconv,
    Settings,
    low,
    of_patches,
)

HOOKS = (
    *("_forward_hooks", "_forward_pre_hooks"),
    *("_backward_hooks", "_backward_pre_hooks"),
)
# Of bfloat16 as whole numbers: those from here to -1 are no numbers; all but the sign.
NOT_A_NUMBER, UNSIGNED = -127, 0x7FFF
PLAIN = (nn.Conv2d, nn.ConvTranspose2d, OneChannelConv)


def through(network: nn.Sequential, x: Tensor) -> Tensor:
    """`network(x)`, on a CPU with each convolution and the ReLU behind it as one
    operation.

    The same function of the same weights (tests/models/test_layers.py). The ReLU works
    in place, there and back, and the bias has its gradient from a plain sum: oneDNN's
    own, of a transposed convolution in bfloat16, takes twice as long as all the rest of
    that layer. A network with hooks is called as it is.
    """
    if not x.is_cpu or torch.compiler.is_compiling() or hooked(network):
        return network(x)  # type: ignore[no-any-return]
    layers = list(network)
    while layers:
        layer = layers.pop(0)
        if plain(layer) and x.dim() == 4 and isinstance(next(iter(layers), 0), nn.ReLU):
            layers.pop(0)
            # The gradient that a convolution hands back is nobody else's.
            free = bool(layers) and type(layers[0]) in (*PLAIN, OneChannelUpconv)
            settings = settings_of(layer)
            x, weight, bias = low(x, layer.weight, layer.bias)
            if isinstance(layer, OneChannelConv):
                x, weight, settings = of_patches(x, weight)
            given = x, weight, bias, settings, free
            x = _Activated.apply(*given)  # type: ignore[no-untyped-call]
        else:
            x = layer(x)
    return x


def hooked(network: nn.Sequential) -> bool:
    """Whether a hook is to be called in any layer."""
    return any(getattr(m, kind) for m in (network, *network) for kind in HOOKS)


def plain(layer: nn.Module) -> TypeGuard[nn.Conv2d | nn.ConvTranspose2d]:
    """Whether a layer is torch's own convolution, with zeros around its images."""
    own = type(layer) in PLAIN and isinstance(layer.padding, tuple)
    return own and layer.padding_mode == "zeros"


def settings_of(layer: nn.Conv2d | nn.ConvTranspose2d) -> Settings:
    """A convolution's settings in torch's order."""
    transposed = isinstance(layer, nn.ConvTranspose2d)
    sizes = layer.stride, layer.padding, layer.dilation
    return *sizes, transposed, layer.output_padding, layer.groups


def narrow(inner: Tensor, weight: Tensor, settings: Settings) -> bool:
    """Whether the gradient of a convolution's weights is had sooner as a product of
    patches: of 8 pixels at most, along which oneDNN's own kernel in bfloat16 goes.
    """
    halving = (*settings[:3], *settings[4:]) == (*HALVING[:3], *HALVING[4:])
    small = weight.shape[2:] == (4, 4) and inner.shape[3] <= 8
    return halving and small and inner.dtype == torch.bfloat16


def bordered(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    outside: tuple[Tensor, ...] | None = None,
) -> Tensor:
    """A convolution (4 × 4, stride 2) and its ReLU of images with their border, with
    zeros at the places `outside`: image, row and column of each.
    """
    x, weight, settings = of_patches(x, weight, BORDERED)
    given = x, weight, bias, settings, True, outside
    y: Tensor = _Activated.apply(*given)  # type: ignore[no-untyped-call]
    return y


def relu_(y: Tensor) -> Tensor:
    """ReLU in place.

    What is negative in bfloat16 is so as a whole number of 16 bits, and of those a
    processor takes more at once: twice as fast. From -127 on they are no numbers: they
    stay so, without their sign, by which `masked_` knows them.
    """
    if y.dtype != torch.bfloat16:
        return y.relu_()
    torch.threshold_(y.view(torch.int16), NOT_A_NUMBER - 1, 0).bitwise_and_(UNSIGNED)
    return y


def masked_(gradient: Tensor, y: Tensor) -> Tensor:
    """`gradient` in place, 0 where `relu_` gave `y` = 0."""
    whole = gradient.dtype == torch.bfloat16
    g, seen = (t.view(torch.int16) if whole else t for t in (gradient, y))
    torch.ops.aten.threshold_backward.grad_input(g, seen, 0, grad_input=g)
    return gradient


class _Activated(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        settings: Settings,
        free: bool,
        outside: tuple[Tensor, ...] | None = None,
    ) -> Tensor:
        y = relu_(torch.convolution(x, weight, bias, *settings))
        if outside is not None:
            y.permute(0, 2, 3, 1)[outside] = 0
        ctx.settings, ctx.free = settings, free
        ctx.save_for_backward(x, weight, y)
        return y

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, y = ctx.saved_tensors
        if ctx.free and not torch.is_grad_enabled():
            before = masked_(gradient, y)
        else:
            before = torch.ops.aten.threshold_backward(gradient, y, 0)
        inner, outer = (x, before) if ctx.settings[3] else (before, x)
        of_x_too, of_weight_too = ctx.needs_input_grad[:2]
        by_patches = of_weight_too and narrow(inner, weight, ctx.settings)
        needed = [of_x_too, of_weight_too and not by_patches, False]
        of_x, of_weight, _ = torch.ops.aten.convolution_backward(
            before, x, weight, None, *ctx.settings, needed
        )
        if by_patches:
            of_weight = patches.products(inner, outer)
        # Summed as it is: to sum in another type, torch would copy all of it.
        of_bias = before.sum((0, 2, 3)) if ctx.needs_input_grad[2] else None
        return of_x, of_weight, of_bias, None, None, None
