"""The encoder on windows is the encoder, of any images."""

import numpy as np
import pytest
import torch
from small_runs import small_sprites

from disentlib.models.activated import through
from disentlib.models.folding import folded
from disentlib.models.networks import VAE
from disentlib.scoring import codes, windows
from disentlib.sprites.table import Sprites


@pytest.fixture(scope="module")
def vae():
    torch.manual_seed(0)
    return folded(VAE(3, batch_norm=False))


def within(rng, top, bottom, left, right, count=3):
    """Noise on a part of black images, whose corners are white."""
    x = torch.zeros(count, 1, 64, 64)
    part = x[:, 0, top : bottom + 1, left : right + 1]
    part[:] = torch.from_numpy(rng.integers(0, 2, part.shape))
    part[0, 0, 0] = part[0, -1, -1] = 1
    return x


def whole(vae, x):
    features = through(vae.features, x)
    return vae.mean(features), vae.logvar(features)


def agrees(vae, x):
    with torch.inference_mode():
        pairs = zip(windows.on_windows(vae)(x), whole(vae, x))
        return all(torch.allclose(a, b, rtol=1e-5, atol=1e-6) for a, b in pairs)


@pytest.mark.parametrize("seed", range(40))
def test_it_is_the_encoder_wherever_the_white_is(vae, seed):
    rng = np.random.default_rng(seed)
    (top, bottom), (left, right) = (sorted(rng.integers(0, 64, 2)) for _ in range(2))
    assert agrees(vae, within(rng, top, bottom, left, right))


@pytest.mark.parametrize("row", [0, 1, 2, 3, 31, 32, 60, 61, 62, 63])
def test_it_is_the_encoder_of_a_single_pixel(vae, row):
    rng = np.random.default_rng(row)
    for column in (0, 1, 5, 30, 62, 63):
        assert agrees(vae, within(rng, row, row, column, column, count=1))


def test_it_is_the_encoder_of_black_and_of_white_images(vae):
    assert agrees(vae, torch.zeros(2, 1, 64, 64))
    assert agrees(vae, torch.ones(2, 1, 64, 64))


def test_a_window_is_no_larger_than_needed():
    """Of 15 pixels, 9, 6 and 4 outputs of the layers are computed."""
    pixels, layers = windows.along(24, 38)
    assert (pixels.start, pixels.stop) == (21, 41)
    assert [layer.inside.stop - layer.inside.start for layer in layers] == [9, 6, 4]


def test_sprites_that_follow_one_another_lie_in_one_place(vae):
    sprites = small_sprites()
    rows = np.arange(0, 2400, 3)
    order = windows.by_place(sprites, rows)
    assert sorted(order) == rows.tolist()

    def pixels(rows):
        batches = (sprites.batch(rows[i : i + 20]).sum(0)[0] for i in range(0, 800, 20))
        sides = [(b.any(0).sum(), b.any(1).sum()) for b in batches]
        return np.mean([int(a) * int(b) for a, b in sides])

    assert pixels(order) < 0.7 * pixels(rows)


def test_corners_are_those_of_the_pixels():
    x = np.zeros((400, 64, 64), np.uint8)
    rng = np.random.default_rng(0)
    for image in x[1:]:
        image[tuple(rng.integers(0, 64, (2, rng.integers(1, 5))))] = 1
    packed = np.packbits(x.reshape(400, -1), axis=1, bitorder="little")
    found = windows.corners(packed)[1:]
    wide, high = x.any(1)[1:], x.any(2)[1:]
    for first, last, there in ((0, 1, wide), (2, 3, high)):
        assert (found[:, first] == there.argmax(1)).all()
        behind = found[:, last] - (63 - there[:, ::-1].argmax(1))
        assert set(behind) <= {0, 1}


def test_any_images_are_encoded(vae):
    """Also those that are nothing like sprites: noise, and some that are black."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, (2400, 64, 64), dtype=np.uint8) * (rng.random(2400) < 0.5)[:, None, None]  # fmt: skip
    packed = np.packbits(x.reshape(2400, -1), axis=1, bitorder="little")
    noise = Sprites(torch.from_numpy(packed), small_sprites().grid)
    rows = np.arange(100)
    found = codes.encode(vae, noise, rows)
    with torch.inference_mode():
        mean, logvar = vae.encode(noise.batch(rows))
    assert np.allclose(found.mean[rows], mean, rtol=0, atol=1e-5)
    assert np.allclose(found.logvar[rows], logvar, rtol=0, atol=1e-5)
