"""Memory of a process that makes and drops large tensors by the thousand."""

import ctypes
import sys

_PARAMETERS = {-1: 2**31 - 1, -4: 0}
"""M_TRIM_THRESHOLD and M_MMAP_MAX of mallopt(3), with their values: nothing is given back, and no
block is mapped by itself. Older versions of glibc do not take a large M_MMAP_THRESHOLD."""


def keep_freed_memory() -> None:
    """Let the C library, where it is glibc, keep large blocks that are freed, up to the end.

    glibc gives blocks above 32 MiB back at once, and the kernel clears each that comes in their
    place: with pictures of 1024 px that took as long as all arithmetic.
    """
    if sys.platform != "linux":
        return
    # Other C libraries of Linux have none.
    if (mallopt := getattr(ctypes.CDLL(None), "mallopt", None)) is not None:
        for parameter, value in _PARAMETERS.items():
            mallopt(parameter, value)
