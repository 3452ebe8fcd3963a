"""The layers from and to one channel in the form that a processor computes fastest: the
same functions of the same weights.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from disentlib.models import patches

# Stride, padding, dilation, whether transposed, output padding, groups.
Settings = tuple[Any, ...]
POINTWISE: Settings = ((1, 1), (0, 0), (1, 1), False, (0, 0), 1)
HALVING: Settings = ((2, 2), (1, 1), (1, 1), False, (0, 0), 1)
BORDERED: Settings = ((2, 2), (0, 0), (1, 1), False, (0, 0), 1)


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


def of_patches(
    x: Tensor, weight: Tensor, settings: Settings = HALVING
) -> tuple[Tensor, Tensor, Settings]:
    """A convolution (4 × 4, `HALVING` or `BORDERED`) of one channel, in bfloat16 as
    1 × 1 convolution of patches: what it is of, its weights and settings.

    oneDNN works on blocks of channels; of one channel it multiplies by zeros. In
    float32 that takes as long as cutting patches. Other images are left to torch, also
    those that are no images of one channel.
    """
    fits = x.dim() == 4 and x.shape[1] == 1 and not (x.shape[2] | x.shape[3]) % 2
    if x.dtype != torch.bfloat16 or x.requires_grad or not fits:
        return x, weight, settings
    framed = F.pad(x, (1, 1, 1, 1)) if settings == HALVING else x
    return patches.cut(framed), weight.flatten(1)[:, :, None, None], POINTWISE


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
