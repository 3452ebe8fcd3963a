"""Joules of a run: from a counter in the machine where there is one, else
an estimate.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from disentlib.training.configuration import on_card

POWERCAP = Path("/sys/class/powercap")
# A desktop processor's rated 65 W over its 6 cores, rounded; servers and laptops lie
# below it.
WATTS_PER_BUSY_CORE = 10.0
# Between a workstation's card (200 to 450 W) and a server's (300 to 700 W), neither at
# its limit all the time.
WATTS_PER_CARD = 300.0


def open_meter(
    device: str = "cpu", powercap: Path = POWERCAP
) -> tuple[str, Callable[[], float]]:
    """The source's name and a function that returns the joules used since now.

    On a CUDA device the counter of that very card (NVML), else 300 W a card and 10 W a
    busy core. On a processor its counter (RAPL), which counts everything that the
    package does, other programs too; else this process' CPU time at 10 W a busy core.
    What is estimated is named so.
    """
    cards = cards_of(device)
    if cards and (counter := nvml_counter(cards)):
        return "measured: NVML counter of the graphics card", since_now(counter)
    if not cards and (counter := rapl_counter(powercap)):
        return "measured: RAPL counter of the processor package", counter
    busy, passed = since_now(time.process_time), since_now(time.monotonic)
    watts = WATTS_PER_CARD * len(cards)
    of_cards = f"{WATTS_PER_CARD:g} W a card and " if cards else ""
    return (
        f"estimate: {of_cards}{WATTS_PER_BUSY_CORE:g} W a busy core",
        lambda: WATTS_PER_BUSY_CORE * busy() + watts * passed(),
    )


def cards_of(device: str) -> list[int]:
    """The cards behind a device of torch's, by torch's numbers: those that this process
    sees.
    """
    if not on_card(device):
        return []
    number = device.partition(":")[2]
    return [int(number) if number else torch.cuda.current_device()]


def identity(card: int) -> str:
    """The card's own name (UUID), which no order or choice of visible cards changes."""
    return f"GPU-{torch.cuda.get_device_properties(card).uuid}"


def since_now(counter: Callable[[], float]) -> Callable[[], float]:
    """A counter that starts at 0."""
    start = counter()
    return lambda: counter() - start


def rapl_counter(powercap: Path) -> Callable[[], float] | None:
    """Joules of all packages since now from Linux's powercap files, or None without
    them.
    """
    try:
        packages = [
            (zone / "energy_uj", int((zone / "max_energy_range_uj").read_text()))
            for zone in sorted(powercap.glob("*rapl:?"))
            if (zone / "name")
            .read_text()
            .startswith("package")  # laptops count "psys" besides
        ]
        last = [int(path.read_text()) for path, _ in packages]
    except (OSError, ValueError):
        return None  # most systems let only root read them
    total = 0

    def joules() -> float:
        nonlocal total
        for i, (path, span) in enumerate(packages):
            now = int(path.read_text())
            total += (now - last[i]) % span  # the counter starts again at its span
            last[i] = now
        return total / 1e6

    return joules if packages else None


def nvml_counter(cards: Sequence[int]) -> Callable[[], float] | None:
    """Joules since the driver was loaded, summed over `cards`, from their own counters;
    None where one of them has none, and for a part of a card (MIG).
    """
    try:
        import pynvml

        pynvml.nvmlInit()
        handles = [pynvml.nvmlDeviceGetHandleByUUID(identity(card)) for card in cards]

        def joules() -> float:
            read = map(pynvml.nvmlDeviceGetTotalEnergyConsumption, handles)
            return float(sum(read)) / 1e3

        joules()
    except Exception:  # no driver, no card, no counter: each has its own error
        return None
    return joules
