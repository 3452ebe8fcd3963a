"""Memory of the C library: kept between steps, where it would be given back and faulted
in.
"""

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h
KEPT_BYTES = 1 << 30
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
