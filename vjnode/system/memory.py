"""Memory of a process that makes and drops large tensors by the thousand."""

import ctypes
import sys

_TRIM_ABOVE, _MAP_ABOVE = -1, -3
"""Numbers of glibc's parameters, as mallopt(3) has them."""

_MOST = 2**31 - 1


def keep_freed_memory() -> None:
    """Let the C library, where it is glibc, keep large blocks that are freed, up to the end.

    glibc gives blocks above 32 MiB back at once, and the kernel clears each that comes in their
    place: with pictures of 1024 px that took as long as all arithmetic.
    """
    if sys.platform != "linux":
        return
    # Other C libraries of Linux have none.
    if (mallopt := getattr(ctypes.CDLL(None), "mallopt", None)) is not None:
        for parameter in (_TRIM_ABOVE, _MAP_ABOVE):
            mallopt(parameter, _MOST)
