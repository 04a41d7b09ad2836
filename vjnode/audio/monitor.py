"""Playback of the incoming sound through the speakers, if there are any."""

import logging
import threading
from collections import deque
from typing import Any

import numpy as np

from vjnode.audio.sources.base import BLOCK, RATE_HZ, Block
from vjnode.audio.sources.portaudio import initialise, load_pyaudio, quiet_stderr, release
from vjnode.errors import SourceError

_log = logging.getLogger(__name__)

START_BLOCKS = 6
"""Blocks that must be queued before playing starts, so that a late one causes no gap: 35 ms."""

MOST_BLOCKS = 16
"""Most blocks that are queued, 93 ms; beyond, the oldest are dropped to stay with the picture."""

_SILENCE = bytes(BLOCK * 2 * 4)


class Speakers:
    """A sound output that never makes its caller wait. Opened by ``Speakers.open``."""

    def __init__(self) -> None:
        self._pyaudio = load_pyaudio()
        self._library: Any = initialise(self._pyaudio)
        self._stream: Any = None
        self._blocks: deque[bytes] = deque(maxlen=MOST_BLOCKS)
        self._lock = threading.Lock()
        self._playing = False
        try:
            with quiet_stderr():
                self._stream = self._library.open(
                    rate=RATE_HZ,
                    channels=2,
                    format=self._pyaudio.paFloat32,
                    output=True,
                    frames_per_buffer=BLOCK,
                    stream_callback=self._next,
                )
        except (OSError, ValueError) as error:
            self.close()
            raise SourceError(f"no speakers: {error}") from error

    @classmethod
    def open(cls) -> "Speakers | None":
        """Open the default output; None, with the reason logged once, where there is none."""
        try:
            return cls()
        except SourceError as error:
            _log.info("the sound is not played: %s", error)
            return None

    def play(self, block: Block) -> None:
        """Queue a block; returns at once."""
        data = np.ascontiguousarray(block.pcm, dtype=np.float32).tobytes()
        with self._lock:
            self._blocks.append(data)

    def close(self) -> None:
        """Release the device, or give up after one second; calling again does nothing."""
        library, self._library = self._library, None
        if library is not None:
            release(library, self._stream)

    def _next(
        self, _data: None, _frames: int, _times: dict[str, float], _flags: int
    ) -> tuple[bytes, int]:
        """Return the next block to PortAudio's thread, or silence until enough are queued."""
        with self._lock:
            self._playing = len(self._blocks) >= (1 if self._playing else START_BLOCKS)
            data = self._blocks.popleft() if self._playing else _SILENCE
        return data, int(self._pyaudio.paContinue)
