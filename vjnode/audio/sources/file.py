"""Sound streamed from any file that PyAV can decode."""

import logging
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from vjnode.audio.sources.base import BLOCK, BLOCK_S, RATE_HZ, Block
from vjnode.audio.sources.resample import Intake
from vjnode.audio.sources.spec import Channels
from vjnode.errors import InputError, SourceError

_log = logging.getLogger(__name__)

PIECE = 2048
"""Frames converted at once; as a file can be read ahead, this adds no delay."""

_Chunk = tuple[NDArray[np.float32], int, tuple[str, ...]]
"""Samples, shape (n, channels), their rate in Hz, and the names of the channels."""


class FileSource:
    """Reads a song as fast as it is asked for; ``Paced`` adds a clock to it.

    Args:
        path: any file with an audio stream; mono and surround are mixed to stereo.
        loop: start over at the end, without a gap, instead of ending.
        channels: channels to use; None: all.

    Raises:
        InputError: no such file, a folder, not a media file, no audio stream, no sound in it,
            or too few channels.
    """

    def __init__(self, path: str | Path, *, loop: bool, channels: Channels | None = None) -> None:
        self.path = Path(path).expanduser()
        self.name = f"file {self.path.name}"
        self._loop = loop
        self._channels = channels
        self._container = _open(self.path)
        self._width = 0  # channels of the first frame
        self._chunks = self._decode()
        self._intake = Intake(PIECE)
        self._position = 0
        self._read = 0
        self._fill()
        if not self._intake.waiting:
            self.close()
            raise InputError(f"{self.path} holds no sound: its audio stream is empty or damaged")
        if channels is not None and (why := channels.missing_in(self._width)):
            self.close()
            raise InputError(f"{self.path}: {why}")

    @property
    def duration_s(self) -> float | None:
        """Length of the song, s, by its file's header; None if that does not tell."""
        duration = self._container.duration
        return None if duration is None else duration / av.time_base

    def read(self) -> Block | None:
        """Return the next block, padded with zeros at the end of the song; then None.

        A looped song goes on in the same block with its beginning.

        Raises:
            SourceError: the file of a looped song has gone.
        """
        self._fill()
        if not self._intake.waiting and not self._loop:
            return None
        pcm, gain = self._intake.take(BLOCK)
        self._position += len(pcm)
        while len(pcm) < BLOCK and self._loop:
            self._rewind()
            more, more_gain = self._intake.take(BLOCK - len(pcm))
            self._position = len(more)
            pcm, gain = np.concatenate([pcm, more]), np.concatenate([gain, more_gain])
        self._read += 1
        if padding := BLOCK - len(pcm):
            pcm = np.pad(pcm, ((0, padding), (0, 0)))
            gain = np.pad(gain, (0, padding), constant_values=1.0)
        return Block(pcm, self._position / RATE_HZ, self._read * BLOCK_S, gain)

    def close(self) -> None:
        """Close the file; calling again does nothing."""
        self._chunks = iter(())
        self._container.close()

    def _fill(self) -> None:
        """Decode until a whole block is ready or the song has ended."""
        while self._intake.waiting < BLOCK:
            chunk = next(self._chunks, None)
            if chunk is None:
                self._intake.finish()
                return
            self._intake.push(*chunk)

    def _rewind(self) -> None:
        """Open the file again: not every container can seek, and some seek inexactly."""
        self._container.close()
        try:
            self._container = _open(self.path)
        except InputError as error:
            raise SourceError(f"the song cannot be started over: {error}") from error
        self._chunks = self._decode()
        self._fill()
        if not self._intake.waiting:
            raise SourceError(f"{self.path} holds no sound any more; was it changed in the show?")

    def _decode(self) -> Iterator[_Chunk]:
        """Yield the song in chunks of the length of its coded frames. Skip damaged packets.

        Some streams change their rate or channels on the way.
        """
        shape = None
        for frame in self._frames():
            if _shape(frame) != shape:
                shape = _shape(frame)
                # Only the sample type is converted here, frame by frame. In packed form, because
                # PyAV 18 crashes on planar frames of eight channels or more.
                to_float = av.AudioResampler("flt", frame.layout, frame.sample_rate)
                channels = tuple(channel.name for channel in frame.layout.channels)
            for piece in to_float.resample(frame):
                pcm = np.asarray(piece.to_ndarray(), dtype=np.float32)
                pcm = pcm.reshape(-1, len(channels))
                self._width = self._width or len(channels)
                if self._channels is None:
                    yield pcm, piece.sample_rate, channels
                else:
                    picked, names = self._channels.pick(pcm, channels)
                    yield picked, piece.sample_rate, names

    def _frames(self) -> Iterator[av.AudioFrame]:
        try:
            for packet in self._container.demux(audio=0):
                try:
                    for frame in packet.decode():
                        frame.pts = None  # gaps in the time stamps are not part of the music
                        yield frame
                except av.error.InvalidDataError:
                    continue
        except av.error.FFmpegError as error:
            _log.warning("%s breaks off: %s", self.path, error)


def _shape(frame: av.AudioFrame) -> tuple[str, str, int]:
    return frame.format.name, frame.layout.name, frame.sample_rate


def _open(path: Path) -> av.container.InputContainer:
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a song in it")
    if not path.exists():
        raise InputError(f"there is no file {path}")
    try:
        container = av.open(f"file:{path}", mode="r")  # a colon in a name is no protocol
    except (av.error.FFmpegError, OSError) as error:
        what = "is empty" if path.stat().st_size == 0 else f"cannot be read as media: {error}"
        raise InputError(f"{path} {what}; name a song that ffmpeg can play") from error
    if not container.streams.audio:
        container.close()
        raise InputError(f"{path} has no audio stream; name a file with sound in it")
    return container
