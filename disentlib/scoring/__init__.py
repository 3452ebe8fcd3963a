"""From a trained model to its codes, scores and pictures."""

from disentlib.scoring.codes import Posterior, encode, sample

__all__ = ["Posterior", "encode", "sample"]
