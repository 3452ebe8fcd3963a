from disentlib.scoring.codes import Posterior, encode, sample
from disentlib.scoring.run import Scored, planned_rows, score_codes, score_run
from disentlib.scoring.sizes import Scoring

__all__ = [
    "Posterior",
    "Scored",
    "Scoring",
    "encode",
    "planned_rows",
    "sample",
    "score_codes",
    "score_run",
]
