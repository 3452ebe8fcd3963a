"""Joules of a run: from a counter in the machine where there is one, else
an estimate.
"""

import time
from collections.abc import Callable
from pathlib import Path

POWERCAP = Path("/sys/class/powercap")
# A desktop processor's rated 65 W over its 6 cores, rounded; servers and laptops lie
# below it.
WATTS_PER_BUSY_CORE = 10.0


def open_meter(
    device: str = "cpu", powercap: Path = POWERCAP
) -> tuple[str, Callable[[], float]]:
    """The source's name and a function that returns the joules used since now.

    In this order: the graphics card's counter (NVML) for a CUDA device; the processor's
    (RAPL), which counts everything that the package does, other programs too; else this
    process' CPU time at 10 W a busy core, which is an estimate and is named so.
    """
    if device.startswith("cuda") and (counter := nvml_counter(device)):
        return "measured: NVML counter of the graphics card", since_now(counter)
    if counter := rapl_counter(powercap):
        return "measured: RAPL counter of the processor package", counter
    seconds = since_now(time.process_time)
    return (
        f"estimate: {WATTS_PER_BUSY_CORE:g} W a busy core",
        lambda: WATTS_PER_BUSY_CORE * seconds(),
    )


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


def nvml_counter(device: str) -> Callable[[], float] | None:
    """Joules since the driver was loaded, from the card's own counter, or None without
    one.
    """
    try:
        import pynvml

        pynvml.nvmlInit()
        number = int(device.partition(":")[2] or 0)
        handle = pynvml.nvmlDeviceGetHandleByIndex(number)
        pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
    except (
        Exception
    ):  # no driver, no card, or a card without a counter: each has its own error
        return None
    return lambda: pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) / 1e3
