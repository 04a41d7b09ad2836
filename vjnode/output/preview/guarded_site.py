"""Guarded site: a web server that answers this node's own pages and programs, no foreign ones."""

import asyncio
import ipaddress
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping

from aiohttp import web
from aiohttp.http import HttpProcessingError

from vjnode.output.preview.origin_check import refusal

_log = logging.getLogger(__name__)

GOODBYE_S = 0.15
"""Time, s, that the other side of a WebSocket may take to answer its closing."""


Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def _expect(_: web.Request) -> None:
    """Take no notice of what a request expects: nothing that it sends along is read."""


async def _nothing(request: web.Request) -> web.StreamResponse:
    """Answer a request that is for nothing here."""
    known = request.method in ("GET", "HEAD")
    return web.Response(status=404) if known else web.Response(status=405, headers={"Allow": "GET"})


def _is_fault(record: logging.LogRecord) -> bool:
    """Return whether a record tells of a fault of ours, not of a request that is none."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError | ConnectionError)


_faults = logging.getLogger(f"{__name__}.faults")
_faults.addFilter(_is_fault)


class GuardedSite:
    """Serves what is added before it starts.

    name: for people. headers: of every answer. risk: what a network can do with it, for the
    warning where the address is not this machine's alone.
    """

    def __init__(self, name: str, headers: Mapping[str, str], *, risk: str) -> None:
        self._app = web.Application(middlewares=[self._guard])
        self._app.on_response_prepare.append(self._add_headers)
        self._name, self._headers, self._risk = name, headers, risk
        self._loopback = True
        self._runner: web.AppRunner | None = None

    def add(self, path: str, answer: Answer) -> None:
        """Have requests for a path answered; the path is a pattern of aiohttp's."""
        self._app.router.add_get(path, answer, expect_handler=_expect)

    async def start(self, host: str, port: int) -> tuple[str, int]:
        """Listen, and return the address in use.

        Raises:
            OSError: the address cannot be bound.
        """
        self._app.router.add_route("*", "/{path:.*}", _nothing, expect_handler=_expect)
        self._runner = runner = web.AppRunner(
            self._app,
            access_log=None,
            logger=_faults,
            shutdown_timeout=GOODBYE_S,
            lingering_time=0.0,  # nothing that is sent along is waited for
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError:
            await runner.cleanup()
            raise
        name, port = runner.addresses[0][:2]
        self._loopback = ipaddress.ip_address(name).is_loopback
        if not self._loopback:
            _log.warning("%s at %s:%d %s", self._name, name, port, self._risk)
        return name, port

    async def take_leave(self, sockets: Iterable[web.WebSocketResponse]) -> None:
        """Close these connections, without waiting for long."""
        goodbyes = [asyncio.ensure_future(one.close(code=1001)) for one in sockets]
        if goodbyes:
            _, slow = await asyncio.wait(goodbyes, timeout=GOODBYE_S)
            for goodbye in slow:
                goodbye.cancel()

    async def stop(self) -> None:
        """Stop listening, and end whatever its loop still does."""
        if self._runner is not None:
            await self._runner.cleanup()
        if left := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in left:
                task.cancel()
            await asyncio.wait(left, timeout=GOODBYE_S)

    @web.middleware
    async def _guard(self, request: web.Request, handler: Answer) -> web.StreamResponse:
        try:
            "".join((request.path, *request.headers.values())).encode()
        except UnicodeEncodeError:  # or an answer that names such a header fails, aiohttp's too
            return web.Response(status=400, text="a header that is no text")
        why = refusal(request.headers, loopback=self._loopback)
        if why is None:
            return await handler(request)
        return web.Response(status=403, text=why)

    async def _add_headers(self, _: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(self._headers)
