"""Every score as a function of codes, grid and seed, at sizes that take
milliseconds.
"""

import inspect
from functools import partial

import numpy as np

from disentlib import metrics

FEW = {"train": 100, "test": 100}
BATCHED = {**FEW, "batch_size": 6}
DCI_PARTS = ("disentanglement", "completeness", "informativeness")


def dci(codes, grid, seed=0, **settings):
    found = metrics.dci(codes, grid, seed, n_jobs=1, **settings)
    return np.array([getattr(found, part) for part in DCI_PARTS])


def dci_part(codes, grid, seed=0, *, place, **settings):
    return dci(codes, grid, seed, **settings)[place]


def calls(few=None, batch_size=6, parts=True):
    """By name; without `parts`, the three numbers of DCI, which grow the same trees,
    are one array.
    """
    batched = {**(few or FEW), "batch_size": batch_size}
    scores = {}
    for name in metrics.SCORES:
        function = getattr(metrics, name)
        keywords = inspect.signature(function).parameters
        own = {key: value for key, value in batched.items() if key in keywords}
        if "threshold" in keywords:
            own["threshold"] = 0
        if name == "dci" and parts:
            for place, part in enumerate(DCI_PARTS):
                scores[f"dci_{part}"] = partial(dci_part, place=place, **own)
        elif name == "dci":
            scores[name] = partial(dci, **own)
        else:
            scores[name] = partial(function, **own)
    return scores
