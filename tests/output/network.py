"""A network of one's own, with nothing in it but loopback, for what would listen on all of it."""

import ctypes
import functools
import os
import socket
import struct
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from vjnode.output.ndi import sender

CLONE_NEWNET = 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1


def _call(function, *arguments):
    if function(*arguments):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


@functools.cache
def _own():
    """Make the network, once for this process; returns its handle. The caller is in it then."""
    import fcntl

    libc = ctypes.CDLL(None, use_errno=True)
    _call(libc.unshare, CLONE_NEWNET)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        name = struct.pack("16sh", b"lo", 0)
        flags = struct.unpack("16sh", fcntl.ioctl(any_socket, SIOCGIFFLAGS, name))[1]
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh", b"lo", flags | IFF_UP))
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY)


@contextmanager
def own_network():
    """Within it this thread, and every thread and process that it starts, sees only loopback."""
    if sys.platform != "linux":
        pytest.skip("needs Linux's network namespaces")
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        own = _own()
    except PermissionError:
        os.close(home)
        pytest.skip("a network of its own needs root, or: unshare -rn make test")
    libc = ctypes.CDLL(None, use_errno=True)
    _call(libc.setns, own, CLONE_NEWNET)
    try:
        yield
    finally:
        _call(libc.setns, home, CLONE_NEWNET)
        os.close(home)


@contextmanager
def ndi_network():
    """Make a network of one's own in which there is NDI; names of senders end in the process's id.

    The runtime leaves a file behind for each name.
    """
    with own_network():
        if why := sender.unready():
            pytest.skip(f"NDI is not installed here: {why}")
        yield
    for left in Path("/tmp").glob(f"NTK_SEND_*{os.getpid()}"):  # noqa: S108 - its place
        left.unlink()
