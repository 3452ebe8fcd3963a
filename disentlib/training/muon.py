"""Muon in the precision of the weights."""

import math
from collections.abc import Iterable

import torch
from torch import Tensor

COEFFICIENTS = 3.4445, -4.7750, 2.0315  # Jordan's, which raise small values fastest


class Muon(torch.optim.Muon):
    """torch's Muon (Jordan 2024) without weight decay, its steps as long as Adam's
    (arXiv:2502.16982), so that one rate serves both.

    torch makes an update orthogonal in bfloat16, in runs of any precision; here that is
    done in the weights' own. A processor without instructions for bfloat16 needs a
    twentieth of the time for it.
    """

    def __init__(self, matrices: Iterable[Tensor], rate: float) -> None:
        super().__init__(
            list(matrices), rate, weight_decay=0.0, adjust_lr_fn="match_rms_adamw"
        )

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One step of every matrix that has a gradient."""
        for group in self.param_groups:
            momentum = group["momentum"]
            for matrix in (p for p in group["params"] if p.grad is not None):
                state = self.state[matrix]
                if not state:
                    state["momentum_buffer"] = torch.zeros_like(matrix)
                average = state["momentum_buffer"].lerp_(matrix.grad, 1 - momentum)
                update = orthogonalised(matrix.grad.lerp(average, momentum))
                length = 0.2 * math.sqrt(max(matrix.shape))
                matrix.add_(update, alpha=-length * group["lr"])


def orthogonalised(matrix: Tensor) -> Tensor:
    """U S Vᵀ with S between 0.68 and 1.21, where `matrix` (m, n) is U Σ Vᵀ.

    Five iterations of Newton and Schulz, which do not converge to S = 1. Singular
    values below 0.002 of the Frobenius norm stay smaller; a matrix of zeros stays so.
    """
    a, b, c = COEFFICIENTS
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    wide = wide / wide.norm().clamp(min=1e-7)
    for _ in range(5):
        gram = wide @ wide.T
        even = torch.addmm(gram, gram, gram, beta=b, alpha=c)
        wide = torch.addmm(wide, even, wide, beta=a)
    return wide if matrix.shape[0] <= matrix.shape[1] else wide.T
