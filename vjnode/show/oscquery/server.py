"""OSCQuery's server: the tree over HTTP, values over a WebSocket, in a thread of its own.

A program asks for nodes and attributes by HTTP. Over a WebSocket it says which addresses it listens
to, and OSC goes both ways. Who may ask is checked as for the preview page.
"""

import asyncio
import errno
import itertools
import json
import logging
import threading
from collections.abc import Callable

from aiohttp import WSMessage, WSMsgType, web

from vjnode.control.destination import Destination
from vjnode.control.osc import OscServer
from vjnode.control.osc_out import OscOut
from vjnode.control.osc_validation import MAX_BYTES
from vjnode.errors import VjnodeError
from vjnode.output.preview.guarded_site import GOODBYE_S, GuardedSite
from vjnode.show.oscquery.tree import ATTRIBUTES, Json, Tree

_log = logging.getLogger(__name__)

MAX_LISTENERS = 16

LOOK_S = 1.0
"""Time, s, from one look for nodes that have changed to the next."""

MAX_QUEUED = 1024
"""Messages that wait for one listener; one that is slower than that has to come again."""

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


class OscQuery:
    """Serves a tree, and hands the OSC that comes over its WebSockets to the show's OSC server.

    Args:
        host, port: where to listen.
        tree, info: what to answer; info is that about the host.
        osc: acts on what comes.
        out: tells values to who listens.

    """

    def __init__(
        self, host: str, port: int, *, tree: Tree, info: Json, osc: OscServer, out: OscOut
    ) -> None:
        """Bind the port.

        Raises:
            VjnodeError: it is taken, or the host is not one of this machine.
        """
        self._tree, self._info, self._osc, self._out = tree, info, osc, out
        self._site = GuardedSite("OSCQuery", _HEADERS, risk="lets the whole network steer")
        self._site.add("/{path:.*}", self._answer)
        self._numbers = itertools.count(1)
        self._sockets: dict[web.WebSocketResponse, Callable[[bytes | str], None]] = {}
        """Those who listen, and what puts a message into the queue of each."""
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        try:
            self.host, self.port = self._loop.run_until_complete(self._site.start(host, port))
        except (OSError, UnicodeError) as error:
            self._loop.close()
            raise VjnodeError(_cannot_bind(host, port, error)) from error
        self._watching = Destination("OSCQuery", "", frozenset(), lambda _: None, wants=set())
        out.add(self._watching)  # it wants nothing, but values are kept up to date for it
        self._thread = threading.Thread(target=self._run, name="oscquery", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop the server, even if somebody listens."""
        self._out.remove(self._watching)
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._loop.close()

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        looking = asyncio.ensure_future(self._look())
        await self._stop.wait()
        looking.cancel()
        await self._site.take_leave([one for one in self._sockets if one.prepared])
        await self._site.stop()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if web.WebSocketResponse().can_prepare(request).ok:
            return await self._listen(request)
        if request.query_string == "HOST_INFO":
            return web.json_response(self._info)
        self._tell_changes()
        return self._told(request.path.rstrip("/") or "/", request.query_string)

    async def _look(self) -> None:
        """Tell listeners of nodes that have changed, again and again."""
        while True:
            await asyncio.sleep(LOOK_S)
            self._tell_changes()

    def _tell_changes(self) -> None:
        for command, path in self._tree.renew():
            for put in self._sockets.values():
                put(json.dumps({"COMMAND": command, "DATA": path}))

    def _told(self, path: str, asked: str) -> web.Response:
        """Return a node, or the attribute of it that is asked for."""
        if (node := self._tree.node(path)) is None:
            return web.Response(status=404, text="there is no such node")
        if not asked:
            return web.json_response(node)
        if asked not in ATTRIBUTES:
            text = f"there is no such attribute; there are: HOST_INFO, {', '.join(ATTRIBUTES)}"
            return web.Response(status=400, text=text)
        if asked in node:
            return web.json_response({asked: node[asked]})
        return web.json_response({}) if "TYPE" not in node else web.Response(status=204)

    async def _listen(self, request: web.Request) -> web.StreamResponse:
        """Serve one WebSocket until it ends."""
        if len(self._sockets) >= MAX_LISTENERS:
            return web.Response(status=503, text=f"{MAX_LISTENERS} listen already")
        socket = web.WebSocketResponse(timeout=GOODBYE_S, compress=False, max_msg_size=MAX_BYTES)
        number = next(self._numbers)
        queue: asyncio.Queue[bytes | str] = asyncio.Queue(MAX_QUEUED)
        too_slow = asyncio.Event()

        def put(message: bytes | str) -> None:
            try:
                queue.put_nowait(message)
            except asyncio.QueueFull:
                too_slow.set()

        def deliver(message: bytes) -> None:
            try:
                self._loop.call_soon_threadsafe(put, message)
            except RuntimeError as error:  # the loop has ended
                raise OSError(errno.EPIPE, "it has gone") from error

        name = f"WebSocket {number}"
        listener = Destination(name, name, frozenset((number,)), deliver, wants=set())
        self._sockets[socket] = put  # it has its place before it is asked in
        try:
            await socket.prepare(request)
            self._out.add(listener)
            sending = asyncio.ensure_future(_pass_on(queue, socket))
            ending = asyncio.ensure_future(_end_when(too_slow, socket))
            try:
                async for message in socket:
                    self._act(message, listener, number)
            finally:
                sending.cancel()
                ending.cancel()
                self._out.remove(listener)
        except ConnectionError:
            pass  # it has gone
        finally:
            self._sockets.pop(socket, None)
        return socket

    def _act(self, message: WSMessage, listener: Destination, number: int) -> None:
        """Do what one message says; one that is not to be understood does nothing."""
        if message.type is WSMsgType.BINARY:
            self._osc.handle(message.data, listener.name, number)
        elif message.type is WSMsgType.TEXT:
            try:
                said = json.loads(message.data)
                command, path = said["COMMAND"], said["DATA"]
            except (ValueError, TypeError, KeyError, RecursionError):
                return
            if not isinstance(path, str):
                return
            if command == "LISTEN" and self._tree.readable(path):
                self._out.listen(listener, path)
            elif command == "IGNORE":
                self._out.ignore(listener, path)


async def _pass_on(queue: asyncio.Queue[bytes | str], socket: web.WebSocketResponse) -> None:
    try:
        while True:
            message = await queue.get()
            if isinstance(message, bytes):
                await socket.send_bytes(message)
            else:
                await socket.send_str(message)
    except ConnectionError:
        pass  # it has gone, which its reader sees too


async def _end_when(too_slow: asyncio.Event, socket: web.WebSocketResponse) -> None:
    await too_slow.wait()
    await socket.close(code=1013, message=b"too slow")


def _cannot_bind(host: str, port: int, error: OSError | UnicodeError) -> str:
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return (
            f"port {port} of {host} is taken, perhaps by another node; "
            f"choose another one: --oscquery {host}:{port % 65535 + 1}"
        )
    why = getattr(error, "strerror", None) or str(error)
    return f"OSCQuery cannot listen on {host}:{port} ({why}); try --oscquery 127.0.0.1:{port}"
