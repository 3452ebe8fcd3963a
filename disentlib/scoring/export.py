"""A trained model as a script for the explorer: a page from disk can load nothing else.

The script holds what a traversal needs and no more: batch norm is folded into the
layers, and most weights are whole numbers of 8 bits times a scale of their channel.
"""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn
from torch.nn.utils import fuse_conv_bn_eval, fuse_linear_bn_eval

from disentlib.files import atomic_write
from disentlib.models.networks import VAE

# Layers of fewer weights than this keep 16 bits: they are the first and the last, where
# an error is felt most, and cost next to nothing.
SMALL = 5_000
Layer = nn.Conv2d | nn.ConvTranspose2d | nn.Linear
Named = dict[str, tuple[NDArray[np.float32], int]]


def save_script(path: str | Path, vae: VAE, facts: Mapping[str, Any]) -> None:
    """Write `vae` and `facts` (plain data: what the model is, its scores) as a script,
    atomically.

    The script calls `Explorer.addModel` of web/explorer/models.js. Raises
    `FloatingPointError` for weights that are not finite.
    """
    layout, weights = packed(folded(vae))
    content = json.dumps({**facts, "layout": layout, "weights": weights})
    with atomic_write(path) as temporary:
        temporary.write_text(f"Explorer.addModel({content});\n")


def folded(vae: VAE) -> Named:
    """Weights and biases of the same function without batch norm (at its running
    values), each with its channel axis.

    Names are those of `VAE(D, batch_norm=False)`.
    """
    tensors: Named = {}
    for part in ("features", "decoder"):
        for name, layer in fused(getattr(vae, part)).named_children():
            if isinstance(layer, Layer):
                tensors |= named(f"{part}.{name}", layer)
    return tensors | named("mean", vae.mean) | named("logvar", vae.logvar)


def fused(network: nn.Sequential) -> nn.Sequential:
    """`network` with each batch norm folded into the layer before it."""
    layers: list[nn.Module] = []
    for layer in network.eval():
        before = layers[-1] if layers else None
        if isinstance(layer, nn.BatchNorm1d) and isinstance(before, nn.Linear):
            layers[-1] = fuse_linear_bn_eval(before, layer)
        elif isinstance(layer, nn.BatchNorm2d) and isinstance(before, nn.Conv2d):
            layers[-1] = fuse_conv_bn_eval(before, layer)
        elif isinstance(layer, nn.BatchNorm2d) and isinstance(
            before, nn.ConvTranspose2d
        ):
            layers[-1] = fuse_conv_bn_eval(before, layer, transpose=True)
        else:
            layers.append(layer)
    return nn.Sequential(*layers)


def named(name: str, layer: Layer) -> Named:
    """The tensors of a layer, each with the axis of its output channels."""
    axis = 1 if isinstance(layer, nn.ConvTranspose2d) else 0
    parts = {f"{name}.weight": (layer.weight, axis)}
    if layer.bias is not None:
        parts[f"{name}.bias"] = (layer.bias, 0)
    return {k: (tensor.detach().cpu().numpy(), at) for k, (tensor, at) in parts.items()}


def packed(tensors: Named) -> tuple[list[list[Any]], str]:
    """The layout [name, shape, bits, channel axis] of tensors, and their bytes in
    base64: those of 32 bits first, then 16, then 8, so that each is aligned.
    """
    parts: list[tuple[str, int, int, NDArray[Any]]] = []
    for name, (tensor, axis) in tensors.items():
        if not np.isfinite(tensor).all():
            raise FloatingPointError(f"{name} is not finite; train anew")
        if tensor.ndim == 1:
            parts.append((name, 32, axis, tensor))
            continue
        bits = 16 if tensor.size < SMALL else 8
        whole, scale = quantised(tensor, axis, bits)
        parts += [(name, bits, axis, whole), (f"{name}.scale", 32, 0, scale)]
    parts.sort(key=lambda part: -part[1])
    layout = [
        [name, list(array.shape), bits, axis] for name, bits, axis, array in parts
    ]
    content = b"".join(array.tobytes() for *_, array in parts)
    return layout, base64.b64encode(content).decode()


def quantised(
    tensor: NDArray[np.float32], axis: int, bits: int
) -> tuple[NDArray[np.signedinteger[Any]], NDArray[np.float32]]:
    """`tensor` in whole numbers of 8 or 16 bits, and the scale of each channel along
    `axis` that they are to be multiplied with.
    """
    largest = 2 ** (bits - 1) - 1
    others = tuple(i for i in range(tensor.ndim) if i != axis)
    scale = np.abs(tensor).max(axis=others, keepdims=True) / np.float32(largest)
    scale = np.where(scale > 0, scale, np.float32(1)).astype(np.float32)
    whole = np.rint(tensor / scale).clip(-largest, largest)
    return whole.astype(f"<i{bits // 8}"), scale.reshape(-1)
