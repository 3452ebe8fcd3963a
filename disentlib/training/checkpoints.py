"""Checkpoints: everything that a run needs to go on, in one file that is whole or not
there.
"""

import hashlib
import json
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from disentlib.files import write_bytes
from disentlib.training.same import require_same

FORMAT = "disentlib checkpoint 1"
KEPT = 2
CHECKPOINT = re.compile(r"step-(\d+)\.safetensors")
OTHER_IMAGES = "{} is of a run on other images; give them, or another folder"


def digest(tensors: Mapping[str, Tensor], text: str = "") -> str:
    """SHA-256 of named tensors (names, types, shapes, bytes) and of a text."""
    sha = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        sha.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        if tensor.numel():
            sha.update(tensor.view(-1).view(torch.uint8).numpy().data)
    return sha.hexdigest()


def save_tensors(
    path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]
) -> None:
    """Write tensors and facts (plain data) as one safetensors file, atomically.

    The rename inside `atomic_write` is the commit point: before it the file does not
    exist, after it the file is whole and on disk. The digest inside tells a later
    reader of damage.

    Raises `OSError` as `files.atomic_write` does.
    """
    text = json.dumps(facts, sort_keys=True)
    plain = {
        name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()
    }
    metadata = {"format": FORMAT, "facts": text, "digest": digest(plain, text)}
    # Not by safetensors' own writer: it leaves a second temporary file when killed, and
    # closes the result to all but its owner.
    write_bytes(path, save(plain, metadata))


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and facts of a file that `save_tensors` wrote.

    Raises `ValueError` in one line that names a truncated, damaged or foreign file,
    `OSError` for one that may not be read.
    """
    with path.open("rb"):
        pass  # safetensors calls every file that it cannot open a missing one
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, ValueError) as error:
        raise ValueError(
            f"{path}: cut short or no safetensors file ({error})"
        ) from error
    if metadata.get("format") != FORMAT:
        raise ValueError(f"{path}: not written by disentlib")
    if metadata.get("digest") != digest(tensors, metadata.get("facts", "")):
        raise ValueError(f"{path}: damaged, its digest does not match its content")
    return tensors, json.loads(metadata["facts"])


def save_checkpoint(
    folder: Path, step: int, tensors: Mapping[str, Tensor], facts: dict[str, Any]
) -> None:
    """Keep the state after `step` in `folder`, and with it the one before; older ones
    go.

    Raises `FloatingPointError` for a tensor of numbers that are not finite, so that the
    last good checkpoint outlives a run that goes wrong.
    """
    for name, tensor in tensors.items():
        # The history and its window have undefined entries by design; they are watched
        # elsewhere.
        if name.startswith("history") or not tensor.is_floating_point():
            continue
        if not tensor.isfinite().all():
            raise FloatingPointError(
                f"step {step}: {name} is no longer finite; not kept"
            )
    kept = folder / checkpoint_name(step)
    save_tensors(kept, tensors, facts)
    # A file of a later step is one that this run could not read: it takes no good one's
    # place.
    found = checkpoints(folder)
    for old in found[found.index(kept) + KEPT :]:
        old.unlink(missing_ok=True)


def checkpoint_name(step: int) -> str:
    """The file of the state after `step`."""
    return f"step-{step:09d}.safetensors"


def checkpoints(folder: Path) -> list[Path]:
    """Checkpoint files in `folder`, the latest first, by the step in their names; those
    of other names, such as a copy, are none of ours.
    """
    found = ((CHECKPOINT.fullmatch(p.name), p) for p in folder.glob("step-*"))
    steps = [(int(match[1]), path) for match, path in found if match]
    ours = [(step, p) for step, p in steps if p.name == checkpoint_name(step)]
    return [path for _, path in sorted(ours, reverse=True)]


def load_checkpoint(
    folder: Path, config: dict[str, Any], images: str
) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """The latest whole checkpoint in `folder`, or None where there is none.

    A damaged or foreign file is named in a warning, and the one before it is used, if
    there is one.
    Raises `ValueError` in one line for a checkpoint of another configuration, or of
    other images than those whose `Sprites.checksum` is `images`.
    """
    found = checkpoints(folder)
    for path in found:
        try:
            tensors, facts = load_tensors(path)
        except ValueError as error:
            more = path != found[-1]
            then = "going on from the one before" if more else "starting at step 0"
            warnings.warn(f"{error}; {then}", stacklevel=2)
            continue
        require_same(facts.get("config", {}), config, path)
        if facts.get("images", images) != images:
            raise ValueError(OTHER_IMAGES.format(path))
        return tensors, facts
    return None
