"""Linear β-VAEs trained by one optimiser or another, with a record of the way."""

import pandas as pd
import torch

from disentlib.checks import one_of
from disentlib.models.linear import LinearProblem, LinearVAE, random_model
from disentlib.seeds import torch_stream
from disentlib.training.muon import Muon

OPTIMISERS = ("Adam", "Muon", "SGD")
BATCH = 64


def _optimisers(
    model: LinearVAE, optimiser: str, rate: float
) -> list[torch.optim.Optimizer]:
    """Adam, SGD with momentum 0.9, or Muon on the matrices with Adam on the rest."""
    every = [model.encoder, model.decoder, model.log_variance]
    if optimiser == "Adam":
        return [torch.optim.Adam(every, rate)]
    if optimiser == "SGD":
        return [torch.optim.SGD(every, rate, momentum=0.9)]
    return [Muon(every[:2], rate), torch.optim.Adam(every[2:], rate)]


def train_linear(
    problem: LinearProblem,
    optimiser: str,
    D: int,
    seed: int,
    steps: int,
    rate: float,
    decay_from: float = 1.0,
    record: int = 25,
) -> pd.DataFrame:
    """Train on batches with noise, and record the exact objective every so many steps.

    One row a record: optimiser, seed, step, `gap` (objective less the least possible,
    nats) and `kl_0` … (nats of each dimension, exactly). The rate is constant up to
    `decay_from` of the steps and then falls to 0 along a line. Raises `ValueError` for
    an optimiser that is none of `OPTIMISERS`.
    """
    model = random_model(len(problem.eigenvalues), D, seed)
    one_of("optimiser", optimiser, OPTIMISERS)
    optimisers = _optimisers(model, optimiser, rate)
    generator = torch_stream(seed, "posterior noise")  # and the data's own
    root = problem.axes * problem.eigenvalues.sqrt()
    least, rows = problem.optimal_objective(D), []
    for step in range(1, steps + 1):
        left = (1 - step / steps) / (1 - decay_from) if decay_from < 1 else 1.0
        for each in optimisers:
            each.param_groups[0]["lr"] = rate * min(1.0, left)
        x = torch.randn(BATCH, len(root), generator=generator) @ root.T
        mu = x @ model.encoder
        deviation = (0.5 * model.log_variance).exp()
        z = mu + deviation * torch.randn(BATCH, D, generator=generator)
        error = (x - z @ model.decoder).square().sum(dim=1).mean()
        kl = 0.5 * (mu.square() + deviation.square() - 1 - model.log_variance)
        loss = error / (2 * problem.noise) + problem.beta * kl.mean(dim=0).sum()
        for each in optimisers:
            each.zero_grad()
        loss.backward()
        for each in optimisers:
            each.step()
        if step % record == 0:
            with torch.no_grad():
                gap = float(model.objective(problem)) - least
                rows.append([step, gap, *model.kl(problem).tolist()])
    columns = ["step", "gap", *(f"kl_{d}" for d in range(D))]
    return pd.DataFrame(rows, columns=columns).assign(optimiser=optimiser, seed=seed)
