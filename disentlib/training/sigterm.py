"""Told to stop: SIGTERM is noticed between two steps, or ends the process where all is
kept.
"""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Sigterm:
    """Whether SIGTERM came; it waits for `is_set` to be asked, or ends the process at
    once.
    """

    def __init__(self) -> None:
        self._arrived = threading.Event()
        self._at_once: str | None = None

    def __call__(self, *_: object) -> None:
        """Take the signal."""
        self._arrived.set()
        if self._at_once is not None:
            self._stop(self._at_once)

    def is_set(self) -> bool:
        """Whether SIGTERM came."""
        return self._arrived.is_set()

    @contextmanager
    def at_once(self, words: str) -> Iterator[None]:
        """Where all is kept already: SIGTERM ends the process here, with `words` and
        code 143.
        """
        self._at_once = words
        try:
            if self.is_set():
                self._stop(words)
            yield
        finally:
            self._at_once = None

    def _stop(self, words: str) -> None:
        self._at_once = None
        print(f"SIGTERM: {words}", file=sys.stderr)
        raise SystemExit(143)


@contextmanager
def noticing_sigterm() -> Iterator[Sigterm]:
    """What notices SIGTERM, in place of the process' sudden end.

    Only a process' main thread may listen (a notebook's cells run there); elsewhere
    SIGTERM ends the process as ever, and the run goes on from its last regular
    checkpoint. One that came and ended nothing is given on in the end, but where an
    error ends all, and where the caller has left the loop and its handler raises.
    """
    sigterm, failed = Sigterm(), True
    if threading.current_thread() is not threading.main_thread():
        yield sigterm
        return
    before = signal.signal(signal.SIGTERM, sigterm)
    try:
        yield sigterm
        failed = False
    except GeneratorExit:  # the caller has left the loop
        failed = False
        raise
    finally:
        signal.signal(signal.SIGTERM, before)
        if sigterm.is_set() and not failed:
            signal.raise_signal(signal.SIGTERM)
