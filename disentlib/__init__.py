"""Disentangled representations on dSprites, room by room in the order of the study.

`sprites` draws, `models` and `training` train, `metrics` and `scoring` score, `study`
plans and reports. Data flows in that order and never back.
"""

from importlib.metadata import version

__version__ = version("disentlib")
