"""What guards a run's folder: a lock against a second process, and an ear
for SIGTERM.
"""

import fcntl
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from disentlib.files import remove_temporaries


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold `folder` for this process; the kernel lets go of it however the process
    ends.

    Half-written files of a process that was killed here are removed first.

    Raises `RuntimeError` in one line that names the process which holds it, `OSError`
    where the folder cannot be written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise RuntimeError(
                f"{folder}: process {holder} is training here; wait for it or stop it"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        remove_temporaries(folder)
        try:
            yield
        finally:
            file.truncate(0)


@contextmanager
def noticing_sigterm() -> Iterator[threading.Event]:
    """An event that is set once SIGTERM arrives, in place of the process' sudden end.

    Only a process' main thread may listen (a notebook's cells run there); elsewhere
    SIGTERM ends the process as ever, and the run goes on from its last regular
    checkpoint.
    """
    arrived = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield arrived
        return
    before = signal.signal(signal.SIGTERM, lambda *_: arrived.set())
    try:
        yield arrived
    finally:
        signal.signal(signal.SIGTERM, before)
