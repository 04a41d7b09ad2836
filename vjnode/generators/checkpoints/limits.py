"""Limits on memory and processor that a process sets itself before it reads a file of others."""

import contextlib
import sys

from vjnode.system.windows_job import limit_this_process

MEMORY_BYTES = 6 * 2**30
"""Address space; a network of 1024 px with all that its training kept needs some 2 GB."""

CPU_S = 120
"""Time on the processor, s."""

WALL_S = 300
"""Time that whoever waits for the process gives it, s."""

FILES = 64
"""Files that are open at once."""


def set_limits() -> None:
    """Limit this process, where the system can.

    Linux holds all of them, macOS all but the memory, Windows memory and processor, by a job
    object. Where a limit is refused, the file's size, the checks of every length in it and the time
    limit of whoever waits have to do.
    """
    if sys.platform == "win32":
        limit_this_process(memory_bytes=MEMORY_BYTES, cpu_s=CPU_S)
        return
    import resource  # noqa: PLC0415 - there is none on Windows

    for kind, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_NOFILE, FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        held = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with contextlib.suppress(ValueError, OSError):  # macOS refuses some
            resource.setrlimit(kind, (held, held))
