"""Protocol of what encodes sound in a show: on the processor, or on a card (``vjnode.engines``)."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class SoundEncoder(Protocol):
    """Encoder of a stream of MFCC frames, which keeps what it needs of the past."""

    @property
    def name(self) -> str:
        """Its name for people: runtime, arithmetic, and device where it is a card."""

    def step(self, mfcc: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the 512 values after the next frame, float32.

        mfcc: shape (13,), not normalised.
        """
