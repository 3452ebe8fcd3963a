"""Linear models trained by each optimiser."""

import pytest
import torch

from disentlib.models.linear import random_problem
from disentlib.training.linear import OPTIMISERS, train_linear


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_every_optimiser_comes_near_the_optimum_and_repeats(optimiser):
    rate = {"SGD": 0.001}.get(optimiser, 0.02)
    problem = random_problem(0)
    record = train_linear(problem, optimiser, 8, 0, 400, rate, decay_from=0.5)
    assert record["gap"].iloc[-1] < 3 < record["gap"].iloc[0]
    assert (record["gap"] > 0).all() and record["step"].tolist()[-1] == 400
    used = (record.filter(regex=r"^kl_\d+$") > 0.1).sum(axis=1)
    assert used.iloc[-1] <= used.iloc[0]
    short = (problem, optimiser, 8, 0, 50, rate)
    assert train_linear(*short).equals(train_linear(*short))
    assert not train_linear(*short).equals(
        train_linear(problem, optimiser, 8, 1, 50, rate)
    )


def test_no_number_is_drawn_twice(monkeypatch):
    """Of the problem, the starts and the data, of this seed and the next."""
    drawn, randn = [], torch.randn

    def noted(*shape, **options):
        numbers = randn(*shape, **options)
        drawn.append(numbers.flatten())
        return numbers

    monkeypatch.setattr(torch, "randn", noted)
    problem = random_problem(0)
    for seed in (0, 1):
        train_linear(problem, "SGD", 10, seed, 1, 0.001)
    sets = [set(numbers.double().tolist()) for numbers in drawn]
    assert len(sets) == 9
    # A pair of 32-bit numbers may be alike by chance, a hundred not.
    for i, first in enumerate(sets):
        assert all(len(first & other) < 5 for other in sets[:i])


def test_an_unknown_optimiser_is_named():
    with pytest.raises(ValueError, match="optimiser='Adagrad' is unknown; give one of"):
        train_linear(random_problem(0), "Adagrad", 4, 0, 10, 0.01)
