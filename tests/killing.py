"""How a campaign ends processes, and what it looks for afterwards."""

import hashlib
import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
from small_runs import slow_down

from disentlib.files import MARK

NUMBERS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM)
STAGES = {"train": "training", "score": "scoring", "collect": "collecting"}
STAGES |= {"book": "building", "render": "rendering"}


def act(words: list[str], folder: Path, environment: dict[str, str], slowed: float):
    """Run a command of the library in this forked process, as in one of its own."""
    os.setsid()
    os.chdir(folder)
    os.environ.update(environment)
    log = os.open(folder / "words.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    if slowed:
        slow_down(slowed)
    if words == ["render"]:
        from disentlib.sprites.table import load_sprites

        load_sprites()
        return
    from disentlib.__main__ import main

    sys.exit(main(words))


def strays(*folders: Path) -> list[Path]:
    """Half-written files and scratch folders of ours."""
    return [path for folder in folders for path in folder.rglob(f"*{MARK}*")]


def digests(folder: Path) -> dict[Path, str]:
    """Finished models below `folder`, by the SHA-256 of their bytes."""
    return {
        result.with_name("model.safetensors"): sha256(
            result.with_name("model.safetensors")
        )
        for result in folder.rglob("result.json")
    }


def sha256(path: Path) -> str:
    """Digest of a file; a file that is not there has none."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else "gone"


def check_kept(kept: dict[Path, str]) -> None:
    """What was finished is there, and as it was."""
    for path, digest in kept.items():
        if sha256(path) != digest:
            raise AssertionError(f"{path}: a finished model is gone or has changed")


def await_moment(
    dice: random.Random, alive, life: float, folder: Path, rest: float = 0.2
) -> None:
    """Wait for a random moment of a life of so many seconds: any, or while a file is
    being written.
    """
    end = time.monotonic() + dice.uniform(0, life)
    writes = dice.random() < 0.5
    if writes:
        end, old = time.monotonic() + 1.5 * life, set(strays(folder))
    while alive() and time.monotonic() < end:
        if writes and set(strays(folder)) - old:
            time.sleep(dice.uniform(0, rest))
            return
        time.sleep(0.01)


def parts(head: psutil.Process) -> dict[str, list[psutil.Process]]:
    """The processes of a command by what they are; "all" of them, too."""
    found: dict[str, list[psutil.Process]] = {"page runner": [], "kernel": []}
    below = []
    with suppress(psutil.NoSuchProcess):
        below = head.children(recursive=True)
    for process in below:
        words = command_of(process)
        if "ipykernel_launcher" in words:
            found["kernel"].append(process)
        elif "disentlib" in words:
            found["page runner"].append(process)
    return found | {"head": [head], "below": below, "group": [head, *below]}


def command_of(process: psutil.Process) -> list[str]:
    """The words of a process, none if it is gone."""
    with suppress(psutil.Error):
        return [part for word in process.cmdline() for part in word.split()] + [
            word for word in process.cmdline() if "ipykernel_launcher" in word
        ]
    return []


def stage_of(processes: list[psutil.Process]) -> str:
    """What a sweep is at: the stage of its first job, else planning."""
    for process in processes:
        words = command_of(process)
        if "disentlib" in words and len(words) > words.index("disentlib") + 1:
            return STAGES.get(words[words.index("disentlib") + 1], "planning")
    return "planning"


def hit(dice: random.Random, there: dict[str, list[psutil.Process]], whom: str) -> str:
    """Send SIGKILL or SIGTERM to those; returns who got which, empty if none did."""
    number, got = dice.choice(NUMBERS), False
    for process in there[whom]:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)
            got = True
    return f"{whom}: {number.name}" if got else ""


def orphans(folder: Path) -> Iterator[psutil.Process]:
    """Processes at work in `folder`, or in its pages' one."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            place = Path(process.cwd())
            if place.is_relative_to(folder) and process.status() != "zombie":
                yield process


def orphans_end(folder: Path, kill: bool = False) -> None:
    """Wait for what a killed head has left at work in `folder`, or end it."""
    end = time.monotonic() + 300
    while found := list(orphans(folder)):
        for process in found if kill or time.monotonic() > end else ():
            with suppress(psutil.NoSuchProcess):
                process.kill()
        time.sleep(0.1)
