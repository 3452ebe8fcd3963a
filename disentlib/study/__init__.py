"""A study: its plan, its results, and the pages that show them."""

from disentlib.study.plan import Study, load_study

__all__ = ["Study", "load_study"]
