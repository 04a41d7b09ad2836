"""The TCP ports that this process listens on, for a library that keeps them to itself."""

import os
import socket
import stat
import struct
from pathlib import Path

_HANDLES = Path("/dev/fd")
"""Linux and macOS list here what a process has open; Windows does not."""

_FAMILIES = (socket.AF_INET, socket.AF_INET6)
_NO_LINGERING = struct.pack("ii", 1, 0)


def listeners() -> dict[int, int]:
    """Return by port the handles that listen; nothing where a system does not tell."""
    found = {}
    for handle in [int(path.name) for path in _HANDLES.iterdir()] if _HANDLES.is_dir() else ():
        try:
            if not stat.S_ISSOCK(os.fstat(handle).st_mode):
                continue  # to copy and close a file's handle would give up its locks
            with socket.socket(fileno=os.dup(handle)) as it:
                internet = it.family in _FAMILIES and it.type == socket.SOCK_STREAM
                if internet and it.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    found[it.getsockname()[1]] = handle
        except OSError:  # closed meanwhile
            continue
    return found


def free_at_once(handle: int) -> None:
    """Let the port of a listener be had again as soon as its process has ended.

    Connections that are left when a process is killed keep their port for a minute, and a
    library that does not ask for ``SO_REUSEADDR`` then takes another. Reset instead of wound
    down, they keep nothing; those that are accepted from now on inherit it.
    """
    with socket.socket(fileno=os.dup(handle)) as it:
        it.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGERING)
