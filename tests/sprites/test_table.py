"""The table of images, its batches, its cache and its splits."""

from pathlib import Path

import numpy as np
import pytest
import torch

from disentlib.sprites import official
from disentlib.sprites.grid import GRID
from disentlib.sprites.render import render
from disentlib.sprites.table import (
    Sprites,
    load_sprites,
    train_test_split,
    unpack_by_shifts,
)

ROWS = np.array([0, 87040, 332800, 578560, GRID.size - 1, 87040])


@pytest.fixture(scope="module")
def sprites():
    return load_sprites()


def test_images_are_the_bits_of_the_words(sprites):
    images = sprites.images(ROWS)
    assert images.dtype == np.uint8 and images.shape == (6, 64, 64)
    words = render(ROWS)
    for x in range(64):
        assert np.array_equal(images[:, :, x], words >> np.uint64(x) & np.uint64(1))


def test_every_form_of_a_batch_holds_the_same_images(sprites):
    images = sprites.images(ROWS)
    for rows in (ROWS, torch.from_numpy(ROWS)):
        batch = sprites.batch(rows)
        assert batch.dtype == torch.float32 and batch.shape == (6, 1, 64, 64)
        assert np.array_equal(batch[:, 0].numpy(), images)
    shifted = unpack_by_shifts(sprites.packed[torch.from_numpy(ROWS)])
    assert np.array_equal(shifted.reshape(6, 64, 64).numpy(), images)
    assert torch.equal(sprites.to("cpu").batch(ROWS), sprites.batch(ROWS))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_resident_on_a_gpu(sprites):
    resident = sprites.to("cuda")
    assert resident.packed.is_cuda
    for table in (sprites, resident):
        assert torch.equal(table.batch(ROWS, device="cuda").cpu(), sprites.batch(ROWS))


def test_images_of_scalars_and_of_nothing(sprites):
    assert sprites.images(3).shape == (1, 64, 64)
    assert sprites.images([]).shape == (0, 64, 64)


@pytest.mark.parametrize("rows", [[-1], [GRID.size], [0.5], ["a"]])
def test_bad_rows_are_refused(sprites, rows):
    with pytest.raises(ValueError, match="row"):
        sprites.images(rows)


def test_cache_is_made_once_kept_and_mended(tmp_path, monkeypatch):
    monkeypatch.setenv("DISENTLIB_CACHE", str(tmp_path))
    monkeypatch.delenv("DSPRITES", raising=False)
    load_sprites()
    (cached,) = tmp_path.iterdir()
    written = cached.stat().st_mtime_ns
    (tmp_path / ".dsprites.disentlib-tmp-gone-1-0123456789abcdef.npy").touch()
    mapped = load_sprites()  # it writes nothing, and removes what is left of others
    assert [path.name for path in tmp_path.iterdir()] == [cached.name]
    assert cached.stat().st_mtime_ns == written
    assert np.array_equal(mapped.packed[ROWS].numpy(), render(ROWS).view(np.uint8))
    with cached.open("rb+") as file:  # of the right shape, and black somewhere
        file.seek(200_000_000)
        file.write(bytes(4096))
    mended = load_sprites()
    assert [path.name for path in tmp_path.iterdir()] == [cached.name]
    assert np.array_equal(mended.packed[ROWS].numpy(), render(ROWS).view(np.uint8))
    hurt = np.array([200_000_000 // 512])
    assert np.array_equal(mended.packed[hurt].numpy(), render(hurt).view(np.uint8))
    cached.unlink()


def test_a_cache_that_cannot_be_written_is_said_and_survived(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("DISENTLIB_CACHE", str(blocked / "folder"))
    with pytest.warns(UserWarning, match="not kept"):
        sprites = load_sprites()
    assert np.array_equal(sprites.packed[ROWS].numpy(), render(ROWS).view(np.uint8))


def test_a_table_is_of_its_grid():
    for rows in (0, GRID.size - 1):
        packed = torch.zeros(1, 512, dtype=torch.uint8).expand(rows, 512)
        with pytest.raises(ValueError, match=r"must be \(737280, 512\)"):
            Sprites(packed)


def test_environment_names_the_default_file(tmp_path, monkeypatch):
    monkeypatch.setenv("DSPRITES", str(tmp_path / "nowhere.npz"))
    with pytest.raises(ValueError, match=r"nowhere\.npz: no such file"):
        load_sprites()
    seen = []
    monkeypatch.setattr(
        official, "read", lambda path, _, words: seen.append(path) or words
    )
    load_sprites()
    load_sprites("other.hdf5")
    assert seen == [tmp_path / "nowhere.npz", Path("other.hdf5").absolute()]


def test_split_is_the_grid_cut_in_two():
    train, test = train_test_split(seed=0)
    assert len(train) == 516_096 and len(train) + len(test) == GRID.size
    assert np.array_equal(np.sort(np.concatenate([train, test])), np.arange(GRID.size))
    again, _ = train_test_split(seed=0)
    other, _ = train_test_split(seed=1)
    assert np.array_equal(train, again) and not np.array_equal(train, other)
    # Drawn without regard to any factor: each shape keeps its share (five standard
    # deviations).
    share = np.bincount(GRID.classes(train)[:, 0]) / len(train)
    assert np.abs(share - 1 / 3).max() < 5 * np.sqrt(2 / 9 * 0.3 / 0.7 / GRID.size)


@pytest.mark.parametrize("fraction", [0, 1, -0.5, 1.5])
def test_split_refuses_an_empty_part(fraction):
    with pytest.raises(ValueError, match="leaves a part empty"):
        train_test_split(fraction=fraction)
