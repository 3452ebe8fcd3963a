"""From a trained model to its codes, scores and pictures."""

from disentlib.faces import late

__all__ = late(__name__)
