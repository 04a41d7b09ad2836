"""A preview server in a thread of its own."""

import asyncio
import threading

from vjnode.output.preview.server import PreviewServer

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8350


class ServerThread:
    """Serves from the moment at which it is made until it is closed. host, port: that it is at."""

    def __init__(self, server: PreviewServer, host: str, port: int) -> None:
        """Start serving; the constructor returns when the port is bound.

        Raises:
            OSError: the port is taken, or the host is not one of this machine.
            UnicodeError: the host is no name.
        """
        self._server = server
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        try:
            self.host, self.port = self._loop.run_until_complete(server.start(host, port))
        except (OSError, UnicodeError):
            self._loop.close()
            raise
        self._thread = threading.Thread(
            target=self._loop.run_until_complete, args=(self._serve(),), name="preview", daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        """Address of the page."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def set(self, event: asyncio.Event) -> None:
        """Set an event of the server's, from any thread."""
        self._loop.call_soon_threadsafe(event.set)

    def close(self) -> None:
        """Stop the server, even if somebody is watching."""
        if self._loop.is_closed():
            return
        self.set(self._stop)
        self._thread.join()
        self._loop.close()

    async def _serve(self) -> None:
        await self._stop.wait()
        await self._server.stop()
