"""A study: its plan, its results, and the pages that show them."""

from disentlib.faces import late

__all__ = late(__name__)
