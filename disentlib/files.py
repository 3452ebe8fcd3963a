"""Files that are whole or not there: write under a temporary name, flush to disk,
rename.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; on success it is synced and renamed to
    `path`.

    A reader sees the old file or the new one, never half of either, also after a power
    cut. If the body raises, the temporary file is removed and `path` is as it was.

    Raises `OSError` as the file system does (disk full, read-only folder), with `path`
    untouched.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # The process id keeps two writers apart; the suffix stays, since some writers look
    # at it.
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.tmp{path.suffix}")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
        sync_folder(path.parent)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno and not error.filename:
            raise OSError(
                error.errno, error.strerror, str(path)
            ) from error  # now names the file
        raise


def remove_temporaries(folder: Path) -> None:
    """Remove what killed writers left in `folder` and below; call it where nobody else
    writes.
    """
    for path in folder.rglob(".*.tmp*"):
        path.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` durable (a rename is data of the folder, not of the
    file).
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(path: str | Path, content: Any) -> None:
    """Write `content` as indented JSON, atomically."""
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n")


def read_json(path: str | Path) -> Any:
    """Read JSON; `ValueError` in one line that names the file where it is not JSON."""
    try:
        return json.loads(Path(path).read_text())
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(
            f"{path}: not a JSON file ({error}); remove it and run again"
        ) from error
