"""Joules of a run: from a counter in the machine where there is one, else
an estimate.
"""

import time
from collections.abc import Callable
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
    card = card_of(device)
    if card is not None and (counter := nvml_counter(card)):
        return "measured: NVML counter of the graphics card", since_now(counter)
    if card is None and (counter := rapl_counter(powercap)):
        return "measured: RAPL counter of the processor package", counter
    busy, passed = since_now(time.process_time), since_now(time.monotonic)
    watts = 0.0 if card is None else WATTS_PER_CARD
    of_cards = f"{watts:g} W a card and " if watts else ""
    return (
        f"estimate: {of_cards}{WATTS_PER_BUSY_CORE:g} W a busy core",
        lambda: WATTS_PER_BUSY_CORE * busy() + watts * passed(),
    )


def card_of(device: str) -> int | None:
    """The card behind a device of torch's, by torch's number: one that this process
    sees.
    """
    if not on_card(device):
        return None
    number = device.partition(":")[2]
    return int(number) if number else torch.cuda.current_device()


def uuid_of(card: int) -> str:
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


def nvml_counter(card: int) -> Callable[[], float] | None:
    """Joules since the driver was loaded, from the card's own counter; None where it
    has none, and for a part of a card (MIG).
    """
    try:
        import pynvml

        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByUUID(uuid_of(card))

        def joules() -> float:
            return float(pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)) / 1e3

        joules()
    except Exception:  # no driver, no card, no counter: each has its own error
        return None
    return joules
