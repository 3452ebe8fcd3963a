"""The machine under a run: its memory, its precision, and what to say of it later."""

import ctypes
import os
import platform
import subprocess
import sys
from typing import Any

import numpy as np
import torch

from disentlib.paths import ROOT
from disentlib.training.configuration import TrainingConfig, on_card

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h
KEPT_BYTES = 1 << 30
CODE = ("disentlib", "notebooks", "requirements.lock")  # what decides a run's numbers
LARGEST_BYTES = (1 << 28, 1 << 25)  # the second is all that older glibc takes


def keep_freed_memory() -> bool:
    """Let glibc keep the memory of freed tensors for the next ones; False where it is
    not glibc.

    By default a large tensor's pages go back to the system when it is freed and are
    cleared and mapped anew, 4 KiB at a time, for the next: some 10,000 page faults a
    step of 64 images and a quarter of its time, more or less by the luck of the heap
    (bench/training_step.py counts them). Holds for the whole process, which keeps up to
    1 GiB more than it uses.
    """
    if sys.platform != "linux" or not hasattr(library := ctypes.CDLL(None), "mallopt"):
        return False
    # The order matters: setting either ends glibc's own adaptation of both.
    if not any(library.mallopt(M_MMAP_THRESHOLD, size) for size in LARGEST_BYTES):
        return False
    return bool(library.mallopt(M_TRIM_THRESHOLD, KEPT_BYTES))


def prepare_torch(config: TrainingConfig) -> None:
    """Threads and precision as configured, memory kept, and kernels that repeat
    themselves.
    """
    keep_freed_memory()
    torch.set_num_threads(config.threads)
    torch.set_float32_matmul_precision(
        "high" if config.precision == "tf32" else "highest"
    )
    torch.backends.cudnn.allow_tf32 = config.precision == "tf32"
    torch.backends.cudnn.deterministic = True


def chosen_precision(device: str) -> str:
    """What "auto" means on this machine: bfloat16 where it is native, else float32."""
    return "bfloat16" if bfloat16_is_native(device) else "float32"


def bfloat16_is_native(device: str) -> bool:
    """Whether the device multiplies bfloat16 matrices in hardware."""
    if on_card(device):
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return not {"avx512_bf16", "amx_bf16"}.isdisjoint(_flags())


def provenance(device: str) -> dict[str, Any]:
    """Versions, commit and machine, for `result.json`."""
    name = torch.cuda.get_device_name(device) if on_card(device) else _processor()
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "commit": commit(),
        "device": name,
        "machine": platform.machine(),
        "system": platform.platform(),
        "threads": torch.get_num_threads(),
    }


def commit() -> str | None:
    """The commit of the library: `$DISENTLIB_COMMIT`, for copies without a history,
    else git's answer; None where there is neither.

    It ends in `-dirty` where what runs was changed since; tables that came are no such
    change.
    """
    if given := os.environ.get("DISENTLIB_COMMIT"):
        return given
    try:
        name = _git("describe", "--always", "--abbrev=12").stdout.strip()
        changed = _git("diff", "--quiet", "HEAD", "--", *CODE).returncode == 1
    except (OSError, subprocess.TimeoutExpired):
        return None
    return (f"{name}-dirty" if changed else name) or None


def _git(*words: str) -> subprocess.CompletedProcess[str]:
    command = ["git", "-C", str(ROOT), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=10)


def _cpuinfo(key: str) -> str:
    """The first value of a key in Linux's list of processors, or nothing."""
    try:
        with open("/proc/cpuinfo") as file:
            lines = (line.partition(":") for line in file)
            return next((v.strip() for name, _, v in lines if name.strip() == key), "")
    except OSError:
        return ""


def _flags() -> list[str]:
    return _cpuinfo("flags").split()


def _processor() -> str:
    return _cpuinfo("model name") or platform.processor() or platform.machine()
