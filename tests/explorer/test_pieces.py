"""What the small pieces compute, against the library and against SciPy."""

from importlib import import_module

import numpy as np
import pytest
from node import needs_node, run
from scipy.integrate import tanhsinh
from scipy.stats import norm, t

from disentlib import metrics
from disentlib.metrics.designs import identity
from disentlib.sprites.grid import FactorGrid

GRID = FactorGrid(("a", "b"), (18, 18))
ANGLES = (0, 7, 20, 33, 44, 61, 90)


def integrand(p, q):
    return lambda x: p.pdf(x) * (p.logpdf(x) - q.logpdf(x))


def rotation(degrees):
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[cos, sin], [-sin, cos]])


def scipys(family, centre, spread):
    return norm(centre, spread) if family == "normal" else t(1, centre, spread)


@needs_node
def test_divergences_are_scipys():
    pairs = [
        [["normal", 0, 1], ["normal", 2, 1]],
        [["normal", -1, 0.3], ["normal", 3, 4]],
        [["normal", 0, 1], ["t", 0, 1]],
        [["normal", 1, 2], ["t", -2, 0.5]],
        [["t", 0, 1], ["t", 3, 2]],
        [["t", 0, 4], ["t", 0, 0.3]],
    ]
    found = run(
        ["text", "kl"],
        """const d = ([family, centre, spread]) => ({ family, centre, spread });
        return given.map(([p, q]) => Explorer.kl.divergence(d(p), d(q)));""",
        pairs,
    )
    for (p, q), ours in zip(pairs, found):
        tails = [10, 100, 1e4, 1e8]
        edges = [*np.negative(tails[::-1]), *np.linspace(-5, 5, 11), *tails]
        parts = tanhsinh(integrand(scipys(*p), scipys(*q)), edges[:-1], edges[1:])
        assert ours == pytest.approx(parts.integral.sum(), abs=2e-4), (p, q)


@needs_node
def test_the_cut_off_integral_runs_off_as_the_theorem_says():
    out = run(
        ["text", "kl"],
        """const p = { family: "t", centre: 0, spread: 1 }, q = { family: "normal", centre: 0, spread: 1 };
        return { cuts: [10, 100, 1000, 10000].map((A) => Explorer.kl.cutOff(p, q, A)),
                 infinite: Explorer.kl.divergence(p, q) === Infinity };""",
    )
    constant = 0.5 * np.log(2 * np.pi) - np.log(np.pi) - 2 * np.log(2) - 0.5
    limits = np.array([10, 100, 1000, 10000])
    np.testing.assert_allclose(
        out["cuts"][1:], (limits / np.pi + constant)[1:], atol=0.1
    )
    assert out["infinite"]


@needs_node
@pytest.mark.parametrize("baseline", [False, True])
def test_both_clouds_are_centred_on_the_exact_gradient(baseline):
    draws, D, sigma = 20_000, 6, 0.8
    out = run(
        ["text", "widgets", "plot", "gradients"],
        """return ["score", "path"].map((m) => Explorer.gradients.cloud(
          m, given.D, given.sigma, given.draws, given.baseline, Explorer.plot.normal(7)));""",
        {"D": D, "sigma": sigma, "draws": draws, "baseline": baseline},
    )
    for points in map(np.array, out):
        error = points.std(axis=0) / draws**0.5
        assert (np.abs(points.mean(axis=0) - 0.5) < 4 * error).all()
    score, path = (np.array(points)[:, 0].var() for points in out)
    assert path == pytest.approx(sigma**2, rel=0.05)
    noise = np.random.default_rng(0).standard_normal((400_000, D))
    f = -0.5 * ((sigma * noise - 0.5) ** 2).sum(axis=1)
    expected = ((f - f.mean() * baseline) * noise[:, 0] / sigma).var()
    assert score == pytest.approx(expected, rel=0.1)


@needs_node
def test_the_water_stands_where_the_objective_is_least():
    """The closed form against a search over what each direction may be given."""
    out = run(
        ["text", "linear"],
        "return given.map(([beta, D]) => Explorer.linear.minimum(beta, D));",
        [[4, 6], [1, 3], [64, 12], [0.5, 12]],
    )
    eigenvalues = np.array([24, 12, 6, 3, 1.5, 0.75, 0.4, 0.2, 0.1, 0.05, 0.02, 0.01])
    for (beta, D), ours in zip([(4, 6), (1, 3), (64, 12), (0.5, 12)], out):
        rates = np.linspace(0, 6, 60_001)  # nats; the error left is λ exp(-2 nats)
        loss = eigenvalues[:, None] * np.exp(-2 * rates) / (2 * 0.25) + beta * rates
        best = rates[loss.argmin(axis=1)]
        best[D:] = 0
        assert ours["used"] == (best > 0).sum()
        np.testing.assert_allclose(ours["nats"], best, atol=2e-4)
        assert ours["error"] == pytest.approx(
            (eigenvalues * np.exp(-2 * best)).sum(), rel=1e-3
        )


@needs_node
def test_scores_of_a_rotated_code_are_the_librarys(monkeypatch):
    turned = {angle: identity(GRID) @ rotation(angle) for angle in ANGLES}
    votes = {
        angle: metrics.factor_vae_score(
            codes, GRID, train=1500, test=1500, batch_size=16, threshold=0.0
        )
        for angle, codes in turned.items()
    }
    rows = np.arange(GRID.size)
    for name in metrics.__all__:  # what is imported meanwhile would keep the patch
        getattr(metrics, name)
    for name in ("sampling", "mutual_information", "irs"):
        module = import_module(f"disentlib.metrics.{name}")
        monkeypatch.setattr(module, "training_rows", lambda *_: rows)
    sampling = import_module("disentlib.metrics.sampling")
    monkeypatch.setattr(sampling, "test_rows", lambda *_: rows)
    found = run(
        ["text", "widgets", "plot", "rotation"],
        "return given.map((a) => Explorer.rotation.scores(a * Math.PI / 180));",
        ANGLES,
    )
    for angle, ours in zip(ANGLES, found):
        codes = turned[angle]
        all_of_it = {"train": GRID.size, "test": GRID.size}
        exact = {
            "mig": metrics.mig(codes, GRID),
            "sap": metrics.sap(codes, GRID, predictor="correlation", **all_of_it),
            "modularity": metrics.modularity(codes, GRID),
            "irs": metrics.irs(codes, GRID),
        }
        for name, value in exact.items():
            assert ours[name] == pytest.approx(value, abs=1e-6), (angle, name)
        assert ours["factorVae"] == pytest.approx(votes[angle], abs=0.03), angle
