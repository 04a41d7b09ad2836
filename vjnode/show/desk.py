"""The desk of a show: holds the controls, and hands them to the processes that act on them."""

import threading
from collections.abc import Callable

from vjnode.control.state import Controls, Stock, change
from vjnode.runtime import monotonic_s
from vjnode.show.links import pack_controls
from vjnode.show.slot import Slot


class Desk:
    """The controls of a show: changed by OSC, read by hearing and engine.

    Args:
        slot: where every process finds the newest controls.
        clock: monotonic s, the one that sound is stamped with.

    """

    def __init__(
        self,
        controls: Controls,
        available: Stock,
        slot: Slot,
        clock: Callable[[], float] = monotonic_s,
    ) -> None:
        self._available = available
        self._slot = slot
        self._clock = clock
        self._lock = threading.Lock()
        self.controls = controls
        slot.write(pack_controls(controls))

    def set_parameter(self, name: str, value: object) -> None:
        """Change one parameter, or fire a trigger.

        Raises:
            InputError: the value does not fit; nothing has changed.
        """
        now_s = self._clock()  # before any waiting: a tap is when it was tapped
        with self._lock:
            self.controls = change(self.controls, name, value, self._available, now_s=now_s)
            self._slot.write(pack_controls(self.controls))
