"""A trained model as a script for the explorer: a page from disk can load nothing else.

The script holds what a traversal needs and no more: batch norm is folded into the
layers, weights are whole numbers times a step of their layer, compressed.
"""

import base64
import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from disentlib.files import write_bytes
from disentlib.models.folding import folded
from disentlib.models.networks import VAE
from disentlib.scoring.rounding import Rounded, round_weights


def save_script(
    path: str | Path, vae: VAE, facts: Mapping[str, Any], x: Tensor
) -> None:
    """Write `vae` and `facts` (plain data: what the model is, its scores) as a script,
    atomically; weights are rounded for the images `x` (n, 1, 64, 64).

    The script calls `Explorer.addModel` of web/explorer/models.js. Raises
    `FloatingPointError` for weights that are not finite.
    """
    plain = folded(vae)
    for name, tensor in plain.state_dict().items():
        if not tensor.isfinite().all():
            raise FloatingPointError(f"{name} is not finite; train anew")
    layout, weights = packed(plain, round_weights(plain, x))
    content = json.dumps({**facts, "layout": layout, "weights": weights})
    write_bytes(path, f"Explorer.addModel({content});\n".encode())


def packed(vae: VAE, rounded: Rounded) -> tuple[list[list[Any]], str]:
    """The layout [name, shape, bits, step] of the tensors of `vae`, and their bytes.

    The bytes are those of the biases (32 bits, step 1), then of whole numbers of 16
    bits, then the upper eight bits of those of 12, then their lower four, two numbers
    a byte. zlib's Huffman code makes the upper ones shorter; base 85 makes all a text.
    """
    parts: list[tuple[list[Any], NDArray[Any]]] = []
    for name, tensor in vae.state_dict().items():
        if name in rounded:
            numbers, step, bits = rounded[name]
            parts.append(([name, list(numbers.shape), bits, step], numbers))
        else:
            parts.append(([name, list(tensor.shape), 32, 1], tensor.cpu().numpy()))
    parts.sort(key=lambda part: -part[0][2])
    long = [array for (*_, bits, _), array in parts if bits != 12]
    short = np.concatenate([a.ravel() for (*_, bits, _), a in parts if bits == 12])
    low = (short & 15).astype(np.uint8)
    halves = (short >> 4).astype(np.int8), low[::2] | low[1::2] << 4
    content = b"".join(array.tobytes() for array in (*long, *halves))
    code = zlib.compressobj(9, strategy=zlib.Z_HUFFMAN_ONLY)
    compressed = code.compress(content) + code.flush()
    layout = [entry for entry, _ in parts]
    return layout, base64.b85encode(compressed).decode()
