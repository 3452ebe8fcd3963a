"""Disentangled representations on dSprites: data, models, training, scores and figures."""

__version__ = "0.1.0"
