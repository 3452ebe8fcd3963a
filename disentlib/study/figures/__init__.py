"""Figures of the study, one function each; they serve any D and any number of seeds."""

from disentlib.faces import late

__all__ = late(__name__)
