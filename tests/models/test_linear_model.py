"""The linear model's objective, optimum and curvature, against each other."""

import pytest
import torch

from disentlib.models.linear import (
    LinearProblem,
    LinearVAE,
    idle_curvature,
    random_model,
    random_problem,
)

PROBLEM = random_problem(3)


def best(problem: LinearProblem, D: int) -> LinearVAE:
    """The model that the theorem calls optimal."""
    paid = (problem.eigenvalues - problem.price).clamp(min=0)[:D]
    variance = (problem.price / problem.eigenvalues[:D]).clamp(max=1)
    encoder = problem.axes[:, :D] * paid.sqrt() / problem.eigenvalues[:D]
    decoder = (problem.axes[:, :D] * paid.sqrt()).T
    return LinearVAE(encoder, decoder, variance.log())


@pytest.mark.parametrize("D", [3, 5, 10])
def test_the_theorems_model_has_the_theorems_objective_and_no_gradient(D):
    parts = [part.clone().requires_grad_() for part in vars(best(PROBLEM, D)).values()]
    objective = LinearVAE(*parts).objective(PROBLEM)
    assert objective.item() == pytest.approx(PROBLEM.optimal_objective(D), rel=1e-5)
    objective.backward()
    assert all(part.grad.abs().max() < 1e-3 for part in parts)
    torch.testing.assert_close(
        LinearVAE(*parts).kl(PROBLEM), PROBLEM.optimal_kl(D), atol=1e-4, rtol=1e-4
    )


def test_no_random_model_is_better():
    least = PROBLEM.optimal_objective(10)
    for seed in range(20):
        assert random_model(12, 10, seed).objective(PROBLEM) > least


def test_the_curvature_is_that_of_the_objective():
    n = 12
    uncoded = LinearVAE(torch.zeros(n, 1), torch.zeros(1, n), torch.zeros(1))

    def along(point, j):
        direction = PROBLEM.axes[:, j : j + 1]
        model = LinearVAE(
            point[0] * direction, point[1] * direction.T, uncoded.log_variance
        )
        return model.objective(PROBLEM)

    for j, expected in enumerate(idle_curvature(PROBLEM)):
        start = torch.zeros(2, dtype=torch.float32)
        hessian = torch.autograd.functional.hessian(lambda p, j=j: along(p, j), start)
        found = torch.linalg.eigvalsh(hessian)[0]
        torch.testing.assert_close(found, expected, atol=2e-3, rtol=2e-3)
    assert ((idle_curvature(PROBLEM) < 0) == (PROBLEM.eigenvalues > 1)).all()
