"""How much of what two seeds differ by is the scores' own: each is made from draws of
images and noise.
"""

import numpy as np
import pandas as pd

from disentlib.study.evidence import Evidence
from disentlib.study.measures import EVERY, THESIS
from disentlib.study.pooled import spread_between_seeds
from disentlib.study.results import IDENTITY
from disentlib.study.titles import title
from disentlib.study.words import listed, number

SCORES = (*EVERY, "pruned_factor_vae_score")


def noise_shares(evidence: Evidence) -> pd.DataFrame:
    """By score of sampled codes: the share of the draws in the variance between seeds
    of a model at one D, of scores of one draw (`one`) and of means over the draws that
    the study makes (`several`), at the last budget.

    Of the runs that were scored by several draws. Empty where there are none, or one
    seed at each D.
    """
    table = evidence.table
    scored = table[(table["step"] == evidence.steps[-1]) & table["spread"].notna()]
    draws = len(evidence.main.study.scoring.seeds)
    shares = {}
    for score in SCORES:
        own = scored[(scored["codes"] == "sampled") & (scored["measure"] == score)]
        if own.empty or draws < 2:
            continue
        cell = own.groupby(IDENTITY[:-1]).ngroup()
        between = spread_between_seeds(cell, own["value"])[0] ** 2
        noise = float((own["spread"] ** 2).mean())
        if between > 0:
            one = noise / (between + noise * (1 - 1 / draws))
            several = noise / draws / between
            shares[score] = {"one": min(1.0, one), "several": min(1.0, several)}
    return pd.DataFrame.from_dict(shares, orient="index", columns=["one", "several"])


def noise_sentence(evidence: Evidence) -> str:
    """The shares of the thesis' three scores, and the largest among the others."""
    shares = noise_shares(evidence)
    if shares.empty:
        return (
            "How much of that is the score's own is told by seeds that were scored by "
            "several draws each."
        )
    thesis = [score for score in THESIS if score in shares.index]
    others = shares.drop(index=thesis)["several"]
    parts = [_share(shares, score) for score in thesis]
    said = (
        "A score is itself made from draws, of images and of noise. In the variance "
        "between seeds their share is, with one draw and with the mean of "
        f"{len(evidence.main.study.scoring.seeds)}: {listed(parts)}"
    )
    if len(others):
        most = _share(shares, others.idxmax())
        said += f"; the largest among the others: {most}"
    return f"{said}."


def _share(shares: pd.DataFrame, score: object) -> str:
    one, several = (_percent(shares.loc[score, name]) for name in ("one", "several"))
    return f"{title(str(score))} {one} and {several} %"


def _percent(share: object) -> str:
    return number(100 * float(np.asarray(share)), 1)
