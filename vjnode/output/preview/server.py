"""The preview's web server: one page, one WebSocket for pictures, two plain HTTP addresses."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from importlib import resources

from aiohttp import WSMsgType, web

from vjnode.output.preview.guarded_site import GOODBYE_S, GuardedSite
from vjnode.runtime import monotonic_s

Status = dict[str, str | int | float | None]

MAX_FPS = 30.0
FRAME_TIMEOUT_S = 2.0
STALL_S = 1.0
"""Time after which a watcher that has not taken its picture counts as stalled."""

_SHARED = {
    "/preview.css": ("preview.css", "text/css"),
    "/picture.js": ("picture.js", "text/javascript"),
}
SHOW = {
    **_SHARED,
    "/": ("index.html", "text/html"),
    "/preview.js": ("preview.js", "text/javascript"),
}
MAKING = {
    **_SHARED,
    "/": ("making.html", "text/html"),
    "/making.js": ("making.js", "text/javascript"),
}
"""Files of the pages, by address, each with its type: of a show, and of a face in the making."""

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

_log = logging.getLogger(__name__)


class PreviewServer:
    """Serves the page, and a picture to each watcher that has shown the previous one.

    status: returns the particulars of the newest frame.
    preview, full: make the next JPEG, small and in full size. png: makes the next PNG in full
        size, with the picture's alpha if it has one.
    page: its files.
    """

    def __init__(
        self,
        status: Callable[[], Status],
        preview: Callable[[], Awaitable[bytes]],
        full: Callable[[], Awaitable[bytes]],
        png: Callable[[], Awaitable[bytes]],
        page: Mapping[str, tuple[str, str]] = SHOW,
    ) -> None:
        self._status = status
        self._preview = preview
        self._full = full
        self._png = png
        self._site = GuardedSite("the preview", _HEADERS, risk="can be seen by the whole network")
        for path, (name, content_type) in page.items():
            self._site.add(path, _file(name, content_type))
        # Watchers, and the time since which their picture is on its way; None: not asked for.
        self._watchers: dict[web.WebSocketResponse, float | None] = {}
        self._stalled = 0
        self._coming: asyncio.Task[tuple[str, bytes]] | None = None
        self._begun_s = float("-inf")

    def add(self, path: str, make: Callable[[], Awaitable[bytes]], content_type: str) -> None:
        """Serve another picture, which ``make`` makes each time; to be called before it starts."""

        async def answer(_: web.Request) -> web.Response:
            return await _frame(make, content_type)

        self._site.add(path, answer)

    @property
    def watchers(self) -> int:
        """Number of watchers."""
        return len(self._watchers)

    @property
    def stalled(self) -> int:
        """Number of times that a watcher has not taken its picture for a second."""
        return self._stalled + sum(map(_is_late, self._watchers.copy().values()))

    async def start(self, host: str, port: int) -> tuple[str, int]:
        """Listen, and return the address in use.

        Raises:
            OSError: the address cannot be bound.
        """
        for path, answer in (
            ("/live", self._watch),
            ("/status", self._get_status),
            ("/frame.jpg", self._get_jpeg),
            ("/frame.png", self._get_png),
        ):
            self._site.add(path, answer)
        return await self._site.start(host, port)

    async def stop(self) -> None:
        """Close the connections of the watchers, and stop listening."""
        await self._site.take_leave(self._watchers)
        if self._coming is not None:
            self._coming.cancel()
        await self._site.stop()

    async def _watch(self, request: web.Request) -> web.WebSocketResponse:
        """Answer each message of a watcher with the status and the next picture.

        A message means that the previous picture has been shown, so that none can queue up.
        """
        socket = web.WebSocketResponse(timeout=GOODBYE_S, compress=False, max_msg_size=64)
        await socket.prepare(request)
        self._watchers[socket] = None
        try:
            async for message in socket:
                if message.type is not WSMsgType.TEXT:
                    break
                status, jpeg = await self._next()
                self._watchers[socket] = monotonic_s()
                await socket.send_str(status)
                await socket.send_bytes(jpeg)
                self._stalled += _is_late(self._watchers[socket])
                self._watchers[socket] = None
        except ConnectionError:
            pass  # the watcher has closed the page
        finally:
            self._stalled += _is_late(self._watchers.pop(socket))
        return socket

    async def _next(self) -> tuple[str, bytes]:
        """Return the next picture, which all waiting watchers share."""
        if self._coming is None or self._coming.done():
            self._coming = asyncio.create_task(self._make())
        return await asyncio.shield(self._coming)

    async def _make(self) -> tuple[str, bytes]:
        await asyncio.sleep(self._begun_s + 1 / MAX_FPS - monotonic_s())
        self._begun_s = monotonic_s()
        jpeg = await self._preview()
        return json.dumps(self._status()), jpeg

    async def _get_status(self, _: web.Request) -> web.Response:
        return web.json_response(self._status())

    async def _get_jpeg(self, _: web.Request) -> web.Response:
        return await _frame(self._full, "image/jpeg")

    async def _get_png(self, _: web.Request) -> web.Response:
        return await _frame(self._png, "image/png")


async def _frame(make: Callable[[], Awaitable[bytes]], content_type: str) -> web.Response:
    try:
        data = await asyncio.wait_for(make(), FRAME_TIMEOUT_S)
    except TimeoutError:
        return web.Response(status=503, text=f"no frame came within {FRAME_TIMEOUT_S:g} s")
    return web.Response(body=data, content_type=content_type)


def _is_late(since_s: float | None) -> bool:
    """Return whether a picture, on its way since ``since_s``, is late; None: none is on its way."""
    return since_s is not None and monotonic_s() - since_s > STALL_S


def _file(name: str, content_type: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    text = resources.files("vjnode.output.preview").joinpath("page", name).read_text("utf-8")

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=text, content_type=content_type)

    return answer
