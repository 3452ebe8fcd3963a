"""The scores against their slow versions, on every designed representation."""

import random

import numpy as np
import pytest
import slow_scores
from score_calls import calls, dci

from disentlib.metrics import designs
from disentlib.sprites.grid import FactorGrid

GRID = FactorGrid(("a", "b", "c", "d"), (4, 3, 5, 6))
IDENTITY = designs.identity(GRID)
DESIGNS = {
    "identity": IDENTITY,
    "rotated": designs.rotated(GRID, 1),
    "split": designs.split(GRID, "d"),
    "merged": designs.merged(GRID, "a", "b"),
    "with_dead": designs.with_dead(IDENTITY, 2),
    "noise": designs.noise(GRID, 4, 1),
    "with_noise": designs.with_noise(IDENTITY, 7, 1),
    "spread": designs.spread(IDENTITY, 7, 1),
    "random_mixture": designs.random_mixture(GRID, 6, 3),
    "constant": np.ones((GRID.size, 2)),
}
# Numbers of images, small where a slow version goes over all pairs or all cuts.
LARGE, SMALL = {"train": 300, "test": 600}, {"train": 60, "test": 100}
SIZES = {"sap": SMALL, "explicitness": SMALL, "dci": {"train": 200, "test": 300}}
SCORES = (
    "beta_vae_score",
    "factor_vae_score",
    "pruned_factor_vae_score",
    "dci",
    "mig",
    "sap",
)
SCORES += ("modularity", "explicitness", "irs")


def slow(name, codes, seed):
    sizes = dict(SIZES.get(name, LARGE))
    if name in ("mig", "modularity", "irs"):
        del sizes["test"]
    if name in ("beta_vae_score", "factor_vae_score", "pruned_factor_vae_score"):
        sizes["batch_size"] = 8
    if name in ("factor_vae_score", "pruned_factor_vae_score"):
        sizes["threshold"] = 1e-9
    return getattr(slow_scores, name)(codes, GRID.sizes, random.Random(seed), **sizes)


def fast(name, codes, seed):
    if name == "dci":
        return dci(codes, GRID, seed, **SIZES[name])
    return [calls(SIZES.get(name, LARGE), batch_size=8)[name](codes, GRID, seed)]


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize("design", DESIGNS)
def test_agrees_with_the_slow_version_within_sampling_error(name, design):
    codes = DESIGNS[design]
    ours = np.array([fast(name, codes, seed) for seed in range(4)])
    theirs = np.array([slow(name, codes, seed) for seed in range(2)]).reshape(2, -1)
    # Four standard errors of the difference of means, both routes scattering alike; and
    # what the best cuts of the slow SAP are ahead of a tree's, or one solver of
    # another.
    error = ours.std(axis=0, ddof=1) * np.sqrt(1 / 4 + 1 / 2)
    assert (np.abs(ours.mean(axis=0) - theirs.mean(axis=0)) <= 4 * error + 0.02).all()
