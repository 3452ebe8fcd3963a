"""What models, losses and scores are called in figures and tables."""

TITLES = {
    "vae": "VAE",
    "beta_vae": "β-VAE",
    "factor_vae": "FactorVAE",
    "kl": "KL divergence",
    "total_correlation": "total correlation",
    "total": "total loss",
    "beta_vae_score": "β-VAE score",
    "factor_vae_score": "FactorVAE score",
    "dci_disentanglement": "DCI disentanglement",
    "dci_completeness": "DCI completeness",
    "dci_informativeness": "DCI informativeness",
    "pruned_factor_vae_score": "FactorVAE score, pruned",
    "mig": "MIG",
    "sap": "SAP",
    "irs": "IRS",
    "held_out_reconstruction": "reconstruction (nats)",
    "held_out_kl": "KL divergence (nats)",
}


def heading(name: str) -> str:
    """The name over a panel: its title, else its words without underscores; that
    of a score's excess over rotations, or of what those score, is the score's and that
    word.

    >>> heading("mig_excess")
    'MIG excess'
    """
    score, _, word = name.rpartition("_")
    if word in ("excess", "rotated") and score in TITLES:
        return f"{TITLES[score]} {word}"
    return TITLES.get(name, name.replace("_", " "))
