"""The official dSprites file, `.npz` or `.hdf5`, read without unpickling and checked in
full.

The archive also has a pickled `metadata`, which could run any code when loaded: it is
left alone. The images are 3 GB unpacked; they are read in parts and packed at once.
"""

import pickle
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from disentlib.sprites.grid import FactorGrid

PART = 4096  # images read at a time: 16 MB
# The name of each array here, in the .npz and in the .hdf5.
IMAGES = ("imgs", "imgs")
CLASSES = ("latents_classes", "latents/classes")
VALUES = ("latents_values", "latents/values")
# Official pixels that may differ from the rendered image: none of the published ones
# does.
TOLERANCE = 8

# What the two readers raise for a file that is not as it was written.
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, KeyError)
HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}

Parts = Iterator[NDArray[Any]]


def read(
    path: str | Path, grid: FactorGrid, rendered: NDArray[np.uint64]
) -> NDArray[np.uint64]:
    """Words (size, 64) of the official file at `path`, a word a row of pixels, bit x is
    pixel x.

    The file's classes and values must be those of `grid`, in its order, behind a
    constant first column (the colour); its images must be the `rendered` words (size,
    64) to within 8 pixels.

    Raises `ValueError` in one line that names the file, what is wrong and what to do.
    """
    path = Path(path)
    with _opened(path) as member:
        shapes = {
            IMAGES: ((grid.size, 64, 64), np.uint8),
            CLASSES: ((grid.size, len(grid.sizes) + 1), np.int64),
            VALUES: ((grid.size, len(grid.sizes) + 1), np.float64),
        }
        parts = {names: member(names, *form) for names, form in shapes.items()}
        _same(path, "classes", parts[CLASSES], grid.classes, 0)
        _same(path, "values", parts[VALUES], grid.values, 1)
        return _packed(path, parts[IMAGES], rendered)


def _same(
    path: Path, what: str, parts: Parts, known: Callable[..., Any], colour: int
) -> None:
    start = 0
    for part in parts:
        factors = known(np.arange(start, start + len(part)))
        expected = np.pad(factors, ((0, 0), (1, 0)), constant_values=colour)
        wrong = ~np.isclose(part, expected, rtol=0, atol=1e-6)
        if wrong.any():
            row = int(np.flatnonzero(wrong.any(axis=1))[0])
            raise ValueError(
                f"{path}: the {what} of image {start + row} are {part[row].tolist()}, "
                f"not {expected[row].tolist()}; the file is not in the official order"
            )
        start += len(part)


def _packed(
    path: Path, parts: Parts, rendered: NDArray[np.uint64]
) -> NDArray[np.uint64]:
    words = np.empty_like(rendered)
    start = 0
    for part in parts:
        if part.max(initial=0) > 1:
            raise ValueError(
                f"{path}: a pixel is {part.max()}, not 0 or 1; not the official file"
            )
        bits = np.packbits(part.reshape(len(part), -1), axis=1, bitorder="little").view(
            "<u8"
        )
        differ = np.bitwise_count(bits ^ rendered[start : start + len(part)]).sum(
            axis=1
        )
        if differ.max(initial=0) > TOLERANCE:
            row = int(np.argmax(differ > TOLERANCE))
            raise ValueError(
                f"{path}: image {start + row} differs from its factors' picture in "
                f"{differ[row]} pixels; the images are not those of dSprites or "
                "not in the official order"
            )
        words[start : start + len(part)] = bits
        start += len(part)
    return words


@contextmanager
def _opened(path: Path) -> Iterator[Callable[..., Parts]]:
    """A function that reads one array of the file in parts; every failure
    is one line.
    """
    again = "fetch dsprites_ndarray_co1sh3sc6or40x32y32_64x64 again"
    if not path.is_file():
        raise ValueError(
            f"{path}: no such file; leave the path and $DSPRITES out to render"
        )
    with path.open("rb") as file:
        start = file.read(8)
    try:
        if start.startswith(b"PK"):
            with zipfile.ZipFile(path) as archive:
                yield lambda *form: _from_npz(path, archive, *form)
        elif start == b"\x89HDF\r\n\x1a\n":
            import h5py  # here, since nothing else needs it

            with h5py.File(path, "r", locking=False) as file:  # some systems lack it
                yield lambda *form: _from_hdf5(path, file, *form)
        elif start[:1] == pickle.PROTO:
            raise ValueError(
                f"{path}: a pickle, which is never loaded; use the .npz or the .hdf5"
            )
        else:
            raise ValueError(
                f"{path}: neither .npz nor .hdf5 (starts with {start!r}); {again}"
            )
    except DAMAGED as error:
        raise ValueError(f"{path}: truncated or damaged ({error}); {again}") from error


def _checked(
    path: Path,
    name: str,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    expected_shape: tuple[int, ...],
    expected_dtype: type[np.generic],
) -> None:
    if dtype.hasobject:
        raise ValueError(
            f"{path}: {name!r} holds pickled objects, which are never loaded"
        )
    if tuple(shape) != expected_shape:
        raise ValueError(
            f"{path}: {name!r} has shape {tuple(shape)}, not {expected_shape}"
        )
    if dtype != expected_dtype:
        raise ValueError(f"{path}: {name!r} is {dtype}, not {np.dtype(expected_dtype)}")


def _from_npz(
    path: Path,
    archive: zipfile.ZipFile,
    names: tuple[str, str],
    shape: tuple[int, ...],
    dtype: type[np.generic],
) -> Parts:
    name = names[0]
    if f"{name}.npy" not in archive.namelist():
        raise ValueError(f"{path}: has no array {name!r}; it is not the official file")
    with archive.open(f"{name}.npy") as file:
        try:
            read_header = HEADERS[np.lib.format.read_magic(file)]
            found, fortran, found_dtype = read_header(file)
        except (ValueError, KeyError, tokenize.TokenError) as error:
            raise OSError(f"{name} has no array header") from error
        _checked(path, name, found, found_dtype, shape, dtype)
        if fortran:
            raise ValueError(
                f"{path}: {name!r} is in Fortran order; save it in C order"
            )
        row = prod(shape[1:]) * found_dtype.itemsize
        for start in range(0, shape[0], PART):
            count = min(PART, shape[0] - start)
            content = file.read(count * row)
            if len(content) < count * row:
                raise EOFError(f"{name} ends early")
            yield np.frombuffer(content, found_dtype).reshape(count, *shape[1:])
        file.read(1)  # at the end the archive's checksum is compared


def _from_hdf5(
    path: Path,
    file: Any,
    names: tuple[str, str],
    shape: tuple[int, ...],
    dtype: type[np.generic],
) -> Parts:
    name = names[1]
    if name not in file:
        raise ValueError(f"{path}: has no array {name!r}; it is not the official file")
    array = file[name]
    if not hasattr(array, "shape"):
        raise ValueError(f"{path}: {name!r} is no array; it is not the official file")
    _checked(path, name, array.shape, array.dtype, shape, dtype)
    for start in range(0, shape[0], PART):
        yield array[start : start + PART]
