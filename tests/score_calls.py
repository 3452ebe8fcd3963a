"""Every score as a function of codes, grid and seed, at sizes that take
milliseconds.
"""

from functools import partial

from disentlib import metrics

FEW = {"train": 100, "test": 100}
BATCHED = {**FEW, "batch_size": 6}
DCI_PARTS = ("disentanglement", "completeness", "informativeness")


def dci_part(codes, grid, seed=0, *, part, **settings):
    return getattr(metrics.dci(codes, grid, seed, n_jobs=1, **settings), part)


def calls(few=None, batch_size=6):
    few = few or FEW
    batched = {**few, "batch_size": batch_size}
    return {
        "beta_vae_score": partial(metrics.beta_vae_score, **batched),
        "factor_vae_score": partial(metrics.factor_vae_score, threshold=0, **batched),
        "pruned_factor_vae_score": partial(
            metrics.pruned_factor_vae_score, threshold=0, **batched
        ),
        **{f"dci_{part}": partial(dci_part, part=part, **few) for part in DCI_PARTS},
        "mig": partial(metrics.mig, train=few["train"]),
        "sap": partial(metrics.sap, **few),
        "modularity": partial(metrics.modularity, train=few["train"]),
        "explicitness": partial(metrics.explicitness, **few),
        "irs": partial(metrics.irs, train=few["train"]),
    }
