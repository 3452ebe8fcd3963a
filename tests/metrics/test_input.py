"""What the scores refuse, each in one line that names the value."""

import numpy as np
import pytest

from disentlib import metrics
from disentlib.metrics import batches, designs, sampling
from disentlib.sprites.grid import FactorGrid

GRID = FactorGrid(("a", "b", "c"), (3, 4, 5))
CODES = designs.identity(GRID)
ONE = {"train": 50}
FEW = {**ONE, "test": 50}
BATCHED = {**FEW, "batch_size": 6}
SCORES = {
    "beta_vae_score": BATCHED,
    "factor_vae_score": BATCHED,
    "pruned_factor_vae_score": BATCHED,
    "dci": {**FEW, "n_jobs": 1},
    "mig": ONE,
    "mutual_information": ONE,
    "sap": FEW,
    "attribute_scores": FEW,
    "modularity": ONE,
    "explicitness": FEW,
    "irs": ONE,
    "score_all": BATCHED,
}


def refused(name, message, codes=CODES, grid=GRID, seed=0, error=ValueError, **changes):
    with pytest.raises(error, match=message) as caught:
        getattr(metrics, name)(codes, grid, seed, **SCORES[name] | changes)
    assert "\n" not in str(caught.value)


def with_value(value):
    return np.where(np.arange(60)[:, None] % 7 == 3, value, CODES)


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (CODES[:-1], r"shape \(59, 3\) do not match the grid's 60 images"),
        (CODES.T, r"shape \(3, 60\) do not match"),
        (CODES[:, 0], r"shape \(60,\) do not match"),
        (CODES[:, :0], r"D = 0 dimensions; give at least one"),
        (CODES + 0j, r"codes are complex128; give real numbers"),
        (CODES.astype(str), r"codes are <U\d+; give real numbers"),
        (CODES.astype(object), r"codes are object; give real numbers"),
        (
            with_value(np.nan),
            r"codes row (\d+) holds nan; encode the rows of metrics.plan",
        ),
        (with_value(-np.inf), r"codes row (\d+) holds -inf"),
        (
            CODES * [1, 1e-200, 1],
            r"codes of a dimension reach .*e-200 only, too little to square; multiply",
        ),
        (with_value(1e39), r"codes reach 1e\+39, beyond float32; divide them by"),
        (
            np.ma.masked_array(CODES, CODES > 1),
            r"codes are a masked array of \(60, 3\); give a plain array",
        ),
    ],
)
def test_codes(name, codes, message):
    refused(name, message, codes)


@pytest.mark.parametrize("name", SCORES)
def test_keywords_and_seeds(name):
    refused(name, "unexpected keyword argument 'bogus'", error=TypeError, bogus=1)
    refused(name, "seed=-1 must be a whole number of at least 0", seed=-1)
    for seed in (0.5, "0", None, True):
        refused(name, f"seed={seed!r} must be a whole number", seed=seed)
    for value in (0, 2.5, True, "many"):
        refused(
            name, f"train={value!r} must be a whole number of at least 2", train=value
        )
        if "test" in SCORES[name]:
            refused(
                name, f"test={value!r} must be a whole number of at least 1", test=value
            )


@pytest.mark.parametrize("ddof", [100, float("nan"), -1])
def test_a_variance_has_one_of_two_divisors(ddof):
    message = f"ddof={ddof} must be a whole number of at least 0 and at most 1"
    refused("factor_vae_score", message, ddof=ddof)


@pytest.mark.parametrize(
    "name", [name for name in SCORES if "batch_size" in SCORES[name]]
)
def test_batch_size(name):
    message = "batch_size=13 exceeds the 12 images that share a class of 'c'; give at most that"
    refused(name, message, batch_size=13)
    refused(name, "batch_size=0 must be a whole number", batch_size=0)


@pytest.mark.parametrize("name", SCORES)
def test_grids_of_which_nothing_can_be_said(name):
    codes = np.arange(6.0)[:, None]
    refused(
        name, "factor 'b' has one class only", codes, FactorGrid(("a", "b"), (6, 1))
    )
    refused(
        name,
        "a grid of 1 factor leaves nothing to tell apart",
        codes,
        FactorGrid("a", (6,)),
    )


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        (
            "beta_vae_score",
            {"difference": "squared"},
            "difference='squared' is unknown; give one of absolute, signed",
        ),
        (
            "factor_vae_score",
            {"spread": "half"},
            "spread='half' is unknown; give one of",
        ),
        (
            "factor_vae_score",
            {"threshold": -1},
            "threshold=-1 must be a finite number, at least 0",
        ),
        (
            "factor_vae_score",
            {"threshold": np.nan},
            "threshold=nan must be a finite number, at least 0",
        ),
        (
            "factor_vae_score",
            {"batch_size": 1},
            "batch_size=1 must be a whole number of at least",
        ),
        (
            "pruned_factor_vae_score",
            {"rival": 1.5},
            "rival=1.5 must be a finite number, at least 0 and at most 1",
        ),
        (
            "dci",
            {"n_estimators": 0},
            "n_estimators=0 must be a whole number of at least 1",
        ),
        (
            "score_all",
            {"n_estimators": 0},
            "n_estimators=0 must be a whole number of at least 1",
        ),
        ("score_all", {"n_jobs": 0}, "n_jobs=0 leaves no thread; give a number, or -1"),
        ("dci", {"n_jobs": -2}, "n_jobs=-2 must be a whole number of at least -1"),
        ("explicitness", {"rescale": 1}, "rescale=1 must be True or False"),
        ("beta_vae_score", {"standardise": 1}, "standardise=1 must be True or False"),
        (
            "pruned_factor_vae_score",
            {"revote": 1},
            "revote=1 must be True or False",
        ),
        ("mig", {"bins": 1}, "bins=1 must be a whole number of at least 2"),
        ("mig", {"estimator": "exact"}, "estimator='exact' is unknown; give one of"),
        (
            "modularity",
            {"dead": "drop"},
            "dead='drop' is unknown; give one of zero, skip",
        ),
        ("sap", {"predictor": "net"}, "predictor='net' is unknown; give one of"),
        (
            "irs",
            {"quantile": 0},
            "quantile=0 must be a finite number, above 0 and at most 1",
        ),
        (
            "score_all",
            {"scores": ["mig", "fid"]},
            "unknown score 'fid'; give some of beta_vae",
        ),
        ("score_all", {"scores": "fid"}, "unknown score 'fid'"),
    ],
)
def test_settings_are_looked_at_before_a_code_is(name, changes, message):
    refused(name, message, np.full_like(CODES, np.nan), **changes)


@pytest.mark.parametrize("predictor", ["thresholds", "linear_svc"])
def test_few_images_of_many_classes_bring_no_warning(predictor):
    grid = FactorGrid(("a", "b"), (3, 100))  # a warning is an error here
    codes = designs.identity(grid)
    assert metrics.sap(codes, grid, train=60, test=40, predictor=predictor) > 0


@pytest.mark.parametrize("name", ["dci", "mig", "sap"])
def test_sample_of_one_class(name):
    seed = next(
        s for s in range(99) if np.ptp(GRID.classes(rows_of(s)), axis=0).min() == 0
    )
    refused(
        name, "train=2 images show one class of '.' only; give more", seed=seed, train=2
    )


def rows_of(seed):
    return sampling.training_rows(GRID, seed, 2)


def test_one_test_image_has_no_rest():
    message = "train=50 and test=1 images leave no class of 'a' to tell from the rest; "
    refused("explicitness", message + "give more", test=1)


def test_threads_may_be_counted_by_numpy():
    assert metrics.dci(CODES, GRID, train=50, test=9, n_jobs=np.int64(-1))


def test_beta_vae_points_of_one_factor():
    seed = next(s for s in range(99) if one_factor(s))
    refused(
        "beta_vae_score", "train=2 points fixed one factor only", seed=seed, train=2
    )


def one_factor(seed):
    pairs = batches.shared_class_pairs(GRID, seed, 2, 50, 6)
    return pairs.factor[0] == pairs.factor[1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.plan(GRID, scores=["fid"]), "unknown score 'fid'"),
        (lambda: metrics.plan(GRID), "batch_size=64 exceeds the 12 images"),
        (
            lambda: metrics.active_units(CODES[0]),
            r"mean is float64 \(3,\); give real numbers",
        ),
        (lambda: metrics.active_units(CODES[:0]), r"mean is float64 \(0, 3\)"),
        (lambda: metrics.active_units(with_value(np.nan)), "mean row 3 is not finite"),
        (
            lambda: metrics.kl_per_dimension(CODES, with_value(np.inf)),
            "logvar row 3 is not finite",
        ),
        (lambda: metrics.kl_per_dimension(CODES, CODES[:9]), "must have one shape"),
        (
            lambda: metrics.gaussian_total_correlation(CODES, 600.1),
            "logvar reaches 600, more than 600; check the model for overflow",
        ),
        (
            lambda: metrics.score_posterior(CODES, with_value(-np.inf), GRID, **FEW),
            r"logvar row (\d+) holds -inf",
        ),
        (
            lambda: metrics.gaussian_total_correlation(CODES + 0j, CODES),
            "mean is complex128",
        ),
    ],
)
def test_plans_and_posteriors(call, message):
    with pytest.raises(ValueError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
