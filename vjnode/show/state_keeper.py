"""Keeper of a show's state: a thread that writes it as it changes, and never holds anything up."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from vjnode.control.saved_state import state_text
from vjnode.control.state import Controls
from vjnode.errors import VjnodeError
from vjnode.paths import check_writable, replace_file, replace_file_with_backup

_log = logging.getLogger(__name__)

PERIOD_S = 1.0
"""Shortest time from one writing to the next, s."""


def check_state(path: Path | None) -> None:
    """Make sure, before a show, that its state can be kept; no file changes.

    Raises:
        VjnodeError: the file cannot be written.
    """
    if path is not None:
        try:
            check_writable(path)
        except OSError as error:
            raise _cannot_write(path, error) from error


def _cannot_write(path: Path, error: OSError) -> VjnodeError:
    return VjnodeError(
        f"the state {path} cannot be written ({error.strerror or error}); take a folder that is "
        "there and can be"
    )


class StateKeeper:
    """Writes the newest controls to a file.

    Args:
        path: of the file; what was there before is kept as NAME.bak.
        newest: returns the controls as they are now.

    """

    def __init__(
        self, path: Path, newest: Callable[[], Controls], period_s: float = PERIOD_S
    ) -> None:
        """Write for the first time.

        Raises:
            VjnodeError: the file cannot be written.
        """
        self._path, self._newest, self._period_s = path, newest, period_s
        self._written = state_text(newest(), ended=False)
        self._fails = False
        try:
            replace_file_with_backup(path, self._written.encode(errors="replace"))
        except OSError as error:
            raise _cannot_write(path, error) from error
        self._ended = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="state", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Take note that the show ends in order, so that the next one begins anew."""
        self._ended = True

    def close(self) -> None:
        """End the thread, and write what is new."""
        self._stopping.set()
        self._thread.join()
        self._write()

    def _run(self) -> None:
        while not self._stopping.wait(self._period_s):
            self._write()

    def _write(self) -> None:
        text = state_text(self._newest(), ended=self._ended)
        if text == self._written:
            return
        try:
            replace_file(self._path, text.encode(errors="replace"))
        except OSError as error:
            if not self._fails:
                _log.warning(
                    "the state %s cannot be written (%s); it is tried again",
                    self._path,
                    error.strerror or error,
                )
            self._fails = True
        else:
            self._written, self._fails = text, False


@contextmanager
def kept_state(path: Path | None, newest: Callable[[], Controls]) -> Iterator[None]:
    """Within it the state is kept; one that is left by an error has not ended in order.

    path: None for nowhere.

    Raises:
        VjnodeError: the file cannot be written.
    """
    if path is None:
        yield
        return
    keeper = StateKeeper(path, newest)
    try:
        yield
        keeper.end()
    finally:
        keeper.close()
