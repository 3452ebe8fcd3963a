"""Muon against torch's own, and in which precision it computes."""

import pytest
import torch

from disentlib.training.muon import Muon, orthogonalised


def matrix_of(singular, rows, columns, seed=0):
    """A matrix with these singular values, and its singular vectors, in float64."""
    generator = torch.Generator().manual_seed(seed)
    left, right = (
        torch.linalg.qr(torch.randn(n, n, dtype=torch.float64, generator=generator))[0]
        for n in (rows, columns)
    )
    left, right = left[:, : len(singular)], right[:, : len(singular)]
    return left @ torch.diag(singular) @ right.T, left, right


@pytest.mark.parametrize("shape", [(6, 40), (40, 6)])
def test_singular_vectors_stay_and_values_come_near_one(shape):
    singular = torch.logspace(0, -2.3, 6, dtype=torch.float64)
    matrix, left, right = matrix_of(singular, *shape)
    inside = left.T @ orthogonalised(matrix) @ right
    values = inside.diagonal()
    torch.testing.assert_close(inside, torch.diag(values))
    assert values.min() > 0.68 and values.max() < 1.21
    assert torch.equal(orthogonalised(0 * matrix), 0 * matrix)


def test_the_precision_is_that_of_the_matrix():
    matrix, _, _ = matrix_of(torch.linspace(1, 2, 8, dtype=torch.float64), 8, 30)
    single = orthogonalised(matrix.float())
    assert single.dtype == torch.float32
    # In bfloat16, of eight bits, the difference would be of some 1e-2.
    torch.testing.assert_close(
        single.double(), orthogonalised(matrix), atol=1e-5, rtol=0
    )


@pytest.mark.parametrize("shape", [(16, 60), (60, 16)])
def test_steps_are_torchs_but_for_its_half_precision(shape):
    generator = torch.Generator().manual_seed(1)
    start = torch.randn(shape, generator=generator)
    ours, theirs, still = (torch.nn.Parameter(start.clone()) for _ in range(3))
    steps = Muon([ours, still], 1e-2)
    torchs = torch.optim.Muon(
        [theirs], 1e-2, weight_decay=0.0, adjust_lr_fn="match_rms_adamw"
    )
    for _ in range(5):
        ours.grad = torch.randn(shape, generator=generator)
        theirs.grad = ours.grad.clone()
        steps.step()
        torchs.step()
    way = (theirs - start).norm()
    assert (ours - theirs).norm() < 0.02 * way and way > 0.1
    torch.testing.assert_close(  # so that torch's checkpoints can be gone on from
        steps.state[ours], torchs.state[theirs], atol=1e-6, rtol=1e-5
    )
    assert torch.equal(still, start)
