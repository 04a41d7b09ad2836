"""A memory fence: reads and writes before it take effect before those after it.

A processor may carry out reads and writes in another order than the program's, and on ARM another
core sees it: a value's number may arrive before the value. Python has no fence, but a lock that is
let go and taken again is one. To let go is a release (nothing from before it sinks below), to take
is an acquire (nothing from after it rises above), and a release and an acquire that follows it
stay in that order. On AArch64 glibc makes them ``casl`` and ``casa`` (without LSE ``stlxr`` and
``ldaxr``), whose order the architecture keeps; on x86-64 each is a locked instruction, which also
waits for streaming stores, as a large copy may use. macOS and Windows lock with the same
instructions; POSIX lists the calls as those that synchronise memory.

It costs less than a microsecond, and nobody waits: each call has a lock of its own.
"""

from _thread import allocate_lock


def fence() -> None:
    """Have every read and write before this call take effect before every one after it."""
    lock = allocate_lock()
    lock.acquire()
    lock.release()
    lock.acquire()
