"""Configurations: the thesis' defaults, a round trip, and one line for each mistake."""

import json
from dataclasses import FrozenInstanceError, fields

import pytest
import yaml

from disentlib.training.configuration import MODELS, TrainingConfig

NEEDED = {"model": "beta_vae", "D": 10, "seed": 0, "steps": 100}


def test_defaults_are_the_thesis():
    config = TrainingConfig(**NEEDED)
    assert config.batch_size == 64 and config.beta == 4 and config.gamma == 40
    assert config.learning_rate == config.discriminator_learning_rate == 1e-4
    assert (
        config.schedule == "constant"
        and config.optimizer == "adam"
        and config.batch_norm
    )


@pytest.mark.parametrize("model", MODELS)
def test_round_trip_through_json(model):
    config = TrainingConfig(
        model, 3, 7, 50, beta=2, snapshots=[30, 10], batch_norm=False
    )
    again = TrainingConfig.from_dict(json.loads(json.dumps(config.to_dict())))
    assert again == config and hash(again) == hash(config)
    assert config.snapshots == (10, 30)
    assert type(config.beta) is float
    assert set(config.to_dict()) == {field.name for field in fields(TrainingConfig)}
    with pytest.raises(FrozenInstanceError):
        config.D = 4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"model": "gamma_vae"},
            "model 'gamma_vae' is unknown; choose one of autoencoder, vae,",
        ),
        (
            {"schedule": "cosine"},
            "schedule 'cosine' is unknown; choose one of constant, one_cycle",
        ),
        (
            {"optimizer": "lion"},
            "optimizer 'lion' is unknown; choose one of adam, muon, sgd",
        ),
        (
            {"precision": "float16"},
            "precision 'float16' is unknown; choose one of auto, float32,",
        ),
        ({"D": 0}, "D=0 must be a whole number of at least 1"),
        ({"D": -3}, "D=-3 must be a whole number of at least 1"),
        ({"steps": 0}, "steps=0 must be a whole number of at least 1"),
        ({"batch_size": 0}, "batch_size=0 must be a whole number of at least 1"),
        (
            {"checkpoint_every": 0},
            "checkpoint_every=0 must be a whole number of at least 1",
        ),
        ({"log_every": 0}, "log_every=0 must be a whole number of at least 1"),
        ({"threads": 0}, "threads=0 must be a whole number of at least 1"),
        ({"seed": -1}, "seed=-1 must be a whole number of at least 0"),
        ({"split_seed": -1}, "split_seed=-1 must be a whole number of at least 0"),
        ({"beta": -1.0}, "beta=-1.0 must be a finite number, at least 0"),
        ({"gamma": float("inf")}, "gamma=inf must be a finite number, at least 0"),
        ({"beta": float("nan")}, "beta=nan must be a finite number, at least 0"),
        (
            {"evaluation_images": -1},
            "evaluation_images=-1 must be a whole number of at least 0",
        ),
        ({"learning_rate": 0.0}, "learning_rate=0.0 must be a finite number, above 0"),
        (
            {"learning_rate": float("nan")},
            "learning_rate=nan must be a finite number, above 0",
        ),
        (
            {"discriminator_learning_rate": -1e-4},
            "discriminator_learning_rate=-0.0001 must be a finite",
        ),
        (
            {"batch_size": 1},
            "batch_size 1 has no batch statistics; use 2 or more, or no batch_no",
        ),
        ({"snapshots": (0,)}, r"snapshots \[0\] lie outside the run's 1 to 100 steps"),
        (
            {"snapshots": (50, 101)},
            r"snapshots \[101\] lie outside the run's 1 to 100 steps",
        ),
        (
            {"beta_": 4.0},
            "unknown setting beta_; the settings are D, average, batch_norm, batch",
        ),
        ({"threads": 10**5}, "threads=100000 must be a whole number of at least 1 and"),
        ({"log_every": 10**9}, "log_every=1000000000 must be a whole number of at"),
        ({"device": "tpu"}, "device 'tpu' is unknown; give cpu, cuda or cuda:1"),
        ({"device": "gpu"}, "device 'gpu' is unknown; give cpu, cuda or cuda:1"),
        ({"average": 1.0}, "average=1.0 must be a finite number, at least 0 and below"),
        (
            {"warmup": 5, "schedule": "one_cycle"},
            "warmup 5 is for a constant schedule; give 0",
        ),
        (
            {"weight_start": 2.0, "weight_steps": 5, "model": "vae"},
            "weight_steps 5 moves the weight of beta_vae or factor_vae; give 0 for vae",
        ),
        (
            {"weight_start": -1.0, "weight_steps": 5},
            "weight_start=-1.0 must be a finite number, at least",
        ),
        (
            {"weight_start": 1e16, "weight_steps": 5},
            r"weight_start=1e\+16 must be a fin",
        ),
        (
            {"weight_start": 4.0},
            "weight_start 4 and weight_steps 0 go together; give both, or 1 and 0",
        ),
        ({"weight_steps": 5}, "weight_start 1 and weight_steps 5 go together; give bo"),
        ({"zeta": 1, "eta": 1}, "unknown setting eta, zeta; the settings are"),
        ({1: 2, "eta": 1}, "unknown setting 1, eta; the settings are"),
    ],
)
def test_a_bad_value_is_refused_in_one_line(changes, message):
    with pytest.raises(ValueError, match=f"^{message}") as error:
        TrainingConfig.from_dict(NEEDED | changes)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"D": "10"}, "D '10' must be of type int"),
        ({"D": 10.0}, "D 10.0 must be of type int"),
        ({"D": True}, "D True must be of type int"),
        ({"seed": None}, "seed None must be of type int"),
        ({"learning_rate": "fast"}, "learning_rate 'fast' must be of type float"),
        ({"learning_rate": "nan"}, "learning_rate 'nan' must be of type float"),
        ({"beta": True}, "beta True must be of type float"),
        ({"batch_norm": 1}, "batch_norm 1 must be of type bool"),
        ({"batch_norm": "no"}, "batch_norm 'no' must be of type bool"),
        ({"model": 3}, "model 3 must be of type str"),
        ({"snapshots": 5}, "snapshots 5 must be a list of whole numbers"),
        ({"snapshots": [1.5]}, r"snapshots \[1.5\] must be a list of whole numbers"),
        ({"snapshots": "12"}, "snapshots '12' must be a list of whole numbers"),
    ],
)
def test_a_wrong_type_is_refused_in_one_line(changes, message):
    with pytest.raises(TypeError, match=f"^{message}$"):
        TrainingConfig.from_dict(NEEDED | changes)


@pytest.mark.parametrize(
    ("text", "number"),
    [("1e-3", "1.0e-3"), ("2.5E3", "2.5e+3"), ("0.00001", "1.0e-5"), ("5", "5.0")],
)
def test_a_number_that_yaml_reads_as_text_is_shown_as_it_should_be(text, number):
    with pytest.raises(TypeError) as error:
        TrainingConfig.from_dict(NEEDED | {"learning_rate": text})
    assert str(error.value) == (
        f"learning_rate '{text}' must be of type float; write it with a point, as in "
        f"{number}, and without quotes"
    )
    assert yaml.safe_load(number) == float(text)


@pytest.mark.parametrize("missing", NEEDED)
def test_what_has_no_default_must_be_given(missing):
    with pytest.raises(ValueError, match=f"^no value for {missing}$"):
        TrainingConfig.from_dict({k: v for k, v in NEEDED.items() if k != missing})


def test_batches_of_one_without_batch_norm():
    assert TrainingConfig(**NEEDED, batch_size=1, batch_norm=False).batch_size == 1
