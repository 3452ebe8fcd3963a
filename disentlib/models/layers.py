"""Layers in the form that a processor computes fastest: the same functions of the same
weights.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.amp import custom_bwd, custom_fwd

PLAIN = (nn.Conv2d, nn.ConvTranspose2d)
HOOKS = (
    *("_forward_hooks", "_forward_pre_hooks"),
    *("_backward_hooks", "_backward_pre_hooks"),
)
Way = TypeVar("Way", bound=Callable[..., Any])
# Autocast casts what goes in, and does nothing within: neither there nor back.
forwards: Callable[[Way], Way] = custom_fwd(
    device_type="cpu", cast_inputs=torch.bfloat16
)
backwards: Callable[[Way], Way] = custom_bwd(device_type="cpu")


class OneChannelUpconv(nn.ConvTranspose2d):
    """`nn.ConvTranspose2d` (4 × 4, stride 2, padding 1) to one channel, on a CPU as
    1 × 1 convolution and fold.

    The same function of the same parameters, rounding aside
    (tests/training/test_speed_forms.py): each feature vector becomes the 16 pixels of
    its patch, and overlapping patches are added. oneDNN works on blocks of channels; as
    a transposed convolution all but one of a block would be empty. The way back is a
    convolution of one channel, for which oneDNN has a kernel of its own.
    """

    def __init__(self, channels: int, bias: bool = True) -> None:
        super().__init__(channels, 1, 4, stride=2, padding=1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        """Images (n, 1, 2h, 2w) of features (n, channels, h, w)."""
        if not x.is_cpu or torch.compiler.is_compiling():
            return super().forward(x)
        images: Tensor = _Upconv.apply(x, self.weight)  # type: ignore[no-untyped-call]
        return images if self.bias is None else images + self.bias


class _Upconv(torch.autograd.Function):
    @staticmethod
    @forwards
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        patches = F.conv2d(x, weight.flatten(1).t()[:, :, None, None]).flatten(2)
        size = (2 * x.shape[2], 2 * x.shape[3])
        return F.fold(patches, size, (4, 4), padding=1, stride=2)

    @staticmethod
    @backwards
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        of_x = F.conv2d(gradient, weight, stride=2, padding=1)
        # Of that convolution `x` is the output's side and `gradient` the input's.
        settings = [2, 2], [1, 1], [1, 1], False, [0, 0], 1, [False, True, False]
        _, of_weight, _ = torch.ops.aten.convolution_backward(
            x, gradient, weight, None, *settings
        )
        return of_x, of_weight


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
            given = x, layer.weight, layer.bias, layer, free
            x = _Activated.apply(*given)  # type: ignore[no-untyped-call]
        else:
            x = layer(x)
    return x


def hooked(network: nn.Module) -> bool:
    """Whether a hook is to be called in any layer."""
    return any(getattr(m, kind) for m in network.modules() for kind in HOOKS)


def plain(layer: nn.Module) -> bool:
    """Whether a layer is torch's own convolution, with zeros around its images."""
    own = type(layer) in PLAIN and isinstance(layer.padding, tuple)
    return own and layer.padding_mode == "zeros"


class _Activated(torch.autograd.Function):
    @staticmethod
    @forwards
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        layer: nn.Conv2d | nn.ConvTranspose2d,
        free: bool,
    ) -> Tensor:
        transposed = isinstance(layer, nn.ConvTranspose2d)
        ctx.settings = layer.stride, layer.padding, layer.dilation, transposed
        ctx.settings += layer.output_padding, layer.groups
        y = torch.convolution(x, weight, bias, *ctx.settings).relu_()
        ctx.free = free
        ctx.save_for_backward(x, weight, y)
        return y

    @staticmethod
    @backwards
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, y = ctx.saved_tensors
        if ctx.free and not torch.is_grad_enabled():
            masked = torch.ops.aten.threshold_backward.grad_input
            before = masked(gradient, y, 0, grad_input=gradient)
        else:
            before = torch.ops.aten.threshold_backward(gradient, y, 0)
        needed = [*ctx.needs_input_grad[:2], False]
        of_x, of_weight, _ = torch.ops.aten.convolution_backward(
            before, x, weight, None, *ctx.settings, needed
        )
        # Summed as it is: to sum in another type, torch would copy all of it.
        of_bias = before.sum((0, 2, 3)) if ctx.needs_input_grad[2] else None
        return of_x, of_weight, of_bias, None, None
