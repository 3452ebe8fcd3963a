"""Where things are: the repository, the runs, the results, the cache."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STUDIES = ROOT / "studies"
RUNS = ROOT / "runs"
RESULTS = ROOT / "results"


def cache_folder() -> Path:
    """Folder for files that can be made again: `$DISENTLIB_CACHE`, else
    `~/.cache/disentlib`.
    """
    chosen = os.environ.get("DISENTLIB_CACHE")
    return Path(chosen) if chosen else Path.home() / ".cache" / "disentlib"
