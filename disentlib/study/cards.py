"""Which card of a machine a run is at work on: runs side by side spread over all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from urllib.parse import quote

from disentlib.files import try_lock

VISIBLE = "CUDA_VISIBLE_DEVICES"


@contextmanager
def card_for(device: str, folder: Path | None = None) -> Iterator[None]:
    """Within, a process that starts sees one card: one of those that this process sees
    on which the fewest runs of this user are at work.

    For device "cuda" on a machine of several; "cpu" and "cuda:1" name theirs. A lock in
    `folder` (one for this user, in the machine's temporary folder) says who is at work
    where, and is free again however its process ends. Raises `OSError` where that
    folder cannot be written to.
    """
    cards = visible_cards() if device == "cuda" else []
    if len(cards) < 2:
        yield
        return
    before = os.environ.get(VISIBLE)
    with _held(cards, folder or _own_folder()) as card:
        os.environ[VISIBLE] = card
        try:
            yield
        finally:
            os.environ.pop(VISIBLE)
            if before is not None:
                os.environ[VISIBLE] = before


def visible_cards() -> list[str]:
    """The cards that a process started from here would see, by CUDA's own names."""
    if (given := os.environ.get(VISIBLE)) is not None:
        return [name.strip() for name in given.split(",") if name.strip()]
    try:
        import pynvml

        pynvml.nvmlInit()
        return [str(card) for card in range(pynvml.nvmlDeviceGetCount())]
    except Exception:  # no driver, no card: each has its own error
        return []


@contextmanager
def _held(cards: list[str], folder: Path) -> Iterator[str]:
    """The first card in the first round in which one is free."""
    folder.mkdir(parents=True, exist_ok=True)
    for place in count():
        for card in cards:
            path = folder / f"{quote(card, safe='')}.{place}"
            with path.open("a") as file:
                if try_lock(file.fileno(), path) is not False:
                    yield card
                    return


def _own_folder() -> Path:
    return Path(tempfile.gettempdir()) / f"disentlib-cards-{os.getuid()}"
