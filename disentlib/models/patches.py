"""Patches of 4 × 4 pixels at stride 2, with a border of one zero: cut from images, and
added up to images.

With them a convolution from or to one channel is a product of matrices, and so is the
gradient of a convolution's weights (`layers`).
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def cut(x: Tensor) -> Tensor:
    """Patches (n, 16, h, w), channels last, of bfloat16 images (n, 1, 2h + 2, 2w + 2)
    with their border.

    Two neighbouring pixels move as one number, four times as fast; torch knows no
    gradient of that, nor `torch.func`.
    """
    height, width = x.shape[2] - 2, x.shape[3] - 2
    pairs = x[:, 0].contiguous().view(torch.int32)
    parts = [
        pairs[:, row : row + height : 2, pair : pair + width // 2]
        for row in range(4)
        for pair in range(2)
    ]
    return torch.stack(parts, dim=3).view(x.dtype).permute(0, 3, 1, 2)


def products(inner: Tensor, outer: Tensor) -> Tensor:
    """Sums (C, K, 4, 4) over all places of features `inner` (n, C, h, w) times the
    patches there of `outer` (n, K, 2h, 2w).
    """
    pixels = F.pad(outer.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1))
    seen = pixels.unfold(1, 4, 2).unfold(2, 4, 2).permute(0, 1, 2, 4, 5, 3)
    channels, width = inner.shape[1], outer.shape[1]
    rows = inner.permute(0, 2, 3, 1).reshape(-1, channels)
    sums = torch.mm(rows.t(), seen.reshape(len(rows), 16 * width))
    return sums.view(channels, 4, 4, width).permute(0, 3, 1, 2)


def added(planes: Tensor) -> Tensor:
    """Images (n, 1, 2h, 2w) to which patches (4, 4, n, h, w) of bfloat16 add up, in
    float32.

    Rows first: the two in the middle of a patch are its own place, the last one lies on
    the patch below, the first on the one above. Then likewise columns.
    """
    _, _, n, h, w = planes.shape
    rows = planes[1:3].float()
    rows[0, :, :, 1:] += planes[3, :, :, :-1]
    rows[1, :, :, :-1] += planes[0, :, :, 1:]
    pixels = rows[:, 1:3]
    pixels[:, 0, ..., 1:] += rows[:, 3, ..., :-1]
    pixels[:, 1, ..., :-1] += rows[:, 0, ..., 1:]
    return pixels.permute(2, 3, 0, 4, 1).reshape(n, 1, 2 * h, 2 * w)
