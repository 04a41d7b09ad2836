"""Sound from a file, streamed: whatever PyAV can decode."""

import logging
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from vjnode.audio.scrub import scrub
from vjnode.audio.source import BLOCK, BLOCK_S, RATE_HZ, Block
from vjnode.errors import InputError, SourceError

_log = logging.getLogger(__name__)


class FileSource:
    """Reads a song as fast as it is asked for; a clock is put around it by ``Paced``.

    Args:
        path: any file with an audio stream; mono and surround are mixed to stereo.
        loop: start over at the end, without a gap, instead of ending.

    Raises:
        InputError: no such file, a folder, not a media file, no audio stream, no sound in it.
    """

    def __init__(self, path: str | Path, *, loop: bool) -> None:
        self.path = Path(path).expanduser()
        self.name = f"file {self.path.name}"
        self._loop = loop
        self._container = _open(self.path)
        self._chunks = self._decode()
        self._rest = np.zeros((0, 2), np.float32)
        self._position = 0
        self._read = 0
        self._fill()
        if not len(self._rest):
            self.close()
            raise InputError(f"{self.path} holds no sound: its audio stream is empty or damaged")

    @property
    def duration_s(self) -> float | None:
        """How long the song is, s, as its file says; None when it does not say."""
        duration = self._container.duration
        return None if duration is None else duration / av.time_base

    def read(self) -> Block | None:
        """Return the next block, padded with zeros at the end of the song; then None.

        A looped song goes on in the same block with its beginning.

        Raises:
            SourceError: the file of a looped song has gone.
        """
        self._fill()
        if not len(self._rest) and not self._loop:
            return None
        pcm = self._take(BLOCK)
        self._position += len(pcm)
        while len(pcm) < BLOCK and self._loop:
            self._rewind()
            more = self._take(BLOCK - len(pcm))
            self._position = len(more)
            pcm = np.concatenate([pcm, more])
        self._read += 1
        whole = np.zeros((BLOCK, 2), np.float32)
        whole[: len(pcm)] = pcm
        return Block(whole, self._position / RATE_HZ, self._read * BLOCK_S)

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        self._chunks = iter(())
        self._container.close()

    def _fill(self) -> None:
        """Decode until a whole block is waiting or the song is at its end."""
        while len(self._rest) < BLOCK:
            chunk = next(self._chunks, None)
            if chunk is None:
                return
            self._rest = np.concatenate([self._rest, chunk])

    def _take(self, count: int) -> NDArray[np.float32]:
        taken, self._rest = self._rest[:count], self._rest[count:]
        return taken

    def _rewind(self) -> None:
        """Open anew: not every container can seek, and some seek inexactly."""
        self._container.close()
        try:
            self._container = _open(self.path)
        except InputError as error:
            raise SourceError(f"the song cannot be started over: {error}") from error
        self._chunks = self._decode()
        self._fill()
        if not len(self._rest):
            raise SourceError(f"{self.path} holds no sound any more; was it changed in the show?")

    def _decode(self) -> Iterator[NDArray[np.float32]]:
        """Yield chunks of shape (n, 2), float32. Damaged packets are left out."""
        resampler: av.AudioResampler | None = None
        shape = None
        for frame in self._frames():
            if resampler is None or _shape(frame) != shape:
                # Some streams change their rate or channels on the way.
                if resampler is not None:
                    yield from _arrays(resampler.resample(None))
                shape = _shape(frame)
                # Mixing mono to stereo would cost it 3 dB; it is copied to both sides instead.
                layout = "mono" if frame.layout.nb_channels == 1 else "stereo"
                resampler = av.AudioResampler(format="fltp", layout=layout, rate=RATE_HZ)
            frame.pts = None  # gaps in the time stamps are not part of the music
            yield from _arrays(resampler.resample(frame))
        if resampler is not None:
            yield from _arrays(resampler.resample(None))

    def _frames(self) -> Iterator[av.AudioFrame]:
        try:
            for packet in self._container.demux(audio=0):
                try:
                    yield from packet.decode()
                except av.error.InvalidDataError:
                    continue
        except av.error.FFmpegError as error:
            _log.warning("%s breaks off: %s", self.path, error)


def _shape(frame: av.AudioFrame) -> tuple[str, str, int]:
    return frame.format.name, frame.layout.name, frame.sample_rate


def _arrays(frames: list[av.AudioFrame]) -> Iterator[NDArray[np.float32]]:
    for frame in frames:
        yield scrub(np.broadcast_to(frame.to_ndarray().T, (frame.samples, 2)))


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
