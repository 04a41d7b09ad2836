"""Preview page of a face in the making: the photo, the face as it is now, and the time left.

It is at the loopback address alone: a photo of a person is shown.
"""

import asyncio
import errno
import threading
from contextlib import suppress
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vjnode.errors import OutputError
from vjnode.output.preview.pictures import FULL_QUALITY, jpeg, opaque_png, small_jpeg
from vjnode.output.preview.server import MAKING, PreviewServer, Status
from vjnode.output.preview.serving import DEFAULT_HOST, DEFAULT_PORT, ServerThread

BEAT_S = 1.0
"""Time after which the same picture is sent again, with the time left, s."""

LAST_S = 2.0
"""Time that watchers may take to show the last picture before the page goes, s."""


class Point(Protocol):
    """The point that is reached. stage: its name. done: 0…1. left_s: None while it is unknown."""

    @property
    def stage(self) -> str: ...  # noqa: D102
    @property
    def done(self) -> float: ...  # noqa: D102
    @property
    def left_s(self) -> float | None: ...  # noqa: D102


class MakingPage:
    """The page. name: of the face. size: that it is made for, px."""

    def __init__(self, name: str, size: int, port: int = DEFAULT_PORT) -> None:
        """Start serving, at another port where that one is taken.

        Raises:
            OutputError: no port can be had.
        """
        self._status: Status = {"state": "making", "face": name, "stage": "", "size": size}
        self._status |= {"done": 0.0, "left_s": None, "note": ""}
        self._photo = self._picture = np.zeros((8, 8, 3), np.uint8)
        self._begun, self._renewed = asyncio.Event(), asyncio.Event()
        self._last_sent, self._seen = False, threading.Event()
        try:
            self._server, self._thread = self._opened(port)
        except OSError as error:
            raise OutputError(f"no page can be served at {DEFAULT_HOST} ({error})") from error

    @property
    def url(self) -> str:
        """Address of the page."""
        return self._thread.url

    def begun(self, photo: NDArray[np.uint8]) -> None:
        """Show the photo, (H, W, 3) RGB."""
        self._photo = photo
        self._show(photo, {"stage": "photo"})
        self._thread.set(self._begun)

    def shown(self, picture: NDArray[np.uint8], point: Point) -> None:
        """Show the face as it is now, (H, W, 3) RGB."""
        said: Status = {"stage": point.stage, "done": point.done, "left_s": point.left_s}
        self._show(picture, said)

    def made(self, note: str) -> None:
        """Say that the face is made. note: how it became."""
        self._show(self._picture, {"state": "made", "done": 1.0, "left_s": 0.0, "note": note})

    def close(self) -> None:
        """Stop serving; if the face is made, once the watchers have shown it, or two seconds on."""
        if self._is_made and self._server.watchers:
            self._seen.wait(LAST_S)
        self._thread.close()

    def _show(self, picture: NDArray[np.uint8], said: Status) -> None:
        self._picture, self._status = picture, {**self._status, **said}
        self._thread.set(self._renewed)

    @property
    def _is_made(self) -> bool:
        return self._status["state"] == "made"

    async def _small(self) -> bytes:
        """Return the next picture, or the same one again after a beat."""
        if self._last_sent:  # who asks again has shown it
            self._seen.set()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._renewed.wait(), BEAT_S if self._begun.is_set() else None)
        self._renewed.clear()
        self._last_sent = self._is_made
        return await asyncio.to_thread(small_jpeg, self._picture)

    async def _full(self) -> bytes:
        await self._begun.wait()
        return await asyncio.to_thread(jpeg, self._picture, FULL_QUALITY)

    async def _png(self) -> bytes:
        await self._begun.wait()
        return await asyncio.to_thread(opaque_png, self._picture)

    async def _photo_jpeg(self) -> bytes:
        await self._begun.wait()
        return await asyncio.to_thread(small_jpeg, self._photo)

    def _opened(self, port: int) -> tuple[PreviewServer, ServerThread]:
        """Return a server at a port of the loopback address, or at any other if it is taken."""
        server = PreviewServer(
            lambda: self._status, self._small, self._full, self._png, page=MAKING
        )
        server.add("/photo.jpg", self._photo_jpeg, "image/jpeg")
        try:
            return server, ServerThread(server, DEFAULT_HOST, port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or not port:
                raise
        return self._opened(0)
