"""The count from eigenvalues is the theorem's."""

import numpy as np
import pytest

from disentlib.models.linear import random_problem
from disentlib.study.dimensions import binary_eigenvalues, directions_that_pay


def test_the_count_is_the_theorems():
    for beta in (1.0, 4.0, 16.0):
        problem = random_problem(0, beta=beta)
        known = int((problem.optimal_kl(12) > 0).sum())
        counted = directions_that_pay(problem.eigenvalues, problem.price)
        assert counted == known


def test_pixels_that_move_together_are_one_direction():
    rng = np.random.default_rng(0)
    halves = rng.integers(0, 2, (400, 2), dtype=np.uint8)
    images = np.zeros((400, 64, 64), np.uint8)
    images[:, :, :32], images[:, :, 32:] = halves[:, :1, None], halves[:, 1:, None]
    images[:, 0, 0] = 0  # a pixel that never changes
    values = binary_eigenvalues(images)
    assert values.sum() == pytest.approx(4095)
    assert directions_that_pay(values, 4.0) == 2
