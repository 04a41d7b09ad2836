"""Guarded site: a web server that answers this node's own pages and programs, no foreign ones."""

import asyncio
import ipaddress
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping

from aiohttp import web

from vjnode.output.preview.origin_check import refusal

_log = logging.getLogger(__name__)

GOODBYE_S = 0.15
"""Time, s, that the other side of a WebSocket may take to answer its closing."""


class GuardedSite:
    """Serves what is added to ``app`` before it starts.

    name: for people. headers: of every answer. risk: what a network can do with it, for the
    warning where the address is not this machine's alone.
    """

    def __init__(self, name: str, headers: Mapping[str, str], *, risk: str) -> None:
        self.app = web.Application(middlewares=[self._guard])
        self.app.on_response_prepare.append(self._add_headers)
        self._name, self._headers, self._risk = name, headers, risk
        self._loopback = True
        self._runner: web.AppRunner | None = None

    async def start(self, host: str, port: int) -> tuple[str, int]:
        """Listen, and return the address in use.

        Raises:
            OSError: the address cannot be bound.
        """
        self._runner = runner = web.AppRunner(self.app, access_log=None, shutdown_timeout=GOODBYE_S)
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
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    @web.middleware
    async def _guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        why = refusal(request.headers, loopback=self._loopback)
        return await handler(request) if why is None else web.Response(status=403, text=why)

    async def _add_headers(self, _: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(self._headers)
