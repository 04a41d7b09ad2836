"""CUDA through its driver alone: memory, streams, events and graphs of the first card.

A driver is on every machine that has a card, and nothing else is needed: no toolkit, no CUDA
package, and no CUDA build of torch, which is gigabytes to install and seconds to import. What is
used here is some twenty functions of the driver API, which have been stable since CUDA 11.4.
"""

import ctypes
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from ctypes import (
    POINTER,
    c_char,
    c_char_p,
    c_float,
    c_int,
    c_size_t,
    c_uint,
    c_uint64,
    c_void_p,
)
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vjnode.errors import EngineError

NO_CARD = "there is no CUDA card here, or no NVIDIA driver for it"

_HANDLE, _ADDRESS = c_void_p, c_uint64
_OUT = POINTER(c_void_p)
_SIGNATURES: dict[str, tuple[Any, ...]] = {
    "cuInit": (c_uint,),
    "cuGetErrorString": (c_int, POINTER(c_char_p)),
    "cuDeviceGet": (POINTER(c_int), c_int),
    "cuDeviceGetName": (POINTER(c_char), c_int, c_int),
    "cuDevicePrimaryCtxRetain": (_OUT, c_int),
    "cuCtxSetCurrent": (_HANDLE,),
    "cuMemAlloc_v2": (POINTER(_ADDRESS), c_size_t),
    "cuMemFree_v2": (_ADDRESS,),
    "cuMemHostAlloc": (_OUT, c_size_t, c_uint),
    "cuMemFreeHost": (c_void_p,),
    "cuMemcpyHtoDAsync_v2": (_ADDRESS, c_void_p, c_size_t, _HANDLE),
    "cuMemcpyDtoHAsync_v2": (c_void_p, _ADDRESS, c_size_t, _HANDLE),
    "cuStreamCreate": (_OUT, c_uint),
    "cuStreamDestroy_v2": (_HANDLE,),
    "cuStreamSynchronize": (_HANDLE,),
    "cuStreamWaitEvent": (_HANDLE, _HANDLE, c_uint),
    "cuStreamBeginCapture_v2": (_HANDLE, c_int),
    "cuStreamEndCapture": (_HANDLE, _OUT),
    "cuGraphInstantiateWithFlags": (_OUT, _HANDLE, ctypes.c_ulonglong),
    "cuGraphLaunch": (_HANDLE, _HANDLE),
    "cuGraphDestroy": (_HANDLE,),
    "cuGraphExecDestroy": (_HANDLE,),
    "cuEventCreate": (_OUT, c_uint),
    "cuEventRecord": (_HANDLE, _HANDLE),
    "cuEventQuery": (_HANDLE,),
    "cuEventSynchronize": (_HANDLE,),
    "cuEventDestroy_v2": (_HANDLE,),
}

_NOT_READY = 600  # CUDA_ERROR_NOT_READY
_PORTABLE = 1  # CU_MEMHOSTALLOC_PORTABLE
_NON_BLOCKING = 1  # CU_STREAM_NON_BLOCKING: not in step with anybody's default stream
_THREAD_LOCAL = 1  # CU_STREAM_CAPTURE_MODE_THREAD_LOCAL: another thread may use the card meanwhile
_BLOCKING_SYNC, _DISABLE_TIMING = 1, 2  # CU_EVENT_…: a wait sleeps, for others need the cores


def load_driver() -> Any:  # noqa: ANN401 - a shared library
    """Return the driver's library with the signatures of what is used of it.

    Raises:
        EngineError: it is not here, or too old.
    """
    try:
        library = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
        for name, arguments in _SIGNATURES.items():
            getattr(library, name).argtypes = arguments
    except OSError as error:
        raise EngineError(NO_CARD) from error
    except AttributeError as error:
        raise EngineError(f"the NVIDIA driver is too old ({error}); install a newer one") from error
    return library


class Cuda:
    """The first card, and what was made on it: ``close`` frees all of it.

    Everything but what belongs to a call is made once and kept; nothing is made per picture.
    Usable from any thread, by one at a time.

    Raises:
        EngineError: there is no card, or its driver is too old.
    """

    def __init__(self, library: Any | None = None) -> None:  # noqa: ANN401 - for tests
        self._library = load_driver() if library is None else library
        self._undo: list[tuple[str, Any]] = []
        device = c_int()
        self._do("cuInit", 0)
        self._do("cuDeviceGet", ctypes.byref(device), 0)
        name = ctypes.create_string_buffer(256)
        self._do("cuDeviceGetName", name, len(name), device)
        self.card = name.value.decode(errors="replace")
        """Name of the card, as it says itself."""
        # The context that TensorRT and torch use as well. It is never released: pictures that
        # are still handed out live in it.
        self._context = self._made("cuDevicePrimaryCtxRetain", device)
        self.use()

    def use(self) -> None:
        """Let this thread work on the card; call it before anything else in another thread."""
        self._do("cuCtxSetCurrent", self._context)

    def memory(self, nbytes: int) -> int:
        """Return the address of new memory on the card."""
        address = _ADDRESS()
        self._do("cuMemAlloc_v2", ctypes.byref(address), nbytes)
        self._undo.append(("cuMemFree_v2", address.value))
        return address.value

    def pinned(self, nbytes: int) -> int:
        """Return the address of new memory here that the card reads and writes by itself.

        It is the caller's to give back, with ``free_pinned``.
        """
        return int(self._made("cuMemHostAlloc", nbytes, _PORTABLE) or 0)

    def free_pinned(self, address: int) -> None:
        """Give back what ``pinned`` returned."""
        self._do("cuMemFreeHost", address)

    def staging(self, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Return pinned memory that is kept, as an array, float32."""
        count = int(np.prod(shape))
        address = self._kept("cuMemFreeHost", self.pinned(4 * count))
        memory = (c_float * count).from_address(address)
        return np.ctypeslib.as_array(memory).reshape(shape)

    def stream(self) -> int:
        """Return a new stream: what is put into it happens in order, apart from other streams."""
        return self._kept("cuStreamDestroy_v2", self._made("cuStreamCreate", _NON_BLOCKING))

    def event(self) -> int:
        """Return a new event: a place in a stream that others can wait for."""
        flags = _BLOCKING_SYNC | _DISABLE_TIMING
        return self._kept("cuEventDestroy_v2", self._made("cuEventCreate", flags))

    def to_card(self, address: int, host: int, nbytes: int, stream: int) -> None:
        """Copy from pinned memory to the card, when its turn comes in ``stream``."""
        self._do("cuMemcpyHtoDAsync_v2", address, host, nbytes, stream)

    def from_card(self, host: int, address: int, nbytes: int, stream: int) -> None:
        """Copy from the card to pinned memory, when its turn comes in ``stream``."""
        self._do("cuMemcpyDtoHAsync_v2", host, address, nbytes, stream)

    def record(self, event: int, stream: int) -> None:
        """Set ``event`` behind everything that is in ``stream`` now."""
        self._do("cuEventRecord", event, stream)

    def order(self, stream: int, event: int) -> None:
        """Let what is put into ``stream`` from now on wait for ``event``."""
        self._do("cuStreamWaitEvent", stream, event, 0)

    def is_over(self, event: int) -> bool:
        """Return whether everything before ``event`` has happened."""
        return self._do("cuEventQuery", event, fine=(0, _NOT_READY)) == 0

    def wait(self, event: int) -> None:
        """Wait until everything before ``event`` has happened."""
        self._do("cuEventSynchronize", event)

    def finish(self, stream: int) -> None:
        """Wait until ``stream`` is empty."""
        self._do("cuStreamSynchronize", stream)

    def graph(self, work: Callable[[], None], stream: int) -> int:
        """Return what ``work`` puts into ``stream`` as one graph; nothing happens yet.

        Raises:
            EngineError: it does something that a graph cannot hold.
        """
        with self._captured(stream) as graphs:
            work()
        graph = graphs[0]
        try:
            made = self._made("cuGraphInstantiateWithFlags", graph, 0)
        finally:
            self._do("cuGraphDestroy", graph)
        return self._kept("cuGraphExecDestroy", made)

    def launch(self, graph: int, stream: int) -> None:
        """Put a graph into ``stream``."""
        self._do("cuGraphLaunch", graph, stream)

    def close(self) -> None:
        """Free everything but what ``pinned`` returned; safe to call twice."""
        with suppress(EngineError):  # a card that has failed: what can be freed still is
            self.use()
        streams = [handle for name, handle in self._undo if name == "cuStreamDestroy_v2"]
        for stream in streams:
            with suppress(EngineError):
                self.finish(stream)
        while self._undo:
            with suppress(EngineError):
                self._do(*self._undo.pop())

    @contextmanager
    def _captured(self, stream: int) -> Iterator[list[int]]:
        """Within it, what is put into ``stream`` becomes a graph; gives where that will be."""
        graphs: list[int] = []
        self._do("cuStreamBeginCapture_v2", stream, _THREAD_LOCAL)
        with ExitStack() as unless_done:
            unless_done.callback(self._abandon_capture, stream)
            yield graphs
            unless_done.pop_all()
        graphs.append(self._ended(stream))

    def _abandon_capture(self, stream: int) -> None:
        graph = c_void_p()
        self._library.cuStreamEndCapture(stream, ctypes.byref(graph))
        if graph.value:
            self._library.cuGraphDestroy(graph)

    def _ended(self, stream: int) -> int:
        graph = c_void_p()
        self._do("cuStreamEndCapture", stream, ctypes.byref(graph))
        return graph.value or 0

    def _made(self, name: str, *arguments: object) -> int:
        """Call what writes a new handle to its first argument; return the handle."""
        handle = c_void_p()
        self._do(name, ctypes.byref(handle), *arguments)
        return handle.value or 0

    def _kept(self, undo: str, handle: int) -> int:
        self._undo.append((undo, handle))
        return handle

    def _do(self, name: str, *arguments: object, fine: tuple[int, ...] = (0,)) -> int:
        code = int(getattr(self._library, name)(*arguments))
        if code not in fine:
            text = c_char_p()
            self._library.cuGetErrorString(code, ctypes.byref(text))
            said = (text.value or b"unknown error").decode(errors="replace")
            raise EngineError(f"CUDA cannot go on: {name} says {said!r} (error {code})")
        return code
