"""Remembers which engine is being opened, for the case that this takes the whole process down.

A broken driver can end a process or hang it, which no exception tells of. So a file says what is
being tried, and one that is left over from a process that has ended says what not to try again.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vjnode.errors import EngineError, VjnodeError
from vjnode.paths import cache_dir, remove
from vjnode.remedies import run_vjnode
from vjnode.system import windows


@contextmanager
def attempt(name: str) -> Iterator[None]:
    """Within it, engine ``name`` is being opened."""
    with suppress(OSError, VjnodeError):  # without a cache nothing is remembered
        _file(name).write_text(str(os.getpid()))
    try:
        yield
    finally:
        with suppress(OSError, VjnodeError, ValueError):
            _forget_own(_file(name))


def took_down(name: str) -> bool:
    """Return whether a process was trying to open engine ``name`` when it ended."""
    try:
        pid = int(_file(name).read_text())
    except (OSError, ValueError, VjnodeError):
        return False
    return pid != os.getpid() and not _lives(pid)


def refuse_if_it_took_down(name: str) -> None:
    """Refuse engine ``name`` if it took a process down.

    Raises:
        EngineError: it did; the text says what to do.
    """
    if took_down(name):
        raise EngineError(
            "it took the process down the last time it was opened; update the driver, "
            f"then try it again with: {run_vjnode('engines', 'list')}"
        )


def forget_attempts() -> None:
    """Take back what this process was trying: it ends for another reason."""
    with suppress(OSError, VjnodeError, ValueError):
        for path in cache_dir("engines").glob("opening-*"):
            _forget_own(path)


def forget_failure(name: str) -> None:
    """Let engine ``name`` be tried again, whatever happened to those who did."""
    with suppress(OSError, VjnodeError):
        remove(_file(name))


def _file(name: str) -> Path:
    return cache_dir("engines") / f"opening-{name}"


def _forget_own(path: Path) -> None:
    if int(path.read_text()) == os.getpid():
        remove(path)


def _lives(pid: int) -> bool:
    if sys.platform == "win32":  # where os.kill would end it
        return windows.process_lives(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
