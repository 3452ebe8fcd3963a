"""How many dimensions should a model be given? From the data, and from a run."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from disentlib.study.evidence import Evidence
from disentlib.study.measures import runs
from disentlib.study.stats import finite
from disentlib.study.titles import title
from disentlib.study.words import number


def directions_that_pay(eigenvalues: ArrayLike, price: float) -> int:
    """How many directions of the data have a variance above `price`, τ = β s².

    The optimum of a linear β-VAE uses min(D, this count) dimensions: `thm-linear-beta`.
    """
    return int((finite(eigenvalues) > price).sum())


def binary_eigenvalues(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Eigenvalues (n,) of the correlation of binary pixels over images (n, 64, 64).

    A Bernoulli pixel of mean p is, to second order, a Gaussian one of noise p (1 - p):
    in units of that noise s = 1, the data's covariance is the pixels' correlation and
    the price of a direction is β. Pixels that never change are left out.
    """
    pixels = images.reshape(len(images), -1).astype(np.float64)
    pixels = pixels[:, np.ptp(pixels, axis=0) > 0]
    pixels = (pixels - pixels.mean(axis=0)) / pixels.std(axis=0)
    return np.linalg.eigvalsh(pixels @ pixels.T / len(pixels))[::-1]


def advice_sentence(evidence: Evidence) -> str:
    """What the shortest and the longest budget of a roomy run say, for each model."""
    steps, parts = evidence.steps, []
    table = evidence.ends
    for model in evidence.models:
        counts = []
        for step in dict.fromkeys((steps[0], steps[-1])):
            used = runs(table, "dimensions_in_use", step=step, model=model)
            if used.empty:
                continue
            most = used["D"].max()
            values = used.loc[used["D"] == most, "value"]
            low, high = int(values.min()), int(values.max())
            span = f"{low}" if low == high else f"{low} to {high}"
            counts.append(f"{span} after {step:,d} steps")
        if counts:
            parts.append(f"{title(model)} {', '.join(counts)}")
    most = evidence.levels[-1]
    return f"Of {number(most, 0)} offered, in use over the seeds: {'; '.join(parts)}."
