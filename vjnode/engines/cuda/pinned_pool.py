"""Pinned memory that a card writes its pictures to by itself, used again and again."""

import weakref
from contextlib import ExitStack, suppress
from ctypes import c_uint8

import numpy as np
from numpy.typing import NDArray

from vjnode.engines.cuda.driver import Cuda
from vjnode.errors import EngineError


class PictureMemory:
    """Pinned memory for pictures, each block used again once its picture is let go.

    So a picture that the card has written is handed out as it is: no byte of it is copied here.

    Args:
        cuda: the card that writes them.
        shape: of one picture, uint8.
        blocks: made at once; more are made when all are handed out, up to ``limit``.
        limit: of blocks; pinned memory is taken from all other programs.
    """

    def __init__(
        self, cuda: Cuda, shape: tuple[int, ...], *, blocks: int = 2, limit: int = 8
    ) -> None:
        self._cuda = cuda
        self._shape, self.nbytes = shape, int(np.prod(shape))
        self._limit, self._made, self._closed = limit, 0, False
        self._free: list[int] = []
        with ExitStack() as unless_made:
            unless_made.callback(self.close)
            for _ in range(blocks):
                self._free.append(self._new())
            unless_made.pop_all()

    def take(self) -> int:
        """Return the address of a block to write a picture to."""
        return self._free.pop() if self._free else self._new()

    def picture(self, block: int) -> NDArray[np.uint8]:
        """Return the picture that was written to ``block``; the block is not the caller's now."""
        memory = (c_uint8 * self.nbytes).from_address(block)
        picture = np.ctypeslib.as_array(memory).reshape(self._shape)
        if self._made > self._limit:
            picture = picture.copy()
            self.give_back(block)
        else:
            # No view of it is left when this happens.
            weakref.finalize(memory, self.give_back, block).atexit = False
        return picture

    def give_back(self, block: int) -> None:
        """Take a block back."""
        if self._closed or self._made > self._limit:
            self._made -= 1
            self._cuda.use()
            self._cuda.free_pinned(block)
        else:
            self._free.append(block)

    def close(self) -> None:
        """Free the blocks that are not handed out; the others follow when they are let go."""
        self._closed = True
        while self._free:
            with suppress(EngineError):  # a card that has failed
                self.give_back(self._free.pop())

    def _new(self) -> int:
        block = self._cuda.pinned(self.nbytes)
        self._made += 1
        return block
