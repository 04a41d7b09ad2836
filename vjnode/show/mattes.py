"""The matte of a show on its way from the engine to the outputs that cut heads out."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vjnode.render.base import Look
from vjnode.render.matte.looks import Draw, LookMattes
from vjnode.show.ipc.slot import Slot


def matte_slot(size: int, *, name: str | None = None) -> Slot:
    """Make the slot for a matte of ``size`` × ``size`` px, or with ``name`` join it."""
    return Slot(size * size * 4, name=name, copies=2)


class MatteReader:
    """An output's side: memory of its own for the newest matte.

    A matte's number is that of its value in the slot; frames name the one that they go with.
    slot: made by ``matte_slot`` for ``size`` px.
    """

    def __init__(self, slot: Slot, size: int) -> None:
        self._slot, self._size = slot, size
        self._number = 0
        self._matte: NDArray[np.uint8] | None = None

    def of(self, number: int) -> NDArray[np.uint8] | None:
        """Return the matte of frames with this number, or the newest there is; None before any.

        Returns: (size, size, 4) uint8, not to be changed; another array for another matte.
        """
        if number == self._number and self._matte is not None:
            return self._matte
        memory = np.empty(self._slot.capacity, np.uint8)
        if self._slot.read_into(memory) is not None:
            self._matte = memory.reshape(self._size, self._size, 4)
            self._number = self._slot.sequence
        return self._matte


class MatteWriter:
    """The engine's side: has mattes made and hands them over.

    mattes: None where no output cuts heads out; then it does nothing. draw: draws what a matte is
    made from. slot: made by ``matte_slot``.
    """

    def __init__(self, mattes: LookMattes | None, draw: Draw, slot: Slot) -> None:
        self._mattes, self._draw, self._slot = mattes, draw, slot

    def begin(self, look: Look, next_looks: Sequence[Look] = ()) -> None:
        """Wait for a matte of the look that a show begins with; see ``LookMattes.first``.

        next_looks: may come later.
        """
        if self._mattes is not None:
            self._mattes.first(look, self._draw)
            self._mattes.expect(next_looks)

    def before_frame(self, now_s: float, look: Look, *, over_s: float) -> int:
        """Hand over what changes with the frame of ``now_s``; return the number of its matte.

        look, over_s: see ``LookMattes.show``.
        """
        if self._mattes is None:
            return 0
        if (matte := self._mattes.show(now_s, look, over_s=over_s)) is not None:
            self._slot.begin()[:] = matte.reshape(-1)
            self._slot.commit(matte.nbytes)
        return self._slot.sequence

    def after_frame(self, now_s: float, look: Look, *, complete: bool) -> None:
        """Do what is to be done for the next matte; see ``LookMattes.prepare``."""
        if self._mattes is not None:
            self._mattes.prepare(now_s, look, self._draw, complete=complete)

    def close(self) -> None:
        """Have no more mattes made; see ``LookMattes.close``."""
        if self._mattes is not None:
            self._mattes.close()
