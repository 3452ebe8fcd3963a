"""History of a run: what a step reports, its means over a window, and the table as a
file.
"""

import csv
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from disentlib.files import atomic_write

if TYPE_CHECKING:
    from torch import Tensor

# A dimension whose KL stays below this tells nothing: it has collapsed.
ACTIVE_NATS = 0.01
IN_USE_NATS = 0.1  # the threshold of the book's chapter on two dimensions
EXPLODED_NATS = 1e6  # an untrained model is at 4096 log 2 = 2,839 nats
STEP_COLUMNS = (  # of a step's report, before the D columns of the KL
    "reconstruction",
    "total",  # at the weights of the step
    "total_correlation",
    "discriminator_loss",
    "discriminator_accuracy",
)
LOSS_TERMS = ("reconstruction", "kl", "total_correlation", "total")
FIRST_COLUMNS = ("step", "epoch", "seconds", *LOSS_TERMS)


def columns(D: int) -> list[str]:
    """Columns of the history of a run with D dimensions."""
    kl = [f"kl_{j}" for j in range(D)]
    end = ["active", "discriminator_loss", "discriminator_accuracy", "learning_rate"]
    return [*FIRST_COLUMNS, *kl, *end, "images_per_second", "joules"]


def check_window(window: "Tensor", first_step: int) -> None:
    """Stop a run whose losses are no longer numbers, or have exploded.

    `window` (steps, columns): a row of step reports each. Raises `FloatingPointError`
    in one line with the first bad step and its losses.
    """
    totals = window[:, STEP_COLUMNS.index("total")].abs()
    bad = ~(totals < EXPLODED_NATS)  # also true of NaN
    if bad.any():
        row = int(bad.nonzero()[0, 0])
        reconstruction, total = window[row, :2].tolist()
        raise FloatingPointError(
            f"step {first_step + row}: total loss {total:g}, reconstruction "
            f"{reconstruction:g} "
            f"nats; try a lower learning rate"
        )


def record_of(window: "Tensor") -> dict[str, float]:
    """Means over a window (steps, columns) of step reports, under the
    history's names.
    """
    means = window.double().mean(dim=0).tolist()
    kl = means[len(STEP_COLUMNS) :]
    record = dict(zip(STEP_COLUMNS, means))
    record |= {f"kl_{j}": value for j, value in enumerate(kl)}
    return record | {
        "kl": math.fsum(kl),
        "active": sum(value > ACTIVE_NATS for value in kl),
    }


def to_tensor(records: Sequence[dict[str, float]], D: int) -> "Tensor":
    """Records as a float64 table (records, columns), NaN where a record has
    no value.
    """
    import torch  # who reads a file of curves does not wait for it

    rows = [[record[name] for name in columns(D)] for record in records]
    return torch.tensor(rows, dtype=torch.float64).reshape(len(rows), len(columns(D)))


def from_tensor(table: "Tensor", D: int) -> list[dict[str, float]]:
    """Records of a table that `to_tensor` made; whole numbers are whole again."""
    records = [dict(zip(columns(D), row)) for row in table.tolist()]
    return [
        record | {n: int(record[n]) for n in ("step", "active")} for record in records
    ]


def write_history(path: Path, records: Sequence[dict[str, float]], D: int) -> None:
    """Write the records as CSV, atomically; a value that is not defined stays empty."""
    with atomic_write(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns(D))
        for record in records:
            row = (record[name] for name in columns(D))
            writer.writerow("" if math.isnan(value) else value for value in row)


def read_history(path: Path) -> list[dict[str, float]]:
    """Records of a file that `write_history` wrote; `ValueError` in one line for one
    that is gone or damaged.
    """
    try:
        with path.open(newline="") as file:
            reader = csv.DictReader(file, strict=True, restval="cut short")
            if missing := {*FIRST_COLUMNS} - {*(reader.fieldnames or ())}:
                raise ValueError(f"no column {', '.join(sorted(missing))}")
            rows = [*reader]
        records = [{k: float(v or "nan") for k, v in row.items()} for row in rows]
        return [r | {n: int(r[n]) for n in ("step", "active")} for r in records]
    except (ValueError, KeyError, TypeError, FileNotFoundError, csv.Error) as error:
        raise ValueError(
            f"{path}: no whole history ({error}); ask for more steps, which write it "
            f"anew from the checkpoint, or train anew in another folder"
        ) from error
