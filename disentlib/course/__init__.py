"""The book as a course: exercises and their checks, editions for class, slides."""

from disentlib.faces import late

__all__ = late(__name__)
