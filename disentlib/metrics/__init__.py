"""Scores of disentanglement: functions of a table of codes and the factor grid, never a
model.

Some functions hide the files of their names (`dci`, `sap`, …); what else is in these
comes by `from disentlib.metrics.sap import PREDICTORS`.
"""

from disentlib.faces import late

__all__ = late(__name__)
