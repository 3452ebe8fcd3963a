"""Where things are: the repository, the runs, the results, the cache."""

import os
from pathlib import Path

# Installed without the repository, its data are where $DISENTLIB_ROOT says.
ROOT = Path(os.environ.get("DISENTLIB_ROOT") or Path(__file__).resolve().parents[1])
STUDIES = ROOT / "studies"
RUNS = ROOT / "runs"
RESULTS = ROOT / "results"


def cache_folder() -> Path:
    """Folder for files that can be made again: `$DISENTLIB_CACHE`, else
    `~/.cache/disentlib`.

    Raises `ValueError` in one line for a user without a home folder.
    """
    return absolute_path(os.environ.get("DISENTLIB_CACHE") or "~/.cache/disentlib")


def absolute_path(path: str | Path) -> Path:
    """`path` from the root of the file system, with `~` read as the home folder."""
    try:
        return Path(path).expanduser().absolute()
    except RuntimeError as error:
        raise ValueError(
            f"{path}: this user has no home folder; set HOME or DISENTLIB_CACHE"
        ) from error
