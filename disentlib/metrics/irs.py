"""IRS: how little a dimension moves when its own factor is held and the others are
changed.
"""

import numpy as np
from numpy.typing import ArrayLike

from disentlib.checks import number
from disentlib.metrics.sampling import TRAIN, checked_codes, look_up, training_rows
from disentlib.sprites.grid import FactorGrid


def irs(
    codes: ArrayLike,
    grid: FactorGrid,
    seed: int = 0,
    *,
    train: int = TRAIN,
    quantile: float = 1.0,
) -> float:
    """Interventional robustness score of `codes` (grid.size, D).

    Equation `eq-irs` in the book. Hold a factor at one class: the largest distance of a
    dimension from its mean there, averaged over classes as they occur, divided by its
    largest distance from its overall mean, and taken from 1. A dimension has the score
    of its best factor; dimensions are weighted by their largest distance. From `train`
    images.

    Settings: "largest" is the maximum (the paper); `quantile=0.99` is kinder to
    outliers. Locatello et al.'s library takes that quantile above the line only, keeps
    the maximum below it, and weighs all classes alike. The paper's effect is one of
    expected codes: on sampled codes the noise of the posterior counts as well.

    Range [0, 1]; 0 for constant codes. Independent codes score near 0, but above it:
    the maximum over a class of few images is below the overall maximum. Raises
    `ValueError` for codes that do not match the grid or are not finite, and for a
    quantile outside (0, 1]. Source: Suter et al. 2019, section 4.
    """
    codes = checked_codes(codes, grid)
    number("quantile", quantile, above=0, most=1)
    rows = training_rows(grid, seed, train)
    z, labels = look_up(codes, rows), grid.classes(rows)
    # From the least value: a shift leaves no trace in the rounding of the means.
    z = (z - z.min(axis=0))[:, np.ptp(z, axis=0) > 0]
    largest = np.quantile(np.abs(z - z.mean(axis=0)), quantile, axis=0)
    z, largest = z[:, largest > 0], largest[largest > 0]
    if z.shape[1] == 0:
        return 0.0
    held = np.zeros((len(grid.sizes), z.shape[1]))
    for k in range(len(grid.sizes)):
        for c in np.unique(labels[:, k]):
            group = z[labels[:, k] == c]
            effect = np.quantile(np.abs(group - group.mean(axis=0)), quantile, axis=0)
            held[k] += len(group) / len(z) * effect
    scores = np.clip(1 - held / largest, 0.0, 1.0).max(axis=0)
    return float(np.average(scores, weights=largest))
