"""Weights rounded so that errors cancel: the sums of a layer, and what rounding leaves."""

import numpy as np
import pytest
import torch
from torch import nn

from disentlib.models.folding import folded
from disentlib.models.layers import OneChannelUpconv
from disentlib.paths import RESULTS
from disentlib.scoring.rounding import round_layer, round_weights, sums, whole_numbers
from disentlib.seeds import stream
from disentlib.sprites.grid import GRID
from disentlib.sprites.table import load_sprites
from disentlib.training.trained import load_model

LAYERS = {
    "dense": (nn.Linear(6, 5, bias=False), (3, 6)),
    "conv": (nn.Conv2d(2, 5, 4, 2, 1, bias=False), (3, 2, 8, 8)),
    "upconv": (nn.ConvTranspose2d(4, 5, 4, 2, 1, bias=False), (3, 4, 6, 6)),
    "last": (OneChannelUpconv(4, bias=False), (3, 4, 6, 6)),
}


@pytest.mark.parametrize("kind", LAYERS)
@torch.no_grad()
def test_the_sums_are_the_layer(kind):
    layer, shape = LAYERS[kind]
    h = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    given = layer(h)
    found = [x @ w.reshape(x.shape[1], -1) for x, w in sums(layer, h)]
    assert sum(w.numel() for _, w in sums(layer, h)) == layer.weight.numel()
    if kind == "dense":
        expected = [given]
    elif kind == "conv":
        expected = [given.movedim(1, -1).flatten(0, -2)]
    else:
        corners = [given[:, :, i::2, j::2] for i in (0, 1) for j in (0, 1)]
        expected = [corner.movedim(1, -1).flatten(0, -2) for corner in corners]
    for ours, torchs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, torchs)


def test_inputs_that_go_together_make_good_for_errors():
    draw = np.random.default_rng(0)
    x = torch.from_numpy(draw.normal(size=(4000, 4)) @ draw.normal(size=(4, 60)))
    weights = torch.from_numpy(draw.normal(size=(60, 30)))
    whole = whole_numbers(weights, x.T @ x / len(x), 0.1)
    assert (whole == whole.round()).all()
    error = (x @ (0.1 * whole - weights)).square().mean()
    nearest = (x @ (0.1 * (weights / 0.1).round() - weights)).square().mean()
    assert error < nearest / 20


def test_inputs_that_have_nothing_in_common_leave_the_nearest():
    weights = torch.from_numpy(np.random.default_rng(0).normal(size=(8, 3)))
    whole = whole_numbers(weights, torch.eye(8).double(), 0.1)
    torch.testing.assert_close(whole, (weights / 0.1).round())
    whole = whole_numbers(weights, torch.zeros(8, 8).double(), 0.1)  # no input at all
    torch.testing.assert_close(whole, (weights / 0.1).round())


@torch.no_grad()
def test_a_layer_of_zeros_stays_one():
    layer = nn.Linear(3, 2)
    layer.weight.zero_()
    numbers, step, _ = round_layer(layer, torch.randn(5, 3))
    assert step > 0 and not numbers.any() and not layer.weight.any()


@torch.no_grad()
def test_pictures_of_a_trained_model_stay_within_a_hundredth():
    sprites = load_sprites()
    vae = folded(load_model(RESULTS / "models" / "beta_vae-D10"))
    rounded = folded(vae)
    rows = stream(0, "explorer").integers(GRID.size, size=1024)
    round_weights(rounded, sprites.batch(rows))
    x = sprites.batch(np.random.default_rng(5).integers(GRID.size, size=256))
    mu = vae.encode(x)[0]
    ours = rounded.decode(rounded.encode(x)[0]).sigmoid()
    assert (ours - vae.decode(mu).sigmoid()).abs().max() < 0.01
    # Codes that no image has, as sliders give them.
    z = 1.5 * torch.from_numpy(np.random.default_rng(6).normal(size=(256, 10))).float()
    error = (rounded.decode(z).sigmoid() - vae.decode(z).sigmoid()).abs()
    assert error.max() < 0.02
