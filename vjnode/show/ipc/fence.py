"""Memory fence: reads and writes before it take effect before those after it.

A processor may execute reads and writes in another order than the program's, and on ARM other
cores can observe that: a value's number may arrive before the value. Python has no fence, but
releasing a lock and acquiring it again is one. The release keeps earlier accesses before it, the
acquire keeps later accesses after it, and a release and a following acquire stay in that order. On
AArch64 glibc compiles them to ``casl`` and ``casa`` (without LSE ``stlxr`` and ``ldaxr``), whose
order the architecture keeps; on x86-64 each is a locked instruction, which also waits for
streaming stores, as a large copy may use. macOS and Windows lock with the same instructions; POSIX
lists the calls among those that synchronise memory.

It costs less than a microsecond, and never waits: each call has a lock of its own.
"""

from _thread import allocate_lock


def fence() -> None:
    """Make all reads and writes before this call take effect before all those after it."""
    lock = allocate_lock()
    lock.acquire()
    lock.release()
    lock.acquire()
