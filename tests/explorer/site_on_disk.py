"""The explorer on a disk, as the book lays it out, with models made for a test."""

import shutil
from pathlib import Path

import numpy as np
import torch

from disentlib.models.networks import VAE
from disentlib.paths import ROOT
from disentlib.scoring.export import save_script
from disentlib.sprites.grid import GRID, FactorGrid
from disentlib.sprites.render import render
from disentlib.sprites.table import Sprites
from disentlib.study.catalogue import place_models

PIECES = ("page", "kl", "gradients", "linear", "rotation")
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{name}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>html, body {{ margin: 0; font-family: system-ui, sans-serif; background: var(--pst-color-background, #fff); color: var(--pst-color-text-base, #222) }}
html[data-theme="dark"] {{ --pst-color-text-base: #ced6dd; --pst-color-background: #14181e;
  --pst-color-text-muted: #9ca4af; --pst-color-border: #48566b; --pst-color-primary: #4bb1f5;
  --pst-color-danger: #ff9999 }}</style></head>
<body><main><h1>{name}</h1><h2>Piece</h2><div data-explorer="{name}"><p>On paper.</p></div>
<script src="../explorer/load.js"></script></main></body></html>"""


def made(D: int, batch_norm: bool) -> VAE:
    """A network of large random weights and uneven batch statistics."""
    torch.manual_seed(D)
    vae = VAE(D, batch_norm)
    for module in vae.modules():
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.05, 0.5)
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.normal_(0, 0.3)
        elif hasattr(module, "weight"):
            module.weight.data *= 1.5 if batch_norm else 2.5
    return vae.eval().requires_grad_(False)


def images(seed: int, n: int) -> torch.Tensor:
    """Random images (n, 1, 64, 64)."""
    rows = np.random.default_rng(seed).integers(GRID.size, size=n)
    words = torch.from_numpy(render(rows).view(np.uint8))
    return Sprites(words, FactorGrid(("image",), (n,))).batch(np.arange(n))


def facts(name: str, D: int) -> dict:
    """What a script says of a model, besides its weights."""
    shares = np.random.default_rng(D).dirichlet(np.full(D, 0.3), 5).T
    return {
        "id": f"test-{name}-D{D}",
        "title": f"{name}, D = {D}",
        "step": 100,
        "start": name == "first",
        "kl": np.linspace(2.5, 0, D).tolist(),
        "importances": shares.tolist(),
        "labels": ["5 pixels to the right; scale +0.1"] * D,
        "scores": [["MIG", 0.25, 0.125], ["SAP", 0.5, None]],
    }


def lay_out(folder: Path) -> Path:
    """Pages, scripts and two models in `folder`; returns the folder of the pages."""
    shutil.copytree(ROOT / "web" / "explorer", folder / "explorer")
    results = folder / "results"
    for name, D, batch_norm in (("first", 6, True), ("second", 4, False)):
        content = facts(name, D)
        path = results / "test" / "models" / f"{content['id']}.js"
        save_script(path, made(D, batch_norm), content, images(0, 64))
    place_models(folder, results)
    (folder / "pages").mkdir()
    for name in PIECES:
        (folder / "pages" / f"{name}.html").write_text(PAGE.format(name=name))
    return folder / "pages"
