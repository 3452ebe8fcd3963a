"""Where things are: the repository, the runs, the results, the cache."""

import os
from pathlib import Path


def absolute_path(path: str | Path) -> Path:
    """`path` from the root of the file system, with `~` read as the home folder."""
    try:
        return Path(path).expanduser().absolute()
    except RuntimeError as error:
        raise ValueError(
            f"{path}: this user has no home folder; set HOME, or give the whole path"
        ) from error


# Installed without the repository, its data are where $DISENTLIB_ROOT says; from here
# on the same place in whatever folder this process, or one that it starts, is.
ROOT = absolute_path(
    os.environ.get("DISENTLIB_ROOT") or Path(__file__).resolve().parents[1]
)
if os.environ.get("DISENTLIB_ROOT"):
    os.environ["DISENTLIB_ROOT"] = str(ROOT)
STUDIES = ROOT / "studies"
RUNS = ROOT / "runs"
RESULTS = ROOT / "results"


def cache_folder() -> Path:
    """Folder for files that can be made again: `$DISENTLIB_CACHE`, else
    `~/.cache/disentlib`.

    Raises `ValueError` in one line for a user without a home folder.
    """
    return absolute_path(os.environ.get("DISENTLIB_CACHE") or "~/.cache/disentlib")
