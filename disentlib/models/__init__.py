"""The networks of the study and the objectives that train them."""

from disentlib.faces import late

__all__ = late(__name__)
