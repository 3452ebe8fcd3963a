"""Layers in the form that a processor computes fastest: the same functions of the same
weights.
"""

from typing import Any, TypeGuard

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from disentlib.models import patches

HOOKS = (
    *("_forward_hooks", "_forward_pre_hooks"),
    *("_backward_hooks", "_backward_pre_hooks"),
)
# Stride, padding, dilation, whether transposed, output padding, groups.
Settings = tuple[Any, ...]
POINTWISE: Settings = ((1, 1), (0, 0), (1, 1), False, (0, 0), 1)
HALVING: Settings = ((2, 2), (1, 1), (1, 1), False, (0, 0), 1)


class OneChannelConv(nn.Conv2d):
    """`nn.Conv2d` (4 × 4, stride 2, padding 1) of one channel, on a CPU in bfloat16 as
    1 × 1 convolution of patches (`of_patches`).

    The same function of the same parameters, rounding aside.
    """

    def __init__(self, channels: int, bias: bool = True) -> None:
        super().__init__(1, channels, 4, stride=2, padding=1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Features (n, channels, h, w) of images (n, 1, 2h, 2w)."""
        if not x.is_cpu or torch.compiler.is_compiling():
            return super().forward(x)
        x, weight, bias = low(x, self.weight, self.bias)
        x, weight, settings = of_patches(x, weight)
        return torch.convolution(x, weight, bias, *settings)


class OneChannelUpconv(nn.ConvTranspose2d):
    """`nn.ConvTranspose2d` (4 × 4, stride 2, padding 1) to one channel, on a CPU as
    1 × 1 convolution and fold.

    The same function of the same parameters, rounding aside
    (tests/training/test_speed_forms.py): each feature vector becomes the 16 pixels of
    its patch, and overlapping patches are added, those of bfloat16 in float32. The way
    back is `OneChannelConv`'s way there.
    """

    def __init__(self, channels: int, bias: bool = True) -> None:
        super().__init__(channels, 1, 4, stride=2, padding=1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        """Images (n, 1, 2h, 2w) of features (n, channels, h, w), no bfloat16."""
        if not x.is_cpu or torch.compiler.is_compiling():
            return super().forward(x)
        given = low(x, self.weight)
        images: Tensor = _Upconv.apply(*given)  # type: ignore[no-untyped-call]
        return images if self.bias is None else images + self.bias


class _Upconv(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        n, channels, h, w = x.shape
        if x.dtype != torch.bfloat16:  # as fast, and no more memory at once
            cut = F.conv2d(x, weight.flatten(1).t()[:, :, None, None]).flatten(2)
            return F.fold(cut, (2 * h, 2 * w), (4, 4), padding=1, stride=2)
        rows = x.permute(0, 2, 3, 1).reshape(-1, channels)
        planes = torch.mm(weight.flatten(1).t(), rows.t())
        return patches.added(planes.view(4, 4, n, h, w))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        seen, matrix, settings = of_patches(gradient.to(x.dtype), weight)
        of_x = torch.convolution(seen, matrix, None, *settings)
        # Of that convolution `x` is the output's side and `seen` the input's.
        needed = [False, True, False]
        _, of_weight, _ = torch.ops.aten.convolution_backward(
            x, seen, matrix, None, *settings, needed
        )
        return of_x, of_weight.view_as(weight)


def of_patches(x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Settings]:
    """A convolution (4 × 4, stride 2, padding 1) of one channel, in bfloat16 as 1 × 1
    convolution of patches: what it is of, its weights and settings.

    oneDNN works on blocks of channels; of one channel it multiplies by zeros. In
    float32 that takes as long as cutting patches. Other images are left to torch, also
    those that are no images of one channel.
    """
    fits = x.dim() == 4 and x.shape[1] == 1 and not (x.shape[2] | x.shape[3]) % 2
    if x.dtype != torch.bfloat16 or x.requires_grad or not fits:
        return x, weight, HALVING
    return patches.cut(x), weight.flatten(1)[:, :, None, None], POINTWISE


PLAIN = (nn.Conv2d, nn.ConvTranspose2d, OneChannelConv)


def low(*tensors: Any) -> tuple[Any, ...]:
    """The tensors, or None, in autocast's type where it is on, as it casts them itself.

    torch's `custom_fwd` does this as well, and takes longer than a small layer.
    """
    if not torch.is_autocast_enabled("cpu"):
        return tensors
    kind = torch.get_autocast_dtype("cpu")
    return tuple(
        t if t is None or t.dtype == torch.float64 else t.to(kind) for t in tensors
    )


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


class _Activated(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        settings: Settings,
        free: bool,
    ) -> Tensor:
        y = torch.convolution(x, weight, bias, *settings).relu_()
        ctx.settings, ctx.free = settings, free
        ctx.save_for_backward(x, weight, y)
        return y

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, y = ctx.saved_tensors
        if ctx.free and not torch.is_grad_enabled():
            masked = torch.ops.aten.threshold_backward.grad_input
            before = masked(gradient, y, 0, grad_input=gradient)
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
        return of_x, of_weight, of_bias, None, None
