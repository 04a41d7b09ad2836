"""Live sound from a device, by name."""

import logging
import queue
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from vjnode.audio.intake import STEREO, Intake
from vjnode.audio.portaudio import (
    initialise,
    load_pyaudio,
    no_jack_leftovers,
    quiet_stderr,
    release,
)
from vjnode.audio.source import BLOCK, BLOCK_S, RATE_HZ, Block
from vjnode.errors import SourceError
from vjnode.runtime import monotonic_s

_log = logging.getLogger(__name__)

SILENT_S = 0.75
"""A device that has delivered before and does not for so long is gone."""

FIRST_S = 2.5
"""An idle sink of a sound server takes up to two seconds for the first samples."""

BACKLOG = round(0.2 / BLOCK_S)
"""Blocks that may wait, 0.2 s. A reader further behind gets the newest; the rest is dropped."""


@dataclass(frozen=True)
class DeviceInfo:
    """A sound input. channels: at least 1; rate_hz: what it runs at by default."""

    name: str
    index: int
    channels: int
    rate_hz: int
    default: bool


class LiveSource:
    """Captures a sound input; of one with many channels, the first two.

    PortAudio's callback only copies; a reader that waits in vain notices that the device has
    gone, which PortAudio itself does not say.

    Args:
        name: of the device, whole or in part; None for the system's default.

    Raises:
        SourceError: PyAudio is missing, there is no such device, or it cannot be opened.
    """

    def __init__(self, name: str | None) -> None:
        self._pyaudio = load_pyaudio()
        self._library = initialise(self._pyaudio)
        self._stream = None
        try:
            device = choose(_inputs(self._library), name)
            self.name = f"device {device.name}"
            # Its C code costs a third of what a Condition does, 172 times a second.
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
            SourceError: none has come for too long. Only ending the process surely frees
                the device then.
        """
        while self._intake.waiting < BLOCK:
            data, self._captured_s = self._next_chunk()
            pcm = np.frombuffer(data, np.float32).reshape(-1, self._channels)
            self._intake.push(pcm[:, :2], self._rate_hz, STEREO[: self._channels])
        pcm = self._intake.take()
        self._blocks += 1
        return Block(pcm, self._blocks * BLOCK_S, self._captured_s - self._intake.behind_s)

    def close(self) -> None:
        """Release the device, or give up after a second; a second call does nothing."""
        library, self._library = self._library, None
        if library is not None:
            release(library, self._stream)

    def _open(self, device: DeviceInfo) -> None:
        """Open at 44.1 kHz in stereo if the device takes it, else as near as it does."""
        complaint: Exception | None = None
        for rate_hz in dict.fromkeys((RATE_HZ, device.rate_hz)):
            frames = round(BLOCK_S * rate_hz)
            for channels in dict.fromkeys((min(2, device.channels), device.channels, 1)):
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
        self, data: bytes, frames: int, _times: dict[str, float], _flags: int
    ) -> tuple[None, int]:
        """Copy and return: this runs in PortAudio's thread."""
        self._chunks.put((data, monotonic_s()))
        if self._chunks.qsize() > BACKLOG:
            with suppress(queue.Empty):  # the reader may just have come back
                self._chunks.get_nowait()
        return None, int(self._pyaudio.paContinue)

    def _next_chunk(self) -> tuple[bytes, float]:
        try:
            chunk = self._chunks.get(timeout=self._patience_s)
        except queue.Empty:
            raise SourceError(f"{self.name} delivers no sound any more; has it gone?") from None
        self._patience_s = SILENT_S
        return chunk


def list_devices() -> list[DeviceInfo]:
    """Return the sound inputs of this machine; none, with the reason logged, if there is no way.

    Never raises.
    """
    with no_jack_leftovers():
        try:
            library = initialise(load_pyaudio())
        except SourceError as error:
            _log.warning("no sound inputs: %s", error)
            return []
        devices = _inputs(library)
        release(library, None)
    return devices


def choose(devices: Iterable[DeviceInfo], name: str | None) -> DeviceInfo:
    """Return the device meant by ``name``: exactly, else a part of it in any case; None: default.

    Raises:
        SourceError: there is none.
    """
    devices = list(devices)
    if not devices:
        raise SourceError("this machine has no sound input; plug one in or use --audio file:PATH")
    if name is None:
        return next((d for d in devices if d.default), devices[0])
    for fits in (
        lambda d: d.name == name,
        lambda d: d.name.casefold() == name.casefold(),
        lambda d: name.casefold() in d.name.casefold(),
    ):
        found = next(filter(fits, devices), None)
        if found is not None:
            return found
    names = ", ".join(repr(device.name) for device in devices)
    raise SourceError(f"there is no sound input {name!r}; there are {names}")


def _inputs(library: Any) -> list[DeviceInfo]:  # noqa: ANN401 - PyAudio has no types
    try:
        default = library.get_default_input_device_info()["index"]
    except OSError:
        default = None
    infos = map(library.get_device_info_by_index, range(library.get_device_count()))
    return [
        DeviceInfo(
            name=str(info["name"]),
            index=int(info["index"]),
            channels=int(info["maxInputChannels"]),
            rate_hz=int(info["defaultSampleRate"]),
            default=info["index"] == default,
        )
        for info in infos
        if info["maxInputChannels"] > 0
    ]
