"""How a run is scored: the sizes of samples, and how often each score is repeated."""

from dataclasses import asdict, dataclass
from typing import Any

from disentlib.checks import whole_number
from disentlib.files import read_mapping
from disentlib.metrics.sampling import (
    BATCH_SIZE,
    N_ESTIMATORS,
    TEST,
    TRAIN,
    check_counts,
)
from disentlib.sprites.grid import GRID
from disentlib.training.folder import RunFolder

# Images in the batches of a score: the numbers of pairs of them are 800 MB, and twice
# that while they are drawn.
MOST_ROWS = 50_000_000
EXCESS = "_excess"  # a score less the mean of its codes' rotations


@dataclass(frozen=True)
class Scoring:
    """Settings of the scores of each run; the sizes are the thesis'.

    A score is the mean over `score_seeds` draws of images and noise, which are those of
    the seeds `score_seed`, `score_seed` + 1, … With `rotations`, each draw also says by
    how much the score exceeds those of so many random rotations of the codes.

    Raises `ValueError` in one line for a value that is out of range.

    >>> list(Scoring(score_seed=7).seeds)
    [7, 8, 9]
    """

    train: int = TRAIN
    test: int = TEST
    batch_size: int = BATCH_SIZE
    n_estimators: int = N_ESTIMATORS
    score_seed: int = 0
    score_seeds: int = 3
    rotations: int = 0

    def __post_init__(self) -> None:
        check_counts(GRID, self.train, self.test, self.batch_size, 2)
        whole_number("n_estimators", self.n_estimators, 1, 1000)
        whole_number("score_seed", self.score_seed, 0)
        whole_number("score_seeds", self.score_seeds, 1, 1000)
        whole_number("rotations", self.rotations, 0, 1000)
        for name, value in vars(self).items():
            object.__setattr__(self, name, int(value))  # JSON knows no int of NumPy's
        if (self.train + self.test) * self.batch_size > MOST_ROWS:
            raise ValueError(
                f"train {self.train}, test {self.test} and batch_size "
                f"{self.batch_size} name more than {MOST_ROWS:,} images; give less"
            )

    @property
    def seeds(self) -> range:
        """The seeds of the draws."""
        return range(self.score_seed, self.score_seed + self.score_seeds)

    @property
    def counts(self) -> dict[str, Any]:
        """Points of training and testing, and images a batch."""
        return {"train": self.train, "test": self.test, "batch_size": self.batch_size}


def what_is_scored(files: RunFolder, sizes: Scoring) -> dict[str, Any]:
    """What scores depend on: which models, and how they are scored."""
    models = sorted(
        path.name for path in (files.model(), *files.kept_on_the_way().values())
    )
    known = read_mapping(files.result) if files.result.exists() else {}
    return {"digest": known.get("digest"), "models": models, "scoring": asdict(sizes)}
