"""The encoder's first two layers on the windows in which images are not black.

A sprite covers some 15 of 64 pixels each way. Where a convolution sees none of them it
gives what it gives of a black image: that is computed once, and of each image only a
window around its sprite. What comes back for all that lies outside of windows is summed
and goes back through the black image, so that values and gradients are those of whole
images, rounding aside (tests/models/test_windows.py).

`scoring.windows` encodes without gradients, and there puts images in an order in which
a whole batch has one window.
"""

from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn
from torch.utils._python_dispatch import is_in_torch_dispatch_mode

from disentlib.models.activated import bordered, hooked, plain, settings_of, through
from disentlib.models.layers import HALVING, OneChannelConv, low

DEPTH = 4  # two convolutions, each with its ReLU
FEWEST = 32  # images: of fewer, what is done once, and small, costs more than is won
LARGEST = 10 / 16  # of a side: with windows of more than that little is won


Ends = tuple[NDArray[np.int64], NDArray[np.int64]]


class Windows(NamedTuple):
    """Windows (size, size) on the places (side, side) that the second layer gives."""

    top: NDArray[np.int64]  # (n,)
    left: NDArray[np.int64]  # (n,)
    size: int
    side: int


def features(network: nn.Sequential, x: Tensor) -> Tensor:
    """`through(network, x)`, on windows where that takes less time: on a CPU, of many
    images (n, 1, h, h) that are black but for a small part.
    """
    windows = around(x) if fits(network, x) else None
    if windows is None:
        return through(network, x)
    return through(
        nn.Sequential(*list(network)[DEPTH:]), on_windows(network, x, windows)
    )


def fits(network: nn.Sequential, x: Tensor) -> bool:
    """Whether layers and images are of the kind that windows are for."""
    numbers = x.is_cpu and x.is_floating_point() and x.layout == torch.strided
    if not numbers or x.requires_grad or watched() or hooked(network):
        return False
    square = x.dim() == 4 and x.shape[1] == 1 and x.shape[2] == x.shape[3]
    if not square or x.shape[2] % 4 or len(x) < FEWEST or len(network) <= DEPTH:
        return False
    first, relu, second, other = list(network)[:DEPTH]
    if type(first) is not OneChannelConv or first.bias is None or not plain(second):
        return False
    relus = isinstance(relu, nn.ReLU) and isinstance(other, nn.ReLU)
    halves = second.weight.shape[2:] == (4, 4) and settings_of(second) == HALVING
    return relus and halves


def watched() -> bool:
    """Whether somebody records operations, who would keep the windows of these images,
    or looks on at each.
    """
    recorded = torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
    return torch.compiler.is_compiling() or recorded or is_in_torch_dispatch_mode()


def around(x: Tensor) -> Windows | None:
    """The smallest windows that all that is not black lies in, of one size; None where
    they would be too large.
    """
    white, side = x[:, 0].abs(), x.shape[2] // 4
    axes = [seen_from((white.amax(dim=i) != 0).numpy()) for i in (2, 1)]
    size = 1 + max(int((last - first).max()) for first, last in axes)
    if size > LARGEST * side:
        return None
    # What is not black in the middle, so that few windows reach over the border.
    top, left = (
        np.clip((first + last + 1 - size) // 2, 0, side - size) for first, last in axes
    )
    return Windows(top, left, size, side)


def seen_from(white: NDArray[np.bool_]) -> Ends:
    """The first and the last of the second layer's places (n,) along an axis that see
    what is white of the pixels (n, h); all of them where nothing is.
    """
    first, last = ends(white)
    for places in (white.shape[1] // 2, white.shape[1] // 4):
        first, last = touched(first, last, places)
    return first, last


def ends(white: NDArray[np.bool_]) -> Ends:
    """The first and the last place of the last axis where something is; all of them
    where nothing is.
    """
    return white.argmax(-1), white.shape[-1] - 1 - white[..., ::-1].argmax(-1)


def touched(first: ArrayLike, last: ArrayLike, places: int) -> Ends:
    """The first and the last of a layer's places that see any from `first` to `last`.

    Place i of a layer (4 × 4, stride 2, padding 1) sees 2i - 1 to 2i + 2.
    """
    lowest, highest = (np.asarray(first) - 1) // 2, (np.asarray(last) + 1) // 2
    return np.maximum(lowest, 0), np.minimum(highest, places - 1)


def on_windows(network: nn.Sequential, x: Tensor, windows: Windows) -> Tensor:
    """What the first two layers give, (n, C, side, side), of images."""
    top, left, size, side = windows
    first, second = network[0], network[2]
    x, weight, bias = low(x, first.weight, first.bias)
    images = torch.from_numpy(np.arange(len(x)))
    # From pixel 4 · top - 3 to 4 · (top + size) + 2; of a border there are three.
    pixels = F.pad(x[:, 0], (3, 3, 3, 3))
    cut = pixels.unfold(1, 4 * size + 6, 4).unfold(2, 4 * size + 6, 4)
    cut = cut[images, torch.from_numpy(top), torch.from_numpy(left)][:, None]
    inner = bordered(cut, weight, bias, outside(windows))
    weight, bias = low(second.weight, second.bias)
    own = bordered(inner, weight, bias)
    placed: Tensor = _Placed.apply(of_black(network, side), own, rows(windows))  # type: ignore[no-untyped-call]
    return placed


def of_black(network: nn.Sequential, side: int) -> Tensor:
    """What the first two layers give, (1, C, side, side), of a black image; the first
    gives its bias.
    """
    (bias,) = low(network[0].bias)
    inner = bias.relu()[None, :, None, None].expand(1, -1, 2 * side, 2 * side)
    inner = inner.contiguous(memory_format=torch.channels_last)
    return through(nn.Sequential(*list(network)[2:DEPTH]), inner)


def rows(windows: Windows) -> Tensor:
    """Where windows lie in the places of all images, one after another."""
    top, left, size, side = windows
    across = np.arange(size)
    down = np.arange(len(top))[:, None] * side + top[:, None] + across
    places = down[:, :, None] * side + (left[:, None] + across)[:, None]
    return torch.from_numpy(places.ravel())


def outside(windows: Windows) -> tuple[Tensor, ...]:
    """Which of the first layer's places (n, 2 size + 2, 2 size + 2) on windows lie
    beyond the image, where the second layer sees zeros: image, row and column of each.
    """
    top, left, size, side = windows
    across = np.arange(2 * size + 2) - 1
    down, right = (2 * start[:, None] + across for start in (top, left))
    beyond = [(places < 0) | (places >= 2 * side) for places in (down, right)]
    found = np.nonzero(beyond[0][:, :, None] | beyond[1][:, None])
    return tuple(map(torch.from_numpy, found))


class _Placed(torch.autograd.Function):
    """Windows put into copies of the black image's features."""

    @staticmethod
    def forward(ctx: Any, black: Tensor, own: Tensor, rows: Tensor) -> Tensor:
        ctx.save_for_backward(rows)
        ctx.shape = n, channels, _, _ = own.shape
        placed = black.permute(0, 2, 3, 1).repeat(n, 1, 1, 1)
        given = own.permute(0, 2, 3, 1).reshape(-1, channels)
        placed.view(-1, channels).index_copy_(0, rows, given)
        return placed.permute(0, 3, 1, 2)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        (rows,) = ctx.saved_tensors
        n, channels, height, width = ctx.shape
        places = gradient.permute(0, 2, 3, 1)
        flat = places.reshape(-1, channels)
        own = flat.index_select(0, rows).view(n, height, width, channels)
        rest = flat.index_fill(0, rows, 0).view(places.shape).sum(0, keepdim=True)
        return rest.permute(0, 3, 1, 2), own.permute(0, 3, 1, 2), None
