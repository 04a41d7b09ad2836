"""Frames for when the engine cannot draw: two stills of the face that is on, and what is frozen.

The engine hands stills over whenever the look changes, while nothing is wrong yet; outputs look at
them only when they need them. A frozen frame is kept for an output that is started again.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from vjnode.output.base import Frame
from vjnode.output.overrides import Stills
from vjnode.render.base import Look
from vjnode.render.idle_motion import DEPTH
from vjnode.show.ipc.slot import Slot
from vjnode.show.messages import frame_bytes, pixels_in, write_info

SETTLED_S = 0.5
"""Time, s, that a look must have been on: faces that are leafed through are not worth a still."""


def stills_slot(size: int, *, name: str | None = None) -> Slot:
    """Make the slot for stills of ``size`` × ``size`` px, or with ``name`` join it."""
    return Slot(2 * size * size * 4, name=name, copies=2)


Draw = Callable[[float, NDArray[np.uint8]], None]
"""Draws a look at a weight (0…1) into (size, size, 4) uint8 RGBA."""


class StillsWriter:
    """The engine's side: hands over new stills when the face that is on has changed.

    slot: made by ``stills_slot`` for ``size`` px.
    """

    def __init__(self, slot: Slot, size: int) -> None:
        self._slot = slot
        self._shape = (2, size, size, 4)
        self._key: tuple[Look, bool] | None = None
        self._since_s = 0.0
        self._written = 0
        self._settled_s = 0.0  # the first ones are for now

    def step(self, now_s: float, look: Look, draw: Draw, *, complete: bool) -> None:
        """Draw at most one still, so that the frame that is due beside it is not late.

        draw: draws ``look``. complete: whether nothing of it is left to prepare; stills are drawn
        anew when that is so.

        Raises:
            VjnodeError: the engine has failed.
        """
        key = look, complete
        if key != self._key:
            self._key, self._since_s, self._written = key, now_s, 0
        if self._written == 2 or now_s - self._since_s < self._settled_s:
            return
        pictures = self._slot.begin().reshape(self._shape)
        draw(DEPTH if self._written else 0.0, pictures[self._written])
        self._written += 1
        if self._written == 2:
            self._slot.commit(pictures.nbytes)
            self._settled_s = SETTLED_S


class StillsReader:
    """An output's side: memory of its own for the newest stills.

    slot: made by ``stills_slot`` for ``size`` px.
    """

    def __init__(self, slot: Slot, size: int) -> None:
        self._slot = slot
        self._pictures: NDArray[np.uint8] = np.empty((2, size, size, 4), np.uint8)
        self._there = False

    def newest(self) -> Stills | None:
        """Return the newest stills, None before there are any; they hold until the next call."""
        if self._slot.read_into(self._pictures.reshape(-1)) is not None:
            self._there = True
        return Stills(self._pictures[0], self._pictures[1]) if self._there else None


def frozen_slot(size: int, *, name: str | None = None) -> Slot:
    """Make the slot for a frozen frame of ``size`` × ``size`` px, or with ``name`` join it."""
    return Slot(frame_bytes(size), name=name, copies=2)


class FrozenFrame:
    """Keeps what one output has frozen; its others have the same, but for a frame or so.

    slot: made by ``frozen_slot`` for ``size`` px.
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
