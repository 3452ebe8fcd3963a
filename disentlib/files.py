"""Files that are whole or not there: write under a name of our own, flush to disk,
rename.
"""

import errno
import fcntl
import json
import os
import re
import secrets
import shutil
import socket
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

MARK = "disentlib-tmp"  # in the name of every temporary file, and of no other
TEMPORARY = re.compile(
    rf"\..*\.{MARK}-(?P<host>.+)-(?P<pid>\d+)-[0-9a-f]{{16}}(\.\w+)?"
)
UNSUPPORTED = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK, errno.ENOTTY}
DAY = 86_400  # seconds


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; on success it is synced and renamed to
    `path`.

    A reader sees the old file or the new one, never half of either, also after a power
    cut. If the body raises, the temporary file is removed and `path` is as it was. What
    killed writers left in the folder goes, too.

    Raises `OSError` as the file system does (disk full, read-only folder), with `path`
    untouched; if it cannot flush the folder, which comes last, `path` is new already.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_temporaries(path.parent)
        temporary, descriptor = _own_file(path)
    except OSError as error:
        raise _named(error, path) from error
    try:
        yield temporary
        with temporary.open("rb+") as file:
            _sync(file.fileno(), path)
        os.replace(temporary, path)
        sync_folder(path.parent)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno and not error.filename:
            raise _named(error, path) from error
        raise
    finally:
        os.close(descriptor)


def remove_temporaries(folder: Path) -> None:
    """Remove the files that killed writers left in `folder`; those being written
    stay.
    """
    for path in folder.glob(f".*.{MARK}-*"):
        if match := TEMPORARY.fullmatch(path.name):
            with suppress(OSError):  # somebody else's, or gone meanwhile
                _remove_if_left(path, match["host"], int(match["pid"]))


@contextmanager
def scratch_folder(place: Path | None = None) -> Iterator[Path]:
    """A folder of our own at `place`, which goes in the end; among the system's
    temporary ones where that is not given or not there.

    Those that killed processes left there go first.
    """
    if place is None or not place.is_dir():
        place = Path(tempfile.gettempdir())
    for left in place.glob(f"{MARK}-*"):
        if match := TEMPORARY.fullmatch(f".x.{left.name}"):
            with suppress(OSError):  # somebody else's, or gone meanwhile
                _remove_if_left(left, match["host"], int(match["pid"]))
    while True:
        (folder := place / _owner()).mkdir(mode=0o700)
        lock = folder / ".lock"
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
        if try_lock(descriptor, lock) is not False and lock.exists():
            break
        os.close(descriptor)  # a cleaner came between the calls
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` durable (a rename is data of the folder, not of the
    file).
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        _sync(descriptor, folder)
    finally:
        os.close(descriptor)


def try_lock(descriptor: int, path: Path) -> bool | None:
    """Lock an open file for this process; False where another has it, None where
    the file system knows no locks (said once).
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise _named(error, path) from error
        warn_once(
            f"{path.parent}: the file system has no locks ({error.strerror}); "
            "see to it yourself that no two processes work in one folder"
        )
        return None


@cache
def warn_once(message: str) -> None:
    """Warn of `message` the first time that this process has to say it."""
    warnings.warn(message, stacklevel=3)


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write `content`, atomically."""
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)


def write_json(path: str | Path, content: Any) -> None:
    """Write `content` as indented JSON, atomically."""
    write_bytes(path, (json.dumps(content, indent=1) + "\n").encode())


def read_json(path: str | Path) -> Any:
    """Read JSON; `ValueError` in one line that names the file where it is not JSON."""
    try:
        return json.loads(Path(path).read_bytes())
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"{path}: not a JSON file ({error}); remove it and run again"
        ) from error


def read_mapping(path: str | Path) -> dict[str, Any]:
    """Read a JSON object; `ValueError` in one line that names any other file."""
    content = read_json(path)
    if not isinstance(content, dict):
        raise ValueError(f"{path}: not a JSON object; remove it and run again")
    return content


def _owner() -> str:
    """A name that nobody else gives.

    The random part keeps apart those who share host and process number: threads,
    containers.
    """
    return f"{MARK}-{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(8)}"


def _own_file(path: Path) -> tuple[Path, int]:
    """A new file beside `path`, locked for as long as its descriptor is open.

    The suffix stays, since some writers look at it.
    """
    while True:
        # A character has up to four bytes, and a name at most 255.
        temporary = path.with_name(f".{path.stem[:25]}.{_owner()}{path.suffix}")
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        if try_lock(descriptor, path) is not False and temporary.exists():
            return temporary, descriptor
        os.close(descriptor)  # a cleaner came between the calls


def _remove_if_left(path: Path, host: str, pid: int) -> None:
    """Remove a temporary file, or a scratch folder, whose lock its owner no longer
    holds.
    """
    here, descriptor = host == socket.gethostname(), None
    lock = path / ".lock" if path.is_dir() else path
    if lock.exists():
        descriptor = os.open(lock, os.O_RDWR)
    try:
        left = None if descriptor is None else try_lock(descriptor, lock)
        if left is None:  # no locks: what the name says has to do
            old = time.time() - path.stat().st_mtime > DAY
            left = not _alive(pid) if here else old
        if left and path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif left:
            path.unlink(missing_ok=True)
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _sync(descriptor: int, path: Path) -> None:
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise
        folder = path if path.is_dir() else path.parent
        warn_once(
            f"{folder}: the file system cannot flush to disk ({error.strerror}); "
            "a power cut may cost the last files"
        )


def _named(error: OSError, path: Path) -> OSError:
    """The same error, naming the file that it is about."""
    if error.filename and not TEMPORARY.fullmatch(Path(error.filename).name):
        return error
    return OSError(error.errno, error.strerror, str(path))
