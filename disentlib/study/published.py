"""Scores on dSprites that others have published, and this study's in the same table."""

import numpy as np
import pandas as pd

from disentlib.study.evidence import Evidence
from disentlib.study.measures import runs
from disentlib.study.titles import title
from disentlib.study.words import number

D = 10
SCORES = ("factor_vae_score", "beta_vae_score", "mig", "sap")
STEPS = 27 * 737_280 // 64  # of the runs of Lin et al.: 27 epochs in batches of 64
# As they are printed, a score that is not given as a dash.
PUBLISHED = {
    "FactorVAE, Lin et al.": ("0.82 ± 0.01", "0.84 ± 0.01", "0.43 ± 0.01", "0.56"),
    "β-VAE, quoted by Lin et al.": ("0.63 ± 0.10", "–", "0.21", "0.55"),
    "FactorVAE, Brongers, three seeds": ("0.84, 0.74, 0.84", "–", "–", "–"),
}


def published_table(evidence: Evidence) -> pd.DataFrame:
    """A row for each model and kind of codes here, at D = 10 after the most steps, mean
    and standard deviation over seeds; below them a row for each source.
    """
    names = ["model", *map(title, SCORES)]
    rows = []
    for model in reversed(evidence.models):
        for codes in ("sampled", "mean"):
            own = [
                runs(evidence.table, score, codes, model=model, D=D)["value"]
                for score in SCORES
            ]
            if any(map(len, own)):
                kind = "samples" if codes == "sampled" else "means"
                rows.append([f"{title(model)} here, {kind}", *map(_with_spread, own)])
    rows += [[name, *values] for name, values in PUBLISHED.items()]
    return pd.DataFrame(rows, columns=names)


def longer_training(evidence: Evidence) -> str:
    """How many steps the runs of Lin et al. have, and those here."""
    return f"{STEPS:,d} steps, ours {evidence.steps[-1]:,d}"


def _with_spread(values: pd.Series) -> str:
    spread = values.std() if len(values) > 1 else np.nan
    mean = number(values.mean(), 2)
    return mean if np.isnan(spread) else f"{mean} ± {number(spread, 2)}"
