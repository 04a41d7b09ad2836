"""Output that cannot be opened yet, and is retried now and then in the same process.

If it failed instead, its process would be restarted again and again, at the show's expense.
"""

import logging
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Protocol

from vjnode.errors import InputError, OutputError
from vjnode.output.base import Frame, Output

_log = logging.getLogger(__name__)

RETRY_S = 5.0


class ReportingOutput(Output, Protocol):
    """An output that reports its state."""

    def about(self) -> dict[str, object]:
        """Return its state, for the report."""
        ...


class Interrupted:
    """Drops frames and counts them until ``begin`` succeeds, and then sends to its output.

    begin: opens the output; raises InputError or OutputError as long as that is not possible.
    reason: why it failed the last time.
    known: further entries of its report until then.
    """

    def __init__(
        self,
        begin: Callable[[], ReportingOutput],
        reason: str,
        known: Mapping[str, object] = MappingProxyType({}),
    ) -> None:
        self._begin, self._reason, self._known = begin, reason, known
        self._output: ReportingOutput | None = None
        self._retry_s: float | None = None
        self._missed = 0
        _log.error("%s; tried again every %g s", reason, RETRY_S)

    def send(self, frame: Frame, due_s: float) -> bool | None:
        """Send ``frame`` if that is possible again; return False while it is not.

        Raises:
            OutputError: the output was open again, and has failed again.
        """
        if self._retry_s is None:
            self._retry_s = due_s + RETRY_S
        if self._output is None and due_s >= self._retry_s:
            self._retry_s = due_s + RETRY_S
            try:
                self._output = self._begin()
                _log.info("it goes on after %d missed frames", self._missed)
            except (InputError, OutputError) as error:
                self._reason = str(error)
        if self._output is None:
            self._missed += 1
            return False
        return self._output.send(frame, due_s)

    def about(self) -> dict[str, object]:
        """Return why nothing is sent, or the open output's report; and the count of lost frames."""
        if self._output is not None:
            told = self._output.about()
        else:
            told = {**self._known, "interrupted": self._reason}
        return told | {"missed_frames": self._missed}

    def close(self) -> None:
        """Close the output, if it was opened.

        Raises:
            OutputError: its end cannot be written.
        """
        if self._output is not None:
            self._output.close()
