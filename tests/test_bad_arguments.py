"""Bad values in every parameter of every public function: one line, or a right answer.

The calls are generated from the signatures: each parameter of each function gets each
bad value, the others stay good. What may come back is a result, or an error that the
library itself raises, in one line. An error from deep inside another library, or one
that no one could have meant, is a defect. `BAD_VALUES=all` tries every value on every
parameter; without it each parameter gets a share that is drawn from its name.
"""

import inspect
import os
import re
import traceback
import warnings
import zlib

import numpy as np
import pytest
import torch

from disentlib import course, metrics, models, scoring, seeds, sprites, study, training
from disentlib.metrics import designs
from disentlib.models import VAE, Discriminator, objectives
from disentlib.paths import ROOT
from disentlib.sprites import FactorGrid
from disentlib.study import load_study, stats
from disentlib.training import TrainingConfig, load_model

GRID = FactorGrid(("a", "b", "c"), (3, 4, 5))
CODES = designs.random_mixture(GRID, 3, 0)
VALUES = [1.0, 2.0, 4.0]
MATRIX = np.random.default_rng(0).random((6, 2))
BAD = (
    None, True, "", "no such thing", "a\nb", b"bytes", -1, 0, 1, 2.5, 10**30, 1e300, 1j,
    float("nan"), float("inf"), -float("inf"), [], [1], [[1, 2], [3]], [None], {}, {"a": 1}, object(),
    (1, "a"), np.array([]), np.array(3), np.zeros((2, 2)), np.full((60, 3), np.nan), np.full((60, 3), 1e30),
    np.array(["x"]), np.zeros((60, 3), complex), np.ma.masked_array(CODES, CODES > 0), np.zeros((60, 3), object),
    "../up", "x" * 200, print,
)  # fmt: skip
TABLE = sprites.Sprites(torch.zeros(GRID.size, 512, dtype=torch.uint8), GRID)
VAE_OF_3 = VAE(3).eval()
POSTERIOR = scoring.Posterior(CODES, np.zeros_like(CODES))
SCORING = scoring.Scoring(60, 30, 4, 2, score_seeds=1)
TINY = TrainingConfig("vae", 2, 0, 1, batch_size=4, evaluation_images=4)
MEANT = (ValueError, TypeError, OSError, FloatingPointError, course.NotYet)
MEANT_TYPE = re.compile("argument|must be")  # what no operator of Python's says
SIZES = {"train": 60, "test": 30, "batch_size": 4, "n_estimators": 2, "n_jobs": 1}
OPTIONS = {"quantile": 1.0, "revote": False, "dead": "zero", "rescale": False}
OPTIONS |= {"standardise": False, "difference": "absolute", "spread": "sample"}
OPTIONS |= {"predictor": "thresholds", "estimator": "histogram", "threshold": 0.05}
OPTIONS |= {"rival": 0.5, "bins": 20, "ddof": 0, "scores": ("mig",)}
CONFIG = {"model": "beta_vae", "D": 4, "seed": 0, "steps": 10}


def good_calls():
    """Function and good arguments: the starting points of all bad calls."""
    for name in (
        *metrics.SCORES,
        "mutual_information",
        "attribute_scores",
        "score_all",
    ):
        own = {"codes": CODES, "grid": GRID, "seed": 0, **SIZES, **OPTIONS}
        yield getattr(metrics, name), own
    yield metrics.plan, {"grid": GRID, **SIZES, "scores": ("mig",)}
    yield metrics.active_units, {"mean": MATRIX}
    yield metrics.kl_per_dimension, {"mean": MATRIX, "logvar": MATRIX}
    yield metrics.gaussian_total_correlation, {"mean": MATRIX, "logvar": MATRIX}
    yield (
        metrics.score_posterior,
        {"mean": CODES, "logvar": CODES, "grid": GRID, **SIZES},
    )
    for name in ("identity", "rotated", "noise", "random_mixture", "split", "merged"):
        yield (
            getattr(designs, name),
            {
                "grid": GRID,
                "D": 3,
                "seed": 0,
                "factor": "c",
                "first": "a",
                "second": "b",
            },
        )
    for name in ("with_dead", "with_noise", "spread", "standardised"):
        yield getattr(designs, name), {"codes": CODES, "D": 5, "seed": 0, "n": 1}
    yield FactorGrid, {"names": ("a", "b"), "sizes": (2, 3), "levels": ()}
    for name in ("classes", "rows", "values", "factor", "checked"):
        yield getattr(GRID, name), {"rows": [1, 2], "classes": [0, 1, 2], "name": "a"}
    yield sprites.train_test_split, {"seed": 0, "fraction": 0.5, "size": 100}
    yield seeds.stream, {"seed": 0, "purpose": "codes"}
    yield seeds.torch_stream, {"seed": 0, "purpose": "codes"}
    yield stats.mean_interval, {"values": VALUES, "level": 0.95}
    yield stats.paired_difference, {"first": VALUES, "second": VALUES, "level": 0.95}
    yield stats.trend, {"levels": VALUES, "values": VALUES}
    yield TrainingConfig, CONFIG
    yield TrainingConfig.from_dict, {"content": CONFIG}
    yield VAE, {"D": 3}
    yield Discriminator, {"D": 3}
    yield objectives.loss_weights, {"model": "vae", "beta": 1.0, "gamma": 1.0}
    yield load_study, {"name": "quick"}
    yield load_model, {"folder": ROOT / "nowhere"}
    yield metrics.rotated_within, {"codes": CODES, "used": [True, False, True]}
    yield sprites.load_sprites, {}
    yield scoring.encode, {"vae": VAE_OF_3, "sprites": TABLE, "index": [1, 2]}
    yield scoring.planned_rows, {"grid": GRID, "sizes": SCORING}
    yield scoring.sample, {"posterior": POSTERIOR, "seed": 0}
    given = {"posterior": POSTERIOR, "grid": GRID, "sizes": SCORING, "n_jobs": 1}
    yield scoring.score_codes, given
    yield scoring.score_run, {"folder": "run", "sizes": SCORING, "sprites": TABLE}
    yield scoring.Scoring, {"train": 60, "test": 30, "batch_size": 4}
    yield trained, {"config": TINY, "sprites": TABLE, "folder": "run"}
    yield course.check, {"name": "a", "given": 1.0, "code": "abcdef", "digits": 2}
    yield course.digest, {"name": "a", "answer": 1.0, "digits": 2}
    yield course.quiz, {"name": "a", "given": "ab", "codes": "abcdef abcdef"}
    yield course.holds, {"name": "a", "given": len, "test": callable, "otherwise": "no"}


def trained(config, sprites, folder):
    """A run to its end, or to what its first step says."""
    return list(training.train(config, sprites, folder))


# Results and errors, which nobody makes by hand, and what takes torch's own arguments.
# (The types of a table of sprites are looked at by jaxtyping in the tests.)
LEFT_OUT = {"Sprites", "DCI", "Posterior", "Scored", "Study", "NotYet"}
LEFT_OUT |= {"count_parameters", "initialised"}


def test_every_public_function_is_among_the_calls():
    called = {function.__qualname__ for function, _ in good_calls()} | {"train"}
    public = {
        name
        for room in (metrics, models, sprites, scoring, study, training, course)
        for name in room.__all__
        if callable(getattr(room, name)) and getattr(room, name).__module__ != "typing"
    }
    assert public - called == LEFT_OUT


def bad_calls():
    for function, good in good_calls():
        parameters = inspect.signature(function).parameters.values()
        named = [
            p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
        ]
        own = {p.name: good[p.name] for p in named if p.name in good}
        for parameter in named:
            for i, value in enumerate(BAD):
                yield function, own, parameter.name, i, value


def fault(function, arguments):
    """What is wrong with how a call ends; empty where nothing is."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            function(**arguments)
        except MEANT as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            if str(ROOT / "disentlib") not in last.filename:
                return f"from inside {last.filename}: {error!r}"
            if isinstance(error, TypeError) and not MEANT_TYPE.search(str(error)):
                return f"an operator's error: {error!r}"
            if "ambiguous" in str(error):
                return f"an array asked whether it is true: {error!r}"
            if "\n" in str(error) or len(str(error)) > 500 or not str(error):
                return f"not one line: {error!r}"
        except Exception as error:
            return f"unmeant: {error!r}"
    return ""


def test_every_bad_value_ends_in_one_line_or_a_right_answer(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # some values are names of folders
    calls = list(bad_calls())
    assert len(calls) > 1000
    if os.environ.get("BAD_VALUES") != "all":
        calls = [
            c for c in calls if zlib.crc32(f"{c[0]}{c[2]}{c[3]}".encode()) % 8 == 0
        ]
    faults = [
        f"{function.__qualname__}({name}={value!r:.40}): {said:.160}"
        for function, own, name, _, value in calls
        if (said := fault(function, own | {name: value}))
    ]
    print(f"{len(calls)} calls, {len(faults)} faults")
    assert faults == []


def test_what_a_run_is_given_is_looked_at_before_its_folder():
    good = {function: own for function, own in good_calls()}
    for function in (trained, scoring.score_run):
        for name in (
            n for n in inspect.signature(function).parameters if n != "folder"
        ):
            for value in ("", 2.5, [None], {"a": 1}, GRID):
                with pytest.raises(ValueError, match=name) as error:
                    function(**good[function] | {name: value})
                assert "\n" not in str(error.value)
