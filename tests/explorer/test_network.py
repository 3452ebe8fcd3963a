"""The networks written out in JavaScript against torch."""

import base64
import json

import numpy as np
import pytest
import torch
from node import needs_node, run
from site_on_disk import images, made

from disentlib.models.folding import folded
from disentlib.models.networks import VAE
from disentlib.scoring import export
from disentlib.scoring.rounding import round_weights
from disentlib.sprites.grid import GRID
from disentlib.training.checkpoints import save_tensors

SCRIPTS = ["sprites", "text", "network", "weights", "safetensors", "models"]
INDEX = np.random.default_rng(3).integers(GRID.size, size=4)
OPEN = (
    "Explorer.models.open(new Uint8Array(Buffer.from(given.file, 'base64')).buffer,"
    " 'mine')"
)
PASSES = """
  const out = given.classes.map((classes) => {
    const image = Explorer.sprites.render(classes);
    const { mu, sigma } = Explorer.network.encode(net, image);
    return { mu: [...mu], sigma: [...sigma], picture: [...Explorer.network.decode(net, mu)] };
  });
  return out;"""


def by_torch(vae: VAE) -> list[np.ndarray]:
    x = images(3, 4)
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
    expected = by_torch(vae)
    assert expected[2].std() > 0.05, "pictures that are flat would prove nothing"
    for ours, torchs in zip(by_node(OPEN, {"file": content}), expected):
        np.testing.assert_allclose(ours, torchs, atol=2e-5, rtol=2e-5)


@needs_node
@pytest.mark.parametrize(("D", "batch_norm"), [(4, False), (15, True)])
def test_an_exported_script_holds_the_same_function(
    D, batch_norm, tmp_path, monkeypatch
):
    """To the rounding of its numbers: compared with torch on those numbers."""
    rounded = []
    vae, x = made(D, batch_norm), images(0, 64)

    def keeps(folded, x):
        for got, own in zip(by_torch(folded), by_torch(vae), strict=True):
            np.testing.assert_allclose(got, own, atol=2e-5, rtol=2e-5)
        rounded.append(folded)
        return round_weights(folded, x)

    monkeypatch.setattr(export, "round_weights", keeps)
    path = tmp_path / "m.js"
    export.save_script(path, vae, {"id": "m", "title": "M"}, x)
    assert path.stat().st_size < 700_000
    load = f"(require({json.dumps(str(path))}), await Explorer.models.load('m'))"
    for ours, torchs in zip(by_node(load, {}), by_torch(*rounded)):
        np.testing.assert_allclose(ours, torchs, atol=2e-5, rtol=2e-5)


@needs_node
def test_batch_norm_of_the_means_is_in_both(tmp_path):
    torch.manual_seed(1)
    vae = VAE(4, batch_norm=False, mean_norm=True).eval().requires_grad_(False)
    vae.mean_norm.running_mean.normal_()
    vae.mean_norm.running_var.uniform_(0.01, 0.1)
    expected = by_torch(vae)
    for ours, torchs in zip(by_torch(folded(vae)), expected):
        np.testing.assert_allclose(ours, torchs, atol=2e-5, rtol=2e-5)
    save_tensors(tmp_path / "model.safetensors", vae.state_dict(), {"step": 7})
    content = base64.b64encode((tmp_path / "model.safetensors").read_bytes()).decode()
    for ours, torchs in zip(by_node(OPEN, {"file": content}), expected):
        np.testing.assert_allclose(ours, torchs, atol=2e-5, rtol=2e-5)


def test_weights_that_are_not_finite_are_refused(tmp_path):
    vae = made(3, False)
    vae.mean.weight[0, 0] = torch.nan
    with pytest.raises(FloatingPointError, match=r"mean\.weight is not finite"):
        export.save_script(
            tmp_path / "m.js", vae, {"id": "m", "title": "M"}, images(0, 4)
        )
    assert list(tmp_path.iterdir()) == []


def test_a_model_is_left_as_it_was():
    vae = VAE(3, batch_norm=True).train()
    folded(vae)
    assert all(module.training for module in vae.modules())
