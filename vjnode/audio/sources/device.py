"""Live sound from a device chosen by name."""

import queue
from contextlib import suppress

import numpy as np

from vjnode.audio.sources.base import BLOCK, BLOCK_S, RATE_HZ, Block
from vjnode.audio.sources.device_list import DeviceInfo, choose, inputs
from vjnode.audio.sources.portaudio import initialise, load_pyaudio, quiet_stderr, release
from vjnode.audio.sources.resample import Intake
from vjnode.audio.sources.spec import STEREO, Channels
from vjnode.audio.sources.timestamps import ArrivalClock
from vjnode.errors import SourceError
from vjnode.runtime import monotonic_s

SILENT_S = 0.75
"""Time without sound after which a device that has delivered before counts as gone."""

FIRST_S = 2.5
"""Time allowed for the first samples; an idle sink of a sound server takes up to two seconds."""

HELD_UP_S = 1.0
"""Excess over the intended wait, s, beyond which the process itself was held up, and the wait
does not count against the device."""

BACKLOG = round(0.2 / BLOCK_S)
"""Blocks that may be queued, 0.2 s. A reader further behind gets the newest; the rest is lost."""


class LiveSource:
    """A live sound input: its first two channels, or those asked for.

    PortAudio's callback only copies; the reader notices by a wait in vain that the device has
    gone, which PortAudio itself does not report.

    Args:
        name: of the device, as ``choose`` takes it; None for the system's default.
        channels: channels to use; None: the first two.

    Raises:
        SourceError: PyAudio is missing, there is no such device, it has too few channels, or it
            cannot be opened.
    """

    def __init__(self, name: str | None, channels: Channels | None = None) -> None:
        self._picked = channels
        self._pyaudio = load_pyaudio()
        self._library = initialise(self._pyaudio)
        self._stream = None
        try:
            device = choose(inputs(self._library), name)
            self.name = f"device {device.name}"
            # Its C code costs a third of a Condition's time, 172 times a second.
            self._chunks: queue.SimpleQueue[tuple[bytes, float]] = queue.SimpleQueue()
            self._patience_s = FIRST_S
            self._open(device)
        except SourceError:
            self.close()
            raise
        self._captured_s = 0.0
        self._blocks = 0

    def read(self) -> Block:
        """Wait for the next block and return it.

        Raises:
            SourceError: no block has come for too long. Then only the end of the process is
                sure to free the device.
        """
        while self._intake.waiting < BLOCK:
            data, self._captured_s = self._next_chunk()
            pcm = np.frombuffer(data, np.float32).reshape(-1, self._channels)
            if self._picked is None:
                pcm, names = pcm[:, :2], STEREO[: self._channels]
            else:
                pcm, names = self._picked.pick(pcm, ("NONE",) * self._channels)
            self._intake.push(pcm, self._rate_hz, names)
        pcm, gain = self._intake.take()
        self._blocks += 1
        return Block(pcm, self._blocks * BLOCK_S, self._captured_s - self._intake.behind_s, gain)

    def close(self) -> None:
        """Release the device, or give up after one second; calling again does nothing."""
        library, self._library = self._library, None
        if library is not None:
            release(library, self._stream)

    def _open(self, device: DeviceInfo) -> None:
        """Open at 44.1 kHz with the channels asked for, else as near as the device supports."""
        if self._picked is not None and (why := self._picked.missing_in(device.channels)):
            raise SourceError(f"the sound input {device.name!r}: {why}")
        least = min(2, device.channels) if self._picked is None else self._picked.last
        complaint: Exception | None = None
        for rate_hz in dict.fromkeys((RATE_HZ, device.rate_hz)):
            frames = round(BLOCK_S * rate_hz)
            for channels in dict.fromkeys((least, device.channels, 1)):
                if self._picked is not None and channels < self._picked.last:
                    continue
                self._clock = ArrivalClock(rate_hz)
                try:
                    with quiet_stderr():
                        self._stream = self._library.open(
                            rate=rate_hz,
                            channels=channels,
                            format=self._pyaudio.paFloat32,
                            input=True,
                            input_device_index=device.index,
                            frames_per_buffer=frames,
                            stream_callback=self._on_sound,
                        )
                except (OSError, ValueError) as error:
                    complaint = error
                    continue
                self._channels = channels
                self._rate_hz = rate_hz
                self._intake = Intake(frames)
                return
        raise SourceError(
            f"the sound input {device.name!r} cannot be opened ({complaint}); "
            "is it in use, or has it been unplugged?"
        )

    def _on_sound(
        self, data: bytes, frames: int, _times: dict[str, float], flags: int
    ) -> tuple[None, int]:
        """Stamp, copy and return: this runs in PortAudio's thread."""
        lost = bool(flags & self._pyaudio.paInputOverflow)
        self._chunks.put((data, self._clock.stamp(frames, monotonic_s(), lost=lost)))
        if self._chunks.qsize() > BACKLOG:
            with suppress(queue.Empty):  # the reader may just have come back
                self._chunks.get_nowait()
        return None, int(self._pyaudio.paContinue)

    def _next_chunk(self) -> tuple[bytes, float]:
        while True:
            since_s = monotonic_s()
            try:
                chunk = self._chunks.get(timeout=self._patience_s)
            except queue.Empty:
                # If the process was stopped, or its machine slept, the wait proves nothing.
                if monotonic_s() - since_s > self._patience_s + HELD_UP_S:
                    continue
                gone = f"{self.name} delivers no sound any more; has it gone?"
                raise SourceError(gone) from None
            self._patience_s = SILENT_S
            return chunk
