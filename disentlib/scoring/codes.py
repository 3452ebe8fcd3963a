"""From a model and images to tables of codes: encode each planned row once, draw codes
from it.

A folder of posteriors holds `mean.npy`, `logvar.npy` and `posterior.json`, which says
of what.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn

from disentlib.checks import checked_path, instance, shown, whole_number
from disentlib.files import read_json, sync_folder, write_json
from disentlib.models.networks import VAE, fused
from disentlib.seeds import stream
from disentlib.sprites.grid import FactorGrid
from disentlib.sprites.table import Sprites
from disentlib.training.checkpoints import digest
from disentlib.training.folder import locked
from disentlib.training.machine import check_device

# On a CPU a small batch stays in its cache, and in memory that the allocator has at
# hand; a card wants many images at once. bench/scoring.py compares sizes. They change
# codes by rounding only.
BATCH_SIZES = {"cpu": 64, "cuda": 8192}
NAMES = ("mean", "logvar")
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Posterior:
    """Mean and log-variance of q(z|x), float32 (grid.size, D) each; NaN where not
    encoded.
    """

    mean: NDArray[np.float32]
    logvar: NDArray[np.float32]


def encode(
    vae: VAE,
    sprites: Sprites,
    index: ArrayLike,
    path: str | Path | None = None,
    batch_size: int | None = None,
    device: str | torch.device = "cpu",
    progress: Progress | None = None,
) -> Posterior:
    """The posteriors of the rows `index` (those of `metrics.plan`), each encoded once.

    Batch norm is at its running values, folded into the layers before it, which changes
    codes by rounding only; `vae` itself is not changed. Without a `path` the tables are
    in memory. With one they are memory-mapped files in that folder, which get their
    names once whole: an encoding that was killed goes on where it stopped, a finished
    one is opened, and one of other weights or rows is made anew. `progress(done,
    total)` is told the number of images after each batch.

    Raises in one line: `ValueError` for rows that are not in the grid, or none, and for
    a batch size below 1, `FloatingPointError` for a posterior that is not finite,
    `RuntimeError` where another process has the folder.
    """
    instance("vae", vae, VAE)
    rows = np.unique(instance("sprites", sprites, Sprites).grid.checked(index))
    if len(rows) == 0:
        raise ValueError("index is empty; give the rows of metrics.plan")
    check_device(str(device) if isinstance(device, torch.device) else device)
    if batch_size is None:
        batch_size = BATCH_SIZES.get(torch.device(device).type, BATCH_SIZES["cpu"])
    whole_number("batch_size", batch_size, 1)
    if progress is not None and not callable(progress):
        raise ValueError(f"progress={shown(progress)} must be a function of two counts")
    shape = (sprites.grid.size, vae.D)
    if path is None:
        posterior = Posterior(*(np.full(shape, np.nan, np.float32) for _ in NAMES))
        _fill(posterior, vae, sprites, rows, batch_size, device, progress)
        return posterior
    folder = checked_path("path", path)
    with locked(folder):
        claim = _claim(vae, sprites.grid, rows)
        if not _kept(folder, shape, claim):
            _start(folder, shape, claim)
        if not all(_whole(folder, name).exists() for name in NAMES):
            tables = [np.load(_found(folder, name), mmap_mode="r+") for name in NAMES]
            _fill(Posterior(*tables), vae, sprites, rows, batch_size, device, progress)
            for name, table in zip(NAMES, tables):
                table.flush()
                _found(folder, name).rename(_whole(folder, name))
            sync_folder(folder)
        return Posterior(
            *(np.load(_whole(folder, name), mmap_mode="r") for name in NAMES)
        )


def checked_posterior(posterior: Posterior) -> Posterior:
    """`posterior` if it holds two tables of one shape, else `ValueError`."""
    instance("posterior", posterior, Posterior)
    for name in NAMES:
        table = instance(f"posterior.{name}", getattr(posterior, name), np.ndarray)
        if table.ndim != 2:
            raise ValueError(f"posterior.{name} of shape {table.shape} must be (n, D)")
    if posterior.mean.shape != posterior.logvar.shape:
        shapes = f"mean {posterior.mean.shape} and logvar {posterior.logvar.shape}"
        raise ValueError(f"{shapes} must have one shape; encode both anew")
    return posterior


def sample(posterior: Posterior, seed: int = 0) -> NDArray[np.float32]:
    """Codes (grid.size, D) drawn from the posterior: `eq-reparameterisation`; NaN as in
    it.

    The noise of a row depends on the seed, the row and D alone, not on which rows were
    encoded. Raises `ValueError` for a seed that is no whole number of at least 0, and
    for tables that are none.
    """
    checked_posterior(posterior)
    noise = stream(seed, "codes").standard_normal(posterior.mean.shape, np.float32)
    with np.errstate(over="ignore"):  # the scores name a row that is not finite
        noise *= np.exp(0.5 * posterior.logvar)
    return np.add(noise, posterior.mean, out=noise)


@torch.inference_mode()
def _fill(
    posterior: Posterior,
    vae: VAE,
    sprites: Sprites,
    rows: NDArray[np.int64],
    batch_size: int,
    device: str | torch.device,
    progress: Progress | None,
) -> None:
    """Encode the batches of `rows` that are not in the tables yet."""
    # What torch says of its own types leaves the memory format out.
    network = _folded(vae).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    network = network.to(device)
    tables = (posterior.mean, posterior.logvar)
    missing = np.any([np.isnan(table[rows]).any(axis=1) for table in tables], axis=0)
    for start in range(0, len(rows), batch_size):
        part = rows[start : start + batch_size]
        if missing[start : start + batch_size].any():
            outputs = network.encode(sprites.batch(part, device))
            for table, output in zip(tables, outputs):
                values = output.float().cpu().numpy()
                if not np.isfinite(values).all():
                    row = part[np.argmin(np.isfinite(values).all(axis=1))]
                    raise FloatingPointError(
                        f"posterior of image {row} is not finite; train anew"
                    )
                table[part] = values
        if progress is not None:
            progress(start + len(part), len(rows))


def _folded(vae: VAE) -> VAE:
    """A copy for inference: batch norm folded into weights, ReLU in place."""
    network = copy.deepcopy(vae).eval()
    network.features = fused(network.features)
    for layer in network.features:
        if isinstance(layer, nn.ReLU):
            layer.inplace = True
    return network


def _claim(vae: VAE, grid: FactorGrid, rows: NDArray[np.int64]) -> dict[str, Any]:
    content = {**vae.state_dict(), "rows": torch.from_numpy(rows)}
    return {"digest": digest(content, f"{grid.sizes}"), "D": vae.D, "images": len(rows)}


def _kept(folder: Path, shape: tuple[int, int], claim: dict[str, Any]) -> bool:
    """Whether the folder has tables, whole or begun, of just this model and
    these rows.
    """
    try:
        tables = [np.load(_found(folder, name), mmap_mode="r") for name in NAMES]
        fit = all(
            table.shape == shape and table.dtype == np.float32 for table in tables
        )
        return fit and read_json(folder / "posterior.json") == claim
    except (OSError, ValueError, EOFError):
        return False


def _start(folder: Path, shape: tuple[int, int], claim: dict[str, Any]) -> None:
    """Tables of NaN, on disk before the claim on them is: NaN says which rows are to be
    done.
    """
    (folder / "posterior.json").unlink(missing_ok=True)
    for name in NAMES:
        _whole(folder, name).unlink(missing_ok=True)
        table = np.lib.format.open_memmap(_begun(folder, name), "w+", np.float32, shape)
        table[:] = np.nan
        table.flush()
    write_json(folder / "posterior.json", claim)


def _whole(folder: Path, name: str) -> Path:
    return folder / f"{name}.npy"


def _begun(folder: Path, name: str) -> Path:
    return folder / f"{name}.part.npy"


def _found(folder: Path, name: str) -> Path:
    return (
        _whole(folder, name) if _whole(folder, name).exists() else _begun(folder, name)
    )
