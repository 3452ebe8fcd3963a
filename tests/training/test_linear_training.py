"""Linear models trained by each optimiser."""

import pytest

from disentlib.models.linear import random_problem
from disentlib.training.history import in_use
from disentlib.training.linear import OPTIMISERS, train_linear


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_every_optimiser_comes_near_the_optimum_and_repeats(optimiser):
    rate = {"SGD": 0.001}.get(optimiser, 0.02)
    problem = random_problem(0)
    record = train_linear(problem, optimiser, 8, 0, 400, rate, decay_from=0.5)
    assert record["gap"].iloc[-1] < 3 < record["gap"].iloc[0]
    assert (record["gap"] > 0).all() and record["step"].tolist()[-1] == 400
    assert in_use(record)[-1] <= in_use(record)[0]
    short = (problem, optimiser, 8, 0, 50, rate)
    assert train_linear(*short).equals(train_linear(*short))
    assert not train_linear(*short).equals(
        train_linear(problem, optimiser, 8, 1, 50, rate)
    )


def test_an_unknown_optimiser_is_named():
    with pytest.raises(ValueError, match="optimiser='Adagrad' is unknown; give one of"):
        train_linear(random_problem(0), "Adagrad", 4, 0, 10)
