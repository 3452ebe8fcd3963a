"""The networks written out in JavaScript against torch."""

import base64
import json

import numpy as np
import pytest
import torch
from node import needs_node, run
from site_on_disk import made

from disentlib.models.networks import VAE
from disentlib.scoring.export import folded, quantised, save_script
from disentlib.sprites.grid import FactorGrid
from disentlib.sprites.render import render
from disentlib.sprites.table import GRID, Sprites
from disentlib.training.checkpoints import save_tensors

SCRIPTS = ["sprites", "text", "network", "weights", "safetensors", "models"]
INDEX = np.random.default_rng(3).integers(GRID.size, size=4)
PASSES = """
  const out = given.classes.map((classes) => {
    const image = Explorer.sprites.render(classes);
    const { mu, sigma } = Explorer.network.encode(net, image);
    return { mu: [...mu], sigma: [...sigma], picture: [...Explorer.network.decode(net, mu)] };
  });
  return out;"""


def by_torch(vae: VAE) -> list[np.ndarray]:
    words = render(INDEX)
    some = FactorGrid(("image",), (len(INDEX),))
    x = Sprites(torch.from_numpy(words.view(np.uint8)), some)
    x = x.batch(np.arange(len(INDEX)))
    mu, logvar = vae.encode(x)
    parts = mu, (logvar / 2).exp(), vae.decode(mu).sigmoid().flatten(1)
    return [part.numpy() for part in parts]


def by_node(how: str, given: dict) -> list[np.ndarray]:
    given["classes"] = GRID.classes(INDEX).tolist()
    out = run(SCRIPTS, f"const net = ({how}).network; {PASSES}", given)
    return [np.array([o[key] for o in out]) for key in ("mu", "sigma", "picture")]


@needs_node
@pytest.mark.parametrize(("D", "batch_norm"), [(4, False), (15, True)])
def test_a_runs_own_file_gives_torchs_numbers(D, batch_norm, tmp_path):
    vae = made(D, batch_norm)
    save_tensors(tmp_path / "model.safetensors", vae.state_dict(), {"step": 7})
    content = base64.b64encode((tmp_path / "model.safetensors").read_bytes()).decode()
    how = (
        "Explorer.models.open(new Uint8Array(Buffer.from(given.file, 'base64')).buffer,"
        " 'mine')"
    )
    expected = by_torch(vae)
    assert expected[2].std() > 0.05, "pictures that are flat would prove nothing"
    for ours, torchs in zip(by_node(how, {"file": content}), expected):
        np.testing.assert_allclose(ours, torchs, atol=2e-5, rtol=2e-5)


@needs_node
@pytest.mark.parametrize(("D", "batch_norm"), [(4, False), (15, True)])
def test_an_exported_script_holds_the_same_function(D, batch_norm, tmp_path):
    """To the rounding of its numbers: compared with torch on those numbers."""
    vae = made(D, batch_norm)
    path = tmp_path / "m.js"
    save_script(path, vae, {"id": "m", "title": "M"})
    assert path.stat().st_size < 700_000
    plain = VAE(D, batch_norm=False).eval().requires_grad_(False)
    rounded = {}
    for name, (tensor, axis) in folded(vae).items():
        if tensor.ndim > 1:
            whole, scale = quantised(tensor, axis, 16 if tensor.size < 5000 else 8)
            shape = [-1 if i == axis else 1 for i in range(tensor.ndim)]
            assert np.abs(whole * scale.reshape(shape) - tensor).max() <= scale.max()
            tensor = whole * scale.reshape(shape)
        rounded[name] = torch.from_numpy(np.asarray(tensor, np.float32))
    plain.load_state_dict(rounded)
    load = f"(require({json.dumps(str(path))}), await Explorer.models.load('m'))"
    for ours, torchs in zip(by_node(load, {}), by_torch(plain)):
        np.testing.assert_allclose(ours, torchs, atol=2e-5, rtol=2e-5)


def test_weights_that_are_not_finite_are_refused(tmp_path):
    vae = made(3, False)
    vae.mean.weight[0, 0] = torch.nan
    with pytest.raises(FloatingPointError, match=r"mean\.weight is not finite"):
        save_script(tmp_path / "m.js", vae, {"id": "m", "title": "M"})
    assert list(tmp_path.iterdir()) == []
