"""Somebody who watches a show's preview page."""

import asyncio
import json
import socket
import threading
import time

import aiohttp

from tests.events import HANG_S

AHEAD = 500
"""Pictures that a watcher who stalls asks for at once; more than there will be."""

NARROW_BYTES, NARROW_SEGMENT = 4096, 536
"""So little that the system's buffers for a watcher are full within a second, not after ten."""


class Watcher(threading.Thread):
    """A thread that asks for pictures and notes each; one that ``stalls`` takes none at first."""

    def __init__(self, url, *, stalls=False):
        super().__init__(daemon=True)
        self.seen = []
        """Arrival of each picture, monotonic s, and the number of its frame."""
        self._url, self._ahead = url, AHEAD if stalls else 1
        self._reading, self._over = threading.Event(), threading.Event()
        if not stalls:
            self.read_on()

    def read_on(self):
        self._reading.set()

    def run(self):
        asyncio.run(self._watch())

    async def _watch(self):
        narrow = aiohttp.TCPConnector(socket_factory=_narrow)
        async with aiohttp.ClientSession(connector=narrow) as session:
            # It ends without a goodbye, whose answer would come after all pictures asked for.
            live = await session.ws_connect(f"{self._url}/live")
            for _ in range(self._ahead):
                await live.send_str("next")
            self._reading.wait()  # blocks this whole thread, so nothing is taken from its socket
            while not self._over.is_set():
                status = json.loads((await live.receive(HANG_S)).data)
                await live.receive(HANG_S)  # the picture
                self.seen.append((time.monotonic(), status["frame"]))
                await live.send_str("next")

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self.read_on()
        self.join()


def _narrow(address):
    made = socket.socket(*address[:3])
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, NARROW_BYTES)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, NARROW_SEGMENT)
    return made
