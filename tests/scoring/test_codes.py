"""Codes: each row once, noise that depends on the row alone."""

import copy

import numpy as np
import pytest
import torch

from disentlib import metrics
from disentlib.models.networks import VAE
from disentlib.scoring import codes
from disentlib.sprites.table import Sprites

EVEN = np.arange(0, 2400, 2)


@pytest.fixture(scope="module")
def vae():
    torch.manual_seed(0)
    network = VAE(3)
    for (
        layer
    ) in network.features:  # running values that are not those of a fresh network
        if isinstance(layer, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.5, 2)
            torch.nn.init.uniform_(layer.weight, 0.5, 2)
    return network


@pytest.fixture(scope="module")
def posterior(vae, small):
    return codes.encode(vae, small, EVEN)


def same(a, b):
    return all(
        np.array_equal(getattr(a, name), getattr(b, name), equal_nan=True)
        for name in codes.NAMES
    )


@pytest.fixture
def images(monkeypatch):
    """The numbers of images that were asked for, call by call."""
    seen, batch = [], Sprites.batch
    monkeypatch.setattr(
        Sprites, "batch", lambda *given: (seen.append(len(given[1])), batch(*given))[1]
    )
    return seen


@torch.no_grad()
def test_posterior_is_the_encoders_for_the_rows_asked_and_nan_elsewhere(
    vae, small, posterior
):
    expected = copy.deepcopy(vae).eval().encode(small.batch(EVEN))
    for table, values in zip((posterior.mean, posterior.logvar), expected):
        assert table.dtype == np.float32 and table.shape == (2400, 3)
        assert np.allclose(table[EVEN], values, rtol=0, atol=1e-5)
        assert np.isnan(table[1::2]).all()


def test_the_model_is_left_as_it_was(vae, small):
    vae.train()
    before = {name: tensor.clone() for name, tensor in vae.state_dict().items()}
    codes.encode(vae, small, [0, 1, 2])
    assert vae.training
    assert before.keys() == vae.state_dict().keys()
    assert all(
        torch.equal(before[name], tensor) for name, tensor in vae.state_dict().items()
    )


def test_order_repetitions_and_batch_size_do_not_matter(vae, small, posterior, images):
    shuffled = np.random.default_rng(0).permutation(np.append(EVEN, EVEN[:99]))
    assert same(codes.encode(vae, small, shuffled), posterior)
    assert sum(images) == len(EVEN)
    other = codes.encode(vae, small, EVEN, batch_size=7)
    assert np.allclose(other.mean, posterior.mean, rtol=0, atol=1e-5, equal_nan=True)


def test_network_without_batch_norm(small):
    torch.manual_seed(1)
    vae = VAE(2, batch_norm=False)
    with torch.no_grad():
        expected = vae.encode(small.batch(np.arange(5)))[1]
    assert np.allclose(
        codes.encode(vae, small, range(5)).logvar[:5], expected, atol=1e-5
    )


def test_sampled_codes_have_the_posteriors_moments():
    shape = (40_000, 2)
    mean = np.broadcast_to(np.float32([1, -2]), shape)
    logvar = np.broadcast_to(np.log(np.float32([0.25, 4])), shape)
    z = codes.sample(codes.Posterior(mean, logvar), seed=3)
    assert z.dtype == np.float32
    # Four standard errors of a mean and of a variance.
    assert np.abs(z.mean(axis=0) - [1, -2]) @ [1 / 0.5, 1 / 2] / 2 < 4 / 200
    assert (np.abs(z.var(axis=0) / [0.25, 4] - 1) < 4 * np.sqrt(2 / 40_000)).all()
    assert abs(np.corrcoef(z.T)[0, 1]) < 4 / 200


def test_noise_depends_on_seed_and_row_not_on_what_was_encoded(vae, small, posterior):
    z = codes.sample(posterior, seed=5)
    assert np.array_equal(np.isnan(z), np.isnan(posterior.mean))
    assert np.array_equal(codes.sample(posterior, seed=5), z, equal_nan=True)
    few = codes.sample(codes.encode(vae, small, EVEN[100:120]), seed=5)
    assert np.allclose(few[EVEN[100:120]], z[EVEN[100:120]], rtol=0, atol=1e-5)
    assert (
        not np.isclose(codes.sample(posterior, seed=6)[EVEN], z[EVEN]).all(axis=1).any()
    )
    assert len(np.unique(z[EVEN] - posterior.mean[EVEN], axis=0)) == len(EVEN)


def test_planned_rows_are_enough_for_every_score(vae, small):
    counts = {"train": 60, "test": 30, "batch_size": 4}
    rows = metrics.plan(small.grid, 1, **counts)
    assert len(rows) < small.grid.size
    posterior = codes.encode(vae, small, rows)
    few = metrics.score_all(posterior.mean, small.grid, 1, n_jobs=1, **counts)
    whole = codes.encode(vae, small, range(small.grid.size)).mean
    every = metrics.score_all(
        np.where(np.isnan(posterior.mean), whole, posterior.mean),
        small.grid,
        1,
        n_jobs=1,
        **counts,
    )
    assert few.equals(every) and np.isfinite(few["value"]).all()
    del counts["batch_size"]
    table = metrics.score_posterior(
        posterior.mean, posterior.logvar, small.grid, 1, **counts
    )
    assert np.isfinite(table["value"]).all()


def test_overflow_is_left_for_the_scores_to_name(small):
    mean = np.zeros((2400, 1), np.float32)
    z = codes.sample(codes.Posterior(mean, mean + 500))
    with pytest.raises(ValueError, match="check the model for overflow"):
        metrics.mig(z, small.grid)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"index": []}, ValueError, "index is empty; give the rows of metrics.plan"),
        ({"index": [0, 2400]}, ValueError, r"row 2400 is outside the grid's 0 … 2399"),
        ({"index": [0.5]}, ValueError, "must be whole numbers, not float64"),
        (
            {"index": [0], "batch_size": 0},
            ValueError,
            "batch_size=0 must be a whole number",
        ),
        (
            {"index": [0], "batch_size": True},
            ValueError,
            "batch_size=True must be a whole number",
        ),
    ],
)
def test_bad_input_is_refused_in_one_line(vae, small, arguments, error, message):
    with pytest.raises(error, match=message) as caught:
        codes.encode(vae, small, **arguments)
    assert "\n" not in str(caught.value)


def test_posterior_that_is_not_finite_names_its_image(vae, small):
    broken = copy.deepcopy(vae)
    with torch.no_grad():
        broken.logvar.bias[2] = float("nan")
    with pytest.raises(
        FloatingPointError, match=r"^posterior of image 6 is not finite"
    ):
        codes.encode(broken, small, [6, 8])


@pytest.mark.parametrize("seed", [-1, 1.5, "0", None, True])
def test_bad_seed_is_refused_in_one_line(posterior, seed):
    with pytest.raises(ValueError, match=r"^seed") as caught:
        codes.sample(posterior, seed)
    assert "\n" not in str(caught.value) and str(seed) in str(caught.value)
