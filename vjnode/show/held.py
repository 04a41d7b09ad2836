"""What is frozen, in shared memory: for an output that is started again while it is."""

import numpy as np
from numpy.typing import NDArray

from vjnode.output.base import Frame
from vjnode.show.links import frame_bytes, pixels_in, write_info
from vjnode.show.slot import Slot


def held_slot(size: int, *, name: str | None = None) -> Slot:
    """Make the slot for a frozen frame of ``size`` × ``size`` px, or with ``name`` join it."""
    return Slot(frame_bytes(size), name=name, copies=2)


class Holder:
    """Keeps what one output has frozen; its others have the same, but for a frame or so.

    slot: made by ``held_slot`` for ``size`` px.
    """

    def __init__(self, slot: Slot, size: int) -> None:
        self._slot = slot
        self._size = size
        self._holding: bool | None = None  # an output before may have left anything

    def recall(self, memory: NDArray[np.uint8]) -> bool:
        """Copy the frozen frame into ``memory``; returns whether there is one."""
        return bool(self._slot.read_into(memory))

    def keep(self, frame: Frame | None) -> None:
        """Keep what is frozen now, None: nothing. The same again costs nothing."""
        if (frame is not None) == self._holding:
            return
        self._holding = frame is not None
        memory = self._slot.begin()
        if frame is not None:
            write_info(frame.info, memory)
            pixels_in(memory, self._size)[...] = frame.pixels
        self._slot.commit(frame_bytes(self._size) if frame is not None else 0)
