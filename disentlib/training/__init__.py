"""One run: its configuration, its steps, and a folder that a kill cannot hurt."""

from disentlib.faces import late

__all__ = late(__name__)
