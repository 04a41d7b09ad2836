"""Controls of a session, which change again when they did.

What hands change meanwhile stays, until the session changes the same.
"""

import logging
import threading

from vjnode.control.state import Controls
from vjnode.errors import VjnodeError
from vjnode.runtime import monotonic_s
from vjnode.show.control_sync import ControlWriter
from vjnode.show.session.reader import Session

_log = logging.getLogger(__name__)

CLOSE_S = 1.0


class ReplayedControls:
    """Sets the controls of a running show as they were set in a session, in a thread.

    Args:
        session: what is played; the show began with its first controls.
        writer: of the show's controls.
        epoch_s: when the show begins, monotonic s.

    """

    def __init__(self, session: Session, writer: ControlWriter, epoch_s: float) -> None:
        self._session, self._writer, self._epoch_s = session, writer, epoch_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="replay", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._stopping.set()
        self._thread.join(CLOSE_S)

    def _run(self) -> None:
        before: Controls | None = None
        try:
            for tick in self._session.ticks():
                # The file is read in the time that it is played in: reading takes the parent's.
                if self._stopping.wait(max(self._epoch_s + tick.at_s - monotonic_s(), 0.0)):
                    return
                if before is not None and tick.controls is not before:
                    later_s = self._epoch_s + tick.at_s - tick.now_s
                    self._writer.replay(tick.controls, before, later_s=later_s)
                before = tick.controls
        except VjnodeError as error:
            _log.error("%s; controls stay as they are", error)
