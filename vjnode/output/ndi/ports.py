"""TCP ports on which this process listens, opened by a library that does not tell them."""

import os
import socket
import stat
import struct
from pathlib import Path

_HANDLES = Path("/dev/fd")
"""Folder in which Linux and macOS list the process's open handles; Windows has none."""

_FAMILIES = (socket.AF_INET, socket.AF_INET6)
_NO_LINGERING = struct.pack("ii", 1, 0)


def listeners() -> dict[int, int]:
    """Return the handles of listening sockets by port; empty if the system does not list them."""
    found = {}
    for handle in [int(path.name) for path in _HANDLES.iterdir()] if _HANDLES.is_dir() else ():
        try:
            if not stat.S_ISSOCK(os.fstat(handle).st_mode):
                continue  # copying and closing a file's handle would release its locks
            with socket.socket(fileno=os.dup(handle)) as it:
                internet = it.family in _FAMILIES and it.type == socket.SOCK_STREAM
                if internet and it.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    found[it.getsockname()[1]] = handle
        except OSError:  # closed meanwhile
            continue
    return found


def free_at_once(handle: int) -> None:
    """Make the port of a listener available again as soon as its process has ended.

    Connections that are left when a process is killed keep their port for a minute, and a
    library that does not set ``SO_REUSEADDR`` then takes another. Connections that are reset
    instead of closed in order keep no port; those accepted from now on inherit that setting.
    """
    with socket.socket(fileno=os.dup(handle)) as it:
        it.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGERING)
