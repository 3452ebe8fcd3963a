"""Every score as a function of codes, grid and seed, at sizes that take
milliseconds.
"""

import inspect
from functools import partial

from disentlib import metrics

FEW = {"train": 100, "test": 100}
BATCHED = {**FEW, "batch_size": 6}
DCI_PARTS = ("disentanglement", "completeness", "informativeness")


def dci_part(codes, grid, seed=0, *, part, **settings):
    return getattr(metrics.dci(codes, grid, seed, n_jobs=1, **settings), part)


def calls(few=None, batch_size=6):
    batched = {**(few or FEW), "batch_size": batch_size}
    scores = {}
    for name in metrics.SCORES:
        function = getattr(metrics, name)
        keywords = inspect.signature(function).parameters
        own = {key: value for key, value in batched.items() if key in keywords}
        if "threshold" in keywords:
            own["threshold"] = 0
        if name == "dci":
            for part in DCI_PARTS:
                scores[f"dci_{part}"] = partial(dci_part, part=part, **own)
        else:
            scores[name] = partial(function, **own)
    return scores
