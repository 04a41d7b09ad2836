"""Muxer that writes pictures and sound to one video file, by FFmpeg.

The file is written in fragments of a quarter second, so that it plays up to its last second if
its writer is killed or the disk is full; a proper end adds one index.
"""

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.frame import PictureType
from av.video.reformatter import Interpolation
from numpy.typing import NDArray

from vjnode.audio.sources.base import RATE_HZ
from vjnode.errors import OutputError
from vjnode.output.record.codecs import BT601, BT709, HAP, Codec
from vjnode.output.record.hap import HapEncoder
from vjnode.remedies import install

FRAGMENT_S = 0.25

_FRAGMENTS = {
    "movflags": "hybrid_fragmented+delay_moov+default_base_moof",
    "frag_duration": str(round(FRAGMENT_S * 1e6)),
}
_CONTAINERS = {
    ".mp4": _FRAGMENTS,
    ".mov": _FRAGMENTS,
    ".mkv": {"cluster_time_limit": str(round(FRAGMENT_S * 1e3))},
}

# Fragments are written to the disk at once, and no file tells its date or FFmpeg's version.
_ALL_CONTAINERS = {"flush_packets": "1", "fflags": "+bitexact"}

_SPACES = {BT601: "ITU601", BT709: "ITU709"}
_PRIMARIES_BT709 = 1
_LIMITED, _FULL = 1, 2

PORTION = 1024
"""Number of samples of sound that are encoded at a time."""

_REMEDIES = {
    errno.ENOSPC: "the disk is full; free some space or record to another disk",
    errno.EFBIG: "the file would be larger than the system allows; record to another disk",
    errno.EDQUOT: "the disk quota is used up; free some space or record to another disk",
}


class Movie:
    """A video file of square pictures at multiples of the frame period, with stereo sound.

    ``picture`` and ``portion`` only convert, and may be called in another thread than
    ``write`` and ``finish``.
    """

    def __init__(self, codec: Codec, *, size: int, fps: Fraction) -> None:
        """Check that the encoders exist; no file is touched until ``begin``.

        size: px. fps: frames/s, exact.

        Raises:
            OutputError: no such encoder is installed.
        """
        self._codec, self._size, self._fps = codec, size, fps
        self._key_pts: int | None = None
        self._container: av.container.OutputContainer | None = None
        self._encode: Callable[[av.VideoFrame | None], list[av.Packet[Any]]]
        self._hap = HapEncoder(codec, size=size, fps=fps) if codec.encoder == HAP.encoder else None
        if self._hap is None:
            _check_encoder(codec.encoder)
        _check_encoder(codec.sound)

    @property
    def begun(self) -> bool:
        """Return whether its file has been opened."""
        return self._container is not None

    def begin(self, path: Path) -> None:
        """Open the file ``path``, replacing an existing one.

        Raises:
            OutputError: it cannot be written; the text is the reason only.
        """
        codec = self._codec
        options = _CONTAINERS[path.suffix.lower()] | _ALL_CONTAINERS
        try:
            self._container = av.open(str(path), "w", options=options)
            if self._hap is not None:
                video, self._encode = self._hap.add_stream(self._container), self._hap.encode
            else:
                video = self._add_stream(self._container)
                self._encode = video.encode
            audio = self._container.add_stream(codec.sound, rate=RATE_HZ, layout="stereo")
            assert isinstance(audio, av.AudioStream)  # noqa: S101
            if codec.sound == "aac":
                audio.bit_rate = 192_000
            self._audio = audio
            self._container.start_encoding()
        except av.error.FFmpegError as error:
            raise OutputError(_reason(error)) from error

    def _add_stream(self, container: av.container.OutputContainer) -> av.VideoStream:
        """Add the stream of the pictures, with its encoder."""
        codec, fps = self._codec, self._fps
        video = container.add_stream(codec.encoder, rate=fps, options=dict(codec.options))
        assert isinstance(video, av.VideoStream)  # noqa: S101 - for the type checker
        video.width = video.height = self._size
        video.pix_fmt = codec.pixels
        video.thread_count = min(codec.threads, os.cpu_count() or 1)
        video.thread_type = "SLICE"  # frame threads would hold several frames in memory
        video.codec_context.time_base = 1 / fps
        video.colorspace = codec.matrix
        video.color_primaries = video.color_trc = _PRIMARIES_BT709
        video.color_range = _FULL if codec.full_range else _LIMITED
        return video

    def picture(self, pixels: NDArray[np.uint8], pts: int) -> av.VideoFrame:
        """Return a picture in the format of its encoder.

        pixels: RGBA, (size, size, 4) uint8. pts: its time in frames, rising.
        """
        codec = self._codec
        rgba = av.VideoFrame.from_numpy_buffer(pixels, "rgba")
        picture = rgba.reformat(
            format=codec.pixels,
            src_color_range="JPEG",
            dst_color_range="JPEG" if codec.full_range else "MPEG",
            dst_colorspace=_SPACES[codec.matrix],
            interpolation=Interpolation.AREA,
        )
        if picture is rgba:  # it shares its memory with ``pixels``
            picture = av.VideoFrame.from_ndarray(pixels, "rgba")
        picture.pts = pts
        picture.time_base = 1 / self._fps
        # One key frame per second of time, whatever the number of frames in it.
        if self._key_pts is None or pts - self._key_pts >= self._fps:
            self._key_pts = pts
            picture.pict_type = PictureType.I
        else:
            picture.pict_type = PictureType.NONE
        return picture

    def portion(self, pcm: NDArray[np.float32], position: int) -> av.AudioFrame:
        """Return sound in the format of its encoder.

        pcm: (n, 2) float32. position: its time, samples.
        """
        portion = av.AudioFrame.from_ndarray(np.ascontiguousarray(pcm.T), "fltp", "stereo")
        portion.sample_rate = RATE_HZ
        portion.pts = position
        portion.time_base = Fraction(1, RATE_HZ)
        return portion

    def write(self, picture: av.VideoFrame | None, portions: list[av.AudioFrame]) -> None:
        """Encode and write; do nothing if there is no file yet.

        Raises:
            OutputError: the file can no longer be written; the text is the reason only.
        """
        if self._container is None:
            return
        try:
            if picture is not None:
                self._container.mux(self._encode(picture))
            for portion in portions:
                self._container.mux(self._audio.encode(portion))
        except av.error.FFmpegError as error:
            raise OutputError(_reason(error)) from error

    def finish(self) -> None:
        """Write the rest that the encoders hold, and the index; call it once.

        Raises:
            OutputError: the end of the file is missing; the text is the reason only.
        """
        if self._container is None:
            return
        try:
            if self._key_pts is not None:
                self._container.mux(self._encode(None))
                self._container.mux(self._audio.encode(None))
            self._container.close()
        except av.error.FFmpegError as error:
            raise OutputError(_reason(error)) from error

    def abandon(self) -> None:
        """Close the file as it is, after a fault."""
        if self._container is not None:
            with suppress(av.error.FFmpegError):  # the fault was reported before
                self._container.close()


def _check_encoder(encoder: str) -> None:
    """Check that this PyAV has an encoder.

    Raises:
        OutputError: it has not.
    """
    try:
        av.codec.Codec(encoder, "w")
    except av.codec.codec.UnknownCodecError as error:
        again = f"run: {install('--force-reinstall', '--only-binary=:all:', 'av')}"
        raise OutputError(f"cannot record: this PyAV has no encoder {encoder}; {again}") from error


def _reason(error: av.error.FFmpegError) -> str:
    return _REMEDIES.get(error.errno or 0, error.strerror or str(error))
