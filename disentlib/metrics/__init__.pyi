from disentlib.metrics.beta_vae import beta_vae_score
from disentlib.metrics.dci import DCI, dci
from disentlib.metrics.explicitness import explicitness
from disentlib.metrics.factor_vae import factor_vae_score, pruned_factor_vae_score
from disentlib.metrics.irs import irs
from disentlib.metrics.mutual_information import mig, modularity, mutual_information
from disentlib.metrics.posterior import (
    active_units,
    gaussian_total_correlation,
    kl_per_dimension,
)
from disentlib.metrics.rotations import rotated_within
from disentlib.metrics.sap import attribute_scores, sap
from disentlib.metrics.suite import (
    SCORES,
    THESIS_SCORES,
    plan,
    score_all,
    score_posterior,
)

from . import designs

__all__ = [
    "DCI",
    "SCORES",
    "THESIS_SCORES",
    "active_units",
    "attribute_scores",
    "beta_vae_score",
    "dci",
    "designs",
    "explicitness",
    "factor_vae_score",
    "gaussian_total_correlation",
    "irs",
    "kl_per_dimension",
    "mig",
    "modularity",
    "mutual_information",
    "plan",
    "pruned_factor_vae_score",
    "rotated_within",
    "sap",
    "score_all",
    "score_posterior",
]
