"""Four passes over memory that a card needs as one kernel each, written in Triton.

`stacked` calls them for tensors on a card, and its own plain forms of the same
functions on a CPU. Images and patches are laid out as there, biases are (R, C).
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

SIZE = 2048  # values a program: rows of a pixel or patch position, C values each


@triton.jit
def _gather(
    x,
    out,
    total,
    h: tl.constexpr,
    w: tl.constexpr,
    C: tl.constexpr,
    ROWS: tl.constexpr,
):
    q = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    dx, dy, b, a = q % 2, q // 2 % 2, q // 4 % 2, q // 8 % 2
    m = q // 16
    j, i, n = m % w, m // w % h, m // (w * h)
    y, z = 2 * (i + a) + dy - 1, 2 * (j + b) + dx - 1
    inside = (y >= 0) & (y < 2 * h) & (z >= 0) & (z < 2 * w) & (q < total)
    place = ((n * 2 * h + y) * 2 * w + z) * C
    c = tl.arange(0, C)
    values = tl.load(x + place[:, None] + c[None, :], mask=inside[:, None], other=0.0)
    tl.store(out + q[:, None] * C + c[None, :], values, mask=(q < total)[:, None])


@triton.jit
def _scatter(
    patches,
    bias,
    out,
    total,
    per_run,
    slope,
    h: tl.constexpr,
    w: tl.constexpr,
    C: tl.constexpr,
    ROWS: tl.constexpr,
):
    p = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    z, y, n = p % (2 * w), p // (2 * w) % (2 * h), p // (4 * w * h)
    dy, dx, top, left = (y + 1) % 2, (z + 1) % 2, (y + 1) // 2, (z + 1) // 2
    c = tl.arange(0, C)
    run = p // per_run
    known = p < total
    value = tl.load(bias + (run * C)[:, None] + c[None, :], mask=known[:, None]).to(
        tl.float32
    )
    for k in tl.static_range(4):
        a = k // 2
        b = k % 2
        i, j = top - a, left - b
        inside = (i >= 0) & (i < h) & (j >= 0) & (j < w) & known
        q = ((n * h + i) * w + j) * 16 + a * 8 + b * 4 + dy * 2 + dx
        value += tl.load(
            patches + q[:, None] * C + c[None, :], mask=inside[:, None], other=0.0
        ).to(tl.float32)
    value = tl.where(value > 0, value, slope * value)
    tl.store(out + p[:, None] * C + c[None, :], value, mask=known[:, None])


@triton.jit
def _activate(x, bias, rows, slope, C: tl.constexpr, ROWS: tl.constexpr):
    run = tl.program_id(1).to(tl.int64)
    m = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    c = tl.program_id(2) * C + tl.arange(0, C)
    width = tl.num_programs(2) * C
    place = (run * rows + m)[:, None] * width + c[None, :]
    known = (m < rows)[:, None]
    value = tl.load(x + place, mask=known).to(tl.float32)
    value += tl.load(bias + run * width + c).to(tl.float32)[None, :]
    value = tl.where(value > 0, value, slope * value)
    tl.store(x + place, value, mask=known)


@triton.jit
def _deactivate(
    gradient, y, out, sums, rows, slope, C: tl.constexpr, ROWS: tl.constexpr
):
    run = tl.program_id(1).to(tl.int64)
    m = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    c = tl.program_id(2) * C + tl.arange(0, C)
    width = tl.num_programs(2) * C
    place = (run * rows + m)[:, None] * width + c[None, :]
    known = (m < rows)[:, None]
    value = tl.load(gradient + place, mask=known, other=0.0).to(tl.float32)
    sign = tl.load(y + place, mask=known, other=0.0).to(tl.float32)
    value = tl.where(sign > 0, value, slope * value)
    tl.store(out + place, value, mask=known)
    part = run * tl.num_programs(0) + tl.program_id(0)
    tl.store(sums + part * width + c, tl.sum(value, axis=0))


def gather(x: Tensor) -> Tensor:
    """`stacked.gather` in one pass."""
    n, height, width, channels = x.shape
    h, w = height // 2, width // 2
    out = x.new_empty(n, h, w, 16 * channels)
    total = n * h * w * 16
    rows = _rows(channels)
    _gather[(triton.cdiv(total, rows),)](x, out, total, h, w, channels, rows)
    return out


def scatter(patches: Tensor, bias: Tensor, slope: float) -> Tensor:
    """`stacked.scatter`, plus a bias (R, C), through a leaky ReLU, in one pass."""
    n, h, w, _ = patches.shape
    runs, channels = bias.shape
    out = patches.new_empty(n, 2 * h, 2 * w, channels)
    total = n * 4 * h * w
    rows = _rows(channels)
    _scatter[(triton.cdiv(total, rows),)](
        patches, bias, out, total, total // runs, slope, h, w, channels, rows
    )
    return out


def activate_(x: Tensor, bias: Tensor, slope: float) -> Tensor:
    """A leaky ReLU of `x` (R, rows, C) plus a bias (R, C), in place."""
    runs, rows, width = x.shape
    part = _part(width)
    grid = (triton.cdiv(rows, _rows(part)), runs, width // part)
    _activate[grid](x, bias, rows, slope, part, _rows(part))
    return x


def deactivate(gradient: Tensor, y: Tensor, slope: float) -> tuple[Tensor, Tensor]:
    """Gradients of `activate_` for `x` (R, rows, C) and for the bias (R, C), from its
    result `y`.
    """
    runs, rows, width = y.shape
    part = _part(width)
    blocks = triton.cdiv(rows, _rows(part))
    out = torch.empty_like(y)
    sums = torch.empty(runs, blocks, width, device=y.device, dtype=torch.float32)
    grid = (blocks, runs, width // part)
    _deactivate[grid](gradient, y, out, sums, rows, slope, part, _rows(part))
    return out, sums.sum(dim=1)


def _part(width: int) -> int:
    """The largest power of two in `width` columns, up to 64."""
    return min(width & -width, 64)


def _rows(width: int) -> int:
    """Rows of `width` values, a power of two, that a program takes."""
    return SIZE // width
