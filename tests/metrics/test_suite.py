"""Properties of the scores: what no renaming, flipping, scaling, chunk or worker may
change.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from score_calls import BATCHED, FEW, calls

from disentlib import metrics
from disentlib.metrics import batches, designs
from disentlib.metrics.dci import from_importances
from disentlib.metrics.mutual_information import gap_of, modularity_of
from disentlib.sprites.grid import FactorGrid

GRID = FactorGrid(("a", "b", "c"), (3, 4, 5))
SCORES = calls(parts=False)
SEEDS = st.integers(0, 2**32 - 1)
# Two splits of a tree may be equally good; which it takes depends on the order of the
# dimensions and on signs. Everything else is exact but for the rounding of sums in
# another order.
TOLERANCE = {"sap": 0.05, "dci": 0.1}


def mixtures():
    return st.builds(designs.random_mixture, st.just(GRID), st.integers(1, 5), SEEDS)


def agree(name, changed, codes):
    score = SCORES[name]
    off = np.abs(score(changed, GRID) - score(codes, GRID))
    assert np.max(off) <= TOLERANCE.get(name, 1e-9)


def examples(name):
    return settings(
        max_examples=5 if name.startswith(("dci", "explicitness")) else 20,
        deadline=None,
    )


@pytest.mark.parametrize("name", SCORES)
def test_order_of_dimensions_does_not_matter(name):
    @examples(name)
    @given(mixtures(), st.randoms())
    def check(codes, random):
        order = list(range(codes.shape[1]))
        random.shuffle(order)
        agree(name, codes[:, order], codes)

    check()


@pytest.mark.parametrize("name", SCORES)
def test_signs_do_not_matter(name):
    @examples(name)
    @given(mixtures(), st.lists(st.sampled_from([-1, 1]), min_size=5, max_size=5))
    def check(codes, signs):
        agree(name, codes * signs[: codes.shape[1]], codes)

    check()


# The two others depend on scales by their definition. The β-VAE score's classifier pays
# for large weights, which small codes need. IRS weighs dimensions by their largest
# deviation.
SCALE_FREE = sorted({*SCORES} - {"beta_vae_score", "irs"})


@pytest.mark.parametrize("name", SCALE_FREE)
def test_scale_of_each_dimension_does_not_matter(name):
    @examples(name)
    @given(mixtures(), st.lists(st.floats(0.1, 10), min_size=5, max_size=5))
    def check(codes, scales):
        agree(name, codes * scales[: codes.shape[1]], codes)

    check()


@settings(max_examples=20, deadline=None)
@given(mixtures(), st.lists(st.floats(0.1, 10), min_size=5, max_size=5))
def test_standardised_beta_vae_score_does_not_depend_on_scales(codes, scales):
    def score(z):
        return metrics.beta_vae_score(z, GRID, standardise=True, **BATCHED)

    assert abs(score(codes * scales[: codes.shape[1]]) - score(codes)) <= 0.01


def test_raw_beta_vae_score_does_depend_on_scales():
    codes = designs.identity(GRID)
    sizes = {"train": 400, "test": 400, "batch_size": 6}
    assert metrics.beta_vae_score(codes, GRID, **sizes) == 1
    assert metrics.beta_vae_score(1e-4 * codes, GRID, **sizes) < 0.7
    assert metrics.beta_vae_score(1e-4 * codes, GRID, standardise=True, **sizes) == 1


@settings(max_examples=20, deadline=None)
@given(mixtures(), st.floats(0.1, 10))
def test_irs_does_not_depend_on_a_common_scale(codes, scale):
    agree("irs", scale * codes, codes)


def test_factor_vae_threshold_is_a_scale():
    codes = designs.identity(GRID)
    assert metrics.factor_vae_score(0.06 * codes, GRID, **BATCHED) == 1
    assert metrics.factor_vae_score(0.04 * codes, GRID, **BATCHED) == 0
    assert metrics.factor_vae_score(0.04 * codes, GRID, threshold=0, **BATCHED) == 1


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 6), st.integers(2, 6), SEEDS)
def test_order_of_factors_does_not_matter_to_a_matrix(D, K, seed):
    generator = np.random.default_rng(seed)
    matrix, entropies = generator.gamma(0.3, size=(D, K)), generator.uniform(5, 6, K)
    order = generator.permutation(K)
    for score in (
        lambda order: gap_of(matrix[:, order], entropies[order]),
        lambda order: modularity_of(matrix[:, order]),
        lambda order: from_importances(matrix[:, order], entropies).disentanglement,
        lambda order: from_importances(matrix[:, order], entropies).completeness,
    ):
        assert score(order) == pytest.approx(score(np.arange(K)), abs=1e-12)


@pytest.mark.parametrize("name", SCORES)
def test_order_of_factors_matters_by_chance_alone(name):
    """Other images are drawn for another grid: equal within four standard errors of the
    means.
    """
    grid = FactorGrid(("a", "b", "c"), (4, 3, 5))
    order = [2, 0, 1]
    turned = FactorGrid([grid.names[k] for k in order], [grid.sizes[k] for k in order])
    codes = designs.random_mixture(grid, 4, 14)
    # Row i of the turned grid has these classes, in the order of the first grid.
    classes = turned.classes(np.arange(turned.size))[:, np.argsort(order)]
    score = calls({"train": 200, "test": 400}, parts=False)[name]
    first = [score(codes, grid, seed) for seed in range(6)]
    second = [score(codes[grid.rows(classes)], turned, seed) for seed in range(6)]
    first, second = (np.reshape(scores, (6, -1)) for scores in (first, second))
    error = np.sqrt((first.var(axis=0, ddof=1) + second.var(axis=0, ddof=1)) / 6)
    assert (np.abs(first.mean(axis=0) - second.mean(axis=0)) <= 4 * error).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 6), SEEDS, st.integers(1, 220))
def test_chunks_do_not_matter(D, seed, chunk):
    codes = designs.random_mixture(GRID, D, seed)
    for score in (
        metrics.beta_vae_score,
        metrics.factor_vae_score,
        metrics.pruned_factor_vae_score,
    ):
        whole = score(codes, GRID, **BATCHED)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(batches, "CHUNK", chunk)
            assert score(codes, GRID, **BATCHED) == whole


def test_workers_do_not_matter():
    codes = designs.random_mixture(GRID, 4, 2)
    alone, many = (metrics.dci(codes, GRID, n_jobs=jobs, **FEW) for jobs in (1, 3))
    assert np.array_equal(alone.importances, many.importances)
    assert np.array_equal(alone.accuracies, many.accuracies)
    assert 0 < alone.disentanglement == many.disentanglement < 1


@pytest.mark.parametrize("name", SCORES)
def test_same_seed_same_score_and_any_real_type(name):
    codes = np.round(4 * designs.random_mixture(GRID, 3, 3))
    score = SCORES[name]
    expected = score(codes, GRID, 7)
    before = codes.copy()
    for form in (
        codes,
        codes.astype(np.int8),
        codes.astype(np.float32),
        codes.tolist(),
    ):
        assert np.array_equal(score(form, GRID, 7), expected)
    assert np.array_equal(score(codes, GRID, np.int64(7)), expected)
    assert np.array_equal(codes, before)


def test_memory_maps_are_read_and_not_written(tmp_path):
    np.save(
        tmp_path / "codes.npy", designs.random_mixture(GRID, 3, 3).astype(np.float32)
    )
    mapped = np.load(tmp_path / "codes.npy", mmap_mode="r")
    table = metrics.score_all(mapped, GRID, n_jobs=1, **BATCHED)
    assert table.equals(metrics.score_all(np.array(mapped), GRID, n_jobs=1, **BATCHED))


def test_table_has_the_numbers_of_the_functions():
    codes = designs.random_mixture(GRID, 4, 5)
    table = metrics.score_all(codes, GRID, 2, n_jobs=1, **BATCHED).set_index("score")[
        "value"
    ]
    usual = {
        **calls(),
        "factor_vae_score": lambda *of: metrics.factor_vae_score(*of, **BATCHED),
        "pruned_factor_vae_score": lambda *of: metrics.pruned_factor_vae_score(
            *of, **BATCHED
        ),
    }
    assert set(table.index) == set(usual) and len(table) == len(usual)
    for name, score in usual.items():
        assert table[name] == score(codes, GRID, 2)
    few = metrics.score_all(codes, GRID, 2, scores=["irs", "mig"], **BATCHED)
    assert few["score"].tolist() == ["irs", "mig"]
    assert few["value"].tolist() == [table["irs"], table["mig"]]


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 5), SEEDS, st.sets(st.sampled_from(metrics.SCORES), min_size=1))
def test_plan_covers_all_that_is_read(D, seed, names):
    names = sorted(
        names - {"dci", "explicitness", "sap"} or {"mig"}
    )  # these read what mig reads
    grid = FactorGrid(("a", "b", "c"), (6, 7, 8))
    sizes = {"train": 30, "test": 10, "batch_size": 4}
    codes = designs.random_mixture(grid, D, seed)
    rows = metrics.plan(grid, seed, scores=names, **sizes)
    assert (np.diff(rows) > 0).all()
    known = np.full_like(codes, np.nan)
    known[rows] = codes[rows]
    expected = metrics.score_all(codes, grid, seed, scores=names, **sizes)
    assert metrics.score_all(known, grid, seed, scores=names, **sizes).equals(expected)


def test_a_plan_refuses_no_more_than_its_scores():
    """Batches are none of MIG's business."""
    sizes = {"train": 60, "test": 60, "scores": ["mig"]}
    rows = metrics.plan(GRID, **sizes)
    codes = np.full((GRID.size, 2), np.nan)
    codes[rows] = designs.noise(GRID, 2, 0)[rows]
    assert metrics.score_all(codes, GRID, **sizes)["value"].notna().all()
