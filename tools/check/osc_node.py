"""All of a node that listens, beside the oracle that says what it should do."""

import logging
import threading
import time

from tools.check.osc_oracle import Oracle
from vjnode.config import ShowConfig
from vjnode.control.osc import OscServer
from vjnode.control.osc_out import OscOut
from vjnode.control.parameter import Firing
from vjnode.control.parameters import PARAMETERS
from vjnode.control.state import Controls, Preset, Stock
from vjnode.output.registry import parse_output
from vjnode.show.control_sync import ControlWriter
from vjnode.show.ipc.slot import Slot
from vjnode.show.messages import CONTROLS_BYTES
from vjnode.show.oscquery.open import open_oscquery

HOST = "127.0.0.1"

HANG_S = 30.0
"""Time, s, after which something that has not happened never will."""

_STOCK = Stock(
    ["ada", "ben", "chi"],
    ["laugh", "brows_up", "blink", "turn"],
    {
        "riot": Preset("riot", "ben", "laugh", {"gain": 2.0, "expression/2": "none"}),
        "stage": Preset("stage", "chi", "turn", {"lfo_rate": 3.0}),
    },
)


class MissError(Exception):
    """Something is not as it should be; the text tells what."""


class Faults(logging.Handler):
    """Whatever went wrong beside: exceptions of threads, and errors in the log."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []
        threading.excepthook = lambda told: self.texts.append(repr(told.exc_value))
        logging.getLogger().addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep an error."""
        self.texts.append(self.format(record))

    def close(self) -> None:
        """Look no more."""
        threading.excepthook = threading.__excepthook__
        logging.getLogger().removeHandler(self)
        super().close()

    def check(self) -> None:
        """Raise MissError for the first fault."""
        if self.texts:
            raise MissError(f"an exception: {self.texts[0]}")


class Node:
    """OSC and OSCQuery of a show, with its controls; and the oracle."""

    def __init__(self) -> None:
        self._slot = Slot(CONTROLS_BYTES)
        begun = _STOCK.fitted(Controls("", "ada", "laugh"))
        self.writer = ControlWriter(begun, _STOCK, self._slot)
        self.out = OscOut()
        self.osc = OscServer(HOST, 0, self.writer.perform, self.out, held=self.writer.held)
        config = ShowConfig("demo", (parse_output("null"),))
        self.query = open_oscquery(
            (HOST, 0), config, osc=self.osc, out=self.out, writer=self.writer
        )
        self.oracle = Oracle(
            {row.name: _STOCK.names(row.name) for row in PARAMETERS if row.kind == "choice"},
            {
                name: {"face": preset.face, "expression": preset.expression, **preset.values}
                for name, preset in _STOCK.presets.items()
            },
            self.state(),
        )
        self.faults = Faults()

    def state(self) -> dict[str, float | str | bool | int]:
        """Return the values of all parameters, of a trigger how often it was fired."""
        values = {row.key: self.writer.controls.value(row.name) for row in PARAMETERS}
        return {k: one.count if isinstance(one, Firing) else one for k, one in values.items()}

    def check(self, recent: list[bytes]) -> None:
        """Compare node and oracle once the node has taken all that it was sent.

        Raises:
            MissError: they differ, or something was lost or hangs.
        """
        counts, oracle = self.osc.counts, self.oracle
        end_s = time.monotonic() + HANG_S
        while counts.received < oracle.received and time.monotonic() < end_s:
            self.faults.check()
            time.sleep(0.0005)
        with self.osc._handling:  # the last one has been acted on
            told, state = (counts.received, counts.rejected), self.state()
        self.faults.check()
        wrong = {
            key: (value, state[key])
            for key, value in oracle.state.items()
            if state[key] != value and not _close(state[key], value)
        }
        wanted = (oracle.received, oracle.refused)
        if wrong or told != wanted:
            sent = "\n  ".join(map(repr, recent))
            raise MissError(
                f"state: {wrong} (oracle, node)\nreceived and refused: {told}, oracle {wanted}\n"
                f"  after:\n  {sent[:20_000]}"
            )

    def recount(self) -> None:
        """Take the node's counts over, after something of which only the state is known."""
        with self.osc._handling:
            counts = self.osc.counts
            self.oracle.received, self.oracle.refused = counts.received, counts.rejected

    def close(self) -> None:
        """Close everything."""
        self.faults.close()
        self.query.close()
        self.osc.close()
        self.out.close()
        self._slot.close()


def _close(one: object, other: object) -> bool:
    """Return whether two numbers differ by rounding alone."""
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= 1e-9 * max(1.0, abs(other))
    return False
