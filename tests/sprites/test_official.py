"""The official files: read to the same bits, and refused, each in its own words, when
damaged.
"""

import fcntl
import io
import os
import pickle
import re
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from disentlib.sprites import official
from disentlib.sprites.grid import GRID, FactorGrid
from disentlib.sprites.render import ANGLES, SCALES, render
from disentlib.sprites.table import load_sprites

# A corner of the grid, large enough for more than one part of a file.
SMALL = FactorGrid(
    GRID.names,
    (3, 2, 2, 20, 20),
    (
        (1, 2, 3),
        SCALES[:2],
        ANGLES[:2],
        np.linspace(0, 1, 32)[:20],
        np.linspace(0, 1, 32)[:20],
    ),
)
WORDS = render(GRID.rows(SMALL.classes(np.arange(SMALL.size))))


class Trap:
    """Leaves a file behind if anything unpickles it."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def arrays(grid=SMALL, words=WORDS):
    """The arrays of the official file, in its names and types."""
    rows = np.arange(grid.size)
    bits = np.unpackbits(words.view(np.uint8), axis=1, bitorder="little")
    return {
        "imgs": bits.reshape(-1, 64, 64),
        "latents_classes": np.pad(grid.classes(rows), ((0, 0), (1, 0))),
        "latents_values": np.pad(
            grid.values(rows), ((0, 0), (1, 0)), constant_values=1.0
        ),
    }


def write_npz(path, content, trap=None):
    metadata = np.array({"title": "dSprites", "trap": trap}, dtype=object)
    np.savez_compressed(path, metadata=metadata, **content)


def write_hdf5(path, content, trap=None):
    with h5py.File(path, "w") as file:
        for name, array in content.items():
            file.create_dataset(
                name.replace("latents_", "latents/"), data=array, compression=1
            )
        file["metadata"] = np.void(pickle.dumps({"title": "dSprites", "trap": trap}))


WRITERS = {"npz": write_npz, "hdf5": write_hdf5}


@pytest.mark.parametrize("kind", WRITERS)
def test_round_trip_gives_the_same_bits_and_unpickles_nothing(kind, tmp_path):
    path, sprung = tmp_path / f"sprites.{kind}", tmp_path / "sprung"
    WRITERS[kind](path, arrays(), Trap(sprung))
    assert SMALL.size > official.PART
    assert np.array_equal(official.read(path, SMALL, WORDS), WORDS)
    assert not sprung.exists()


def test_hdf5_asks_for_no_lock(tmp_path):
    """Some file systems have none, and a good file would be called damaged."""
    path = tmp_path / "sprites.hdf5"
    write_hdf5(path, arrays())
    with path.open("rb+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert np.array_equal(official.read(path, SMALL, WORDS), WORDS)


def test_a_few_pixels_may_differ_and_are_kept(tmp_path):
    content = arrays()
    content["imgs"][7, 0, :8] ^= 1
    write_npz(tmp_path / "sprites.npz", content)
    words = official.read(tmp_path / "sprites.npz", SMALL, WORDS)
    assert words[7, 0] ^ WORDS[7, 0] == 0xFF
    assert np.array_equal(np.delete(words, 7, axis=0), np.delete(WORDS, 7, axis=0))


def changed(name, change):
    def damage(path, kind):
        content = arrays()
        content[name] = change(content[name])
        WRITERS[kind](path, content)

    return damage


def without(name):
    def damage(path, kind):
        content = arrays()
        del content[name]
        WRITERS[kind](path, content)

    return damage


def cut(share):
    def damage(path, kind):
        WRITERS[kind](path, arrays())
        os.truncate(path, int(share * path.stat().st_size))

    return damage


def bent(array):
    """One image of the official file, upside down: another image of no factors."""
    array[4321] = array[4321, ::-1]
    return array


def exchanged(array):
    array[[10, 11]] = array[[11, 10]]
    return array


def two(array):
    array[4500, 9, 9] = 2
    return array


def pickled(path, kind):
    if kind == "npz":
        np.savez(path, **{**arrays(), "imgs": np.array([None, 1], dtype=object)})
    else:
        path.write_bytes(pickle.dumps(arrays()["latents_classes"]))


DAMAGES = {
    "not there": (lambda path, kind: None, r"no such file"),
    "text": (
        lambda path, kind: path.write_text("<html>404"),
        r"neither \.npz nor \.hdf5",
    ),
    "empty": (
        lambda path, kind: path.write_text(""),
        r"neither .* \(starts with b''\)",
    ),
    "truncated": (cut(0.5), r"truncated or damaged"),
    "pickled": (pickled, r"pickle.* never loaded"),
    "an array missing": (without("latents_values"), r"has no array 'latents.values'"),
    "shape": (
        changed("imgs", lambda a: a[:-1]),
        r"'imgs' has shape \(4799, 64, 64\), not",
    ),
    "dtype": (
        changed("imgs", lambda a: a.astype(np.float32)),
        r"'imgs' is float32, not uint8",
    ),
    "order": (
        changed("latents_classes", exchanged),
        r"classes of image 10 are .* official order",
    ),
    "values": (changed("latents_values", lambda a: a * 1.01), r"values of image 0 are"),
    "grey": (changed("imgs", two), r"a pixel is 2, not 0 or 1"),
    "content": (
        changed("imgs", bent),
        r"image 4321 differs from its factors' picture in \d+",
    ),
}


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_files_are_refused_in_one_line(damage, kind, tmp_path):
    path = tmp_path / f"sprites.{kind}"
    make, message = DAMAGES[damage]
    make(path, kind)
    with pytest.raises(ValueError, match=message) as error:
        official.read(path, SMALL, WORDS)
    assert "\n" not in str(error.value) and str(error.value).startswith(f"{path}: ")


@pytest.mark.parametrize("kind", WRITERS)
def test_any_three_bytes_may_be_wrong(kind, tmp_path):
    """The file is read as it was, or refused in one line, whatever the readers say."""
    path, rng = tmp_path / f"sprites.{kind}", np.random.default_rng(0)
    WRITERS[kind](path, arrays())
    whole = path.read_bytes()
    headers = np.flatnonzero(np.frombuffer(whole, np.uint8))  # where damage tells
    for _ in range(60):
        raw = bytearray(whole)
        for place in rng.choice(headers, 3):
            raw[place] = rng.integers(256)
        path.write_bytes(raw)
        try:
            assert np.array_equal(official.read(path, SMALL, WORDS), WORDS)
        except ValueError as error:
            assert str(error).startswith(f"{path}: ") and "\n" not in str(error)


def test_a_flipped_bit_in_the_archive_is_refused(tmp_path):
    path = tmp_path / "sprites.npz"
    content = arrays()
    np.savez(path, **content)  # stored, so that only the checksum can tell
    raw = bytearray(path.read_bytes())
    place = raw.find(content["imgs"][100].tobytes())
    raw[place] ^= 1
    path.write_bytes(raw)
    with pytest.raises(ValueError, match="Bad CRC-32"):
        official.read(path, SMALL, WORDS)


def test_broken_array_header(tmp_path):
    path = tmp_path / "sprites.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays().items():
            file = io.BytesIO()
            np.save(file, array)
            content = file.getvalue()
            if name == "imgs":
                content = content.replace(b"'descr'", b"'dscr' ", 1)
            archive.writestr(f"{name}.npy", content)
    with pytest.raises(ValueError, match="truncated or damaged") as error:
        official.read(path, SMALL, WORDS)
    assert "\n" not in str(error.value)


def write_whole_npz(path, latents, parts):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, array in latents.items():
            with archive.open(f"{name}.npy", "w") as file:
                np.save(file, array)
        with archive.open("imgs.npy", "w", force_zip64=True) as file:
            header = {
                "descr": "|u1",
                "fortran_order": False,
                "shape": (GRID.size, 64, 64),
            }
            np.lib.format.write_array_header_1_0(file, header)
            for part in parts:
                file.write(part.tobytes())


def write_whole_hdf5(path, latents, parts):
    write_hdf5(path, latents)
    with h5py.File(path, "r+") as file:
        form = {"chunks": (2048, 64, 64), "compression": 1}
        images = file.create_dataset("imgs", (GRID.size, 64, 64), np.uint8, **form)
        start = 0
        for part in parts:
            images[start : start + len(part)] = part
            start += len(part)


@pytest.mark.slow
@pytest.mark.parametrize("write", [write_whole_npz, write_whole_hdf5])
def test_official_size(write, tmp_path):
    """The real 737,280 images, written in parts, read back through the public door."""
    sprites = load_sprites()
    latents = arrays(GRID, np.zeros((0, 64), "<u8"))
    del latents["imgs"]
    cuts = range(0, GRID.size, 8192)
    path = tmp_path / "dsprites_ndarray_co1sh3sc6or40x32y32_64x64"
    write(path, latents, (sprites.images(np.arange(cut, cut + 8192)) for cut in cuts))
    words = load_sprites(path).packed
    path.unlink()
    assert np.array_equal(words.numpy(), sprites.packed.numpy())


def test_messages_name_different_things():
    """At least eight kinds of damage, no two with the same words."""
    patterns = [re.sub(r"\\.", "", message) for _, message in DAMAGES.values()]
    assert len(set(patterns)) == len(DAMAGES) >= 8
