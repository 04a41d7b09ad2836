"""An output that records: H.264 with the sound of the show, in one file.

The file is written in fragments of a second, so that it plays up to the last second or two
when its writer is killed; a proper end turns it into an ordinary .mp4 with one index.
"""

import errno
import queue
import shutil
import threading
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import PictureType
from av.video.reformatter import Interpolation
from numpy.typing import NDArray

from vjnode.audio.source import RATE_HZ
from vjnode.errors import InputError, OutputError
from vjnode.output.base import Frame, OutputContext
from vjnode.output.soundtrack import SoundTrack

ENCODER = "libx264"

# The fastest preset keeps 60 frames/s at 1024² on one core; CABAC saves a fifth at no cost.
_VIDEO_OPTIONS = {"preset": "ultrafast", "crf": "20", "forced-idr": "1", "x264-params": "cabac=1"}

_FRAGMENTS = {"movflags": "hybrid_fragmented+frag_keyframe+delay_moov+default_base_moof"}
CONTAINERS = {".mp4": _FRAGMENTS, ".mov": _FRAGMENTS, ".mkv": {"cluster_time_limit": "1000"}}
"""Suffixes and what keeps each container readable without its end."""

# Fragments go to the disk at once, and no file says when or by which version it was made.
_ALL_CONTAINERS = {"flush_packets": "1", "fflags": "+bitexact"}

BT709 = 1
LIMITED_RANGE = 1

AAC_FRAME = 1024
SOUND_LAG = RATE_HZ // 2
"""Samples by which the sound may stay behind the picture before it is taken for silent."""

QUEUED_FRAMES = 4
"""An encoder that needs longer for a key frame does not delay the frame clock."""

MIN_FREE_MIB = 32

_REMEDIES = {
    errno.ENOSPC: "the disk is full; free some space or record to another disk",
    errno.EFBIG: "the file would be larger than the system allows; record to another disk",
    errno.EDQUOT: "the disk quota is used up; free some space or record to another disk",
}

Batch = tuple[av.VideoFrame | None, list[av.AudioFrame]]


class RecordOutput:
    """Encodes each frame at the time of its deadline, and the sound where it was heard.

    ``send`` converts the picture and leaves the encoding to a thread, with a few frames
    between them; when those are waiting, ``send`` waits too.
    """

    def __init__(self, path: Path, context: OutputContext) -> None:
        self._path = path
        self._fps = context.fps
        self._tap = context.sound
        self._track = SoundTrack()
        self._first_due_s: float | None = None
        self._last_pts = -1
        self._key_pts = 0
        self._closed = False
        self._fault: av.error.FFmpegError | None = None
        options = CONTAINERS[path.suffix.lower()] | _ALL_CONTAINERS
        self._container = av.open(str(path), "w", options=options)
        video = self._container.add_stream(ENCODER, rate=context.fps, options=_VIDEO_OPTIONS)
        assert isinstance(video, av.VideoStream)  # noqa: S101 - for the type checker
        video.width = video.height = context.size
        video.pix_fmt = "yuv420p"
        video.thread_count = 1
        video.codec_context.time_base = 1 / context.fps
        video.colorspace = video.color_primaries = video.color_trc = BT709
        video.color_range = LIMITED_RANGE
        audio = self._container.add_stream("aac", rate=RATE_HZ, layout="stereo")
        audio.bit_rate = 192_000
        self._video, self._audio = video, audio
        self._container.start_encoding()
        self._queue: queue.Queue[Batch | None] = queue.Queue(QUEUED_FRAMES)
        self._thread = threading.Thread(target=self._encode, name="recording", daemon=True)
        self._thread.start()

    def send(self, frame: Frame, due_s: float) -> None:
        """Record ``frame``; one that is not later than the frame before is dropped.

        Raises:
            OutputError: the file cannot be written any more.
        """
        if self._fault is not None:
            raise OutputError(f"the recording {self._path} stopped: {_reason(self._fault)}")
        if self._first_due_s is None:
            self._first_due_s = due_s
        pts = round((due_s - self._first_due_s) * self._fps)
        if pts <= self._last_pts:
            return
        self._last_pts = pts
        self._queue.put((self._picture(frame.pixels, pts), self._heard(final=False)))

    def close(self) -> None:
        """Finish the file: sound as long as the picture, and an index.

        Raises:
            OutputError: the end of the file cannot be written.
        """
        if self._closed:
            return
        self._closed = True
        failed_before = self._fault is not None
        self._queue.put((None, self._heard(final=True)))
        self._queue.put(None)
        self._thread.join()
        try:
            self._container.close()
        except av.error.FFmpegError as error:
            self._fault = self._fault or error
        if self._fault is not None and not failed_before:
            raise OutputError(
                f"the end of the recording {self._path} is missing: {_reason(self._fault)}"
            )

    def _picture(self, pixels: NDArray[np.uint8], pts: int) -> av.VideoFrame:
        rgba = av.VideoFrame.from_numpy_buffer(pixels, "rgba")
        picture = rgba.reformat(
            format="yuv420p",
            src_color_range="JPEG",
            dst_color_range="MPEG",
            dst_colorspace="ITU709",
            interpolation=Interpolation.AREA,
        )
        picture.pts = pts
        picture.time_base = 1 / self._fps
        # A key frame each second of time, however many frames that second has.
        if pts == 0 or pts - self._key_pts >= self._fps:
            self._key_pts = pts
            picture.pict_type = PictureType.I
        else:
            picture.pict_type = PictureType.NONE
        return picture

    def _heard(self, *, final: bool) -> list[av.AudioFrame]:
        """Return the sound up to the end of the newest picture, in the encoder's portions."""
        if self._first_due_s is None:
            return []
        samples, heard_s = self._tap.read()
        self._track.lay(samples, heard_s - self._first_due_s)
        end = round((self._last_pts + 1) / self._fps * RATE_HZ)
        self._track.pad_to(end if final else end - SOUND_LAG)
        end = min(end, self._track.laid)
        portions = []
        while end - self._track.taken >= (1 if final else AAC_FRAME):
            position = self._track.taken
            pcm = self._track.take(min(AAC_FRAME, end - position))
            portion = av.AudioFrame.from_ndarray(np.ascontiguousarray(pcm.T), "fltp", "stereo")
            portion.sample_rate = RATE_HZ
            portion.pts = position
            portion.time_base = Fraction(1, RATE_HZ)
            portions.append(portion)
        return portions

    def _encode(self) -> None:
        """Encode and write what is queued; after a fault only empty the queue."""
        while (batch := self._queue.get()) is not None:
            picture, portions = batch
            try:
                if self._fault is None:
                    if picture is not None:
                        self._container.mux(self._video.encode(picture))
                    for portion in portions:
                        self._container.mux(self._audio.encode(portion))
            except av.error.FFmpegError as error:
                self._fault = error
        try:
            if self._fault is None and self._last_pts >= 0:
                self._container.mux(self._video.encode(None))
                self._container.mux(self._audio.encode(None))
        except av.error.FFmpegError as error:
            self._fault = error


def _reason(error: av.error.FFmpegError) -> str:
    return _REMEDIES.get(error.errno or 0, error.strerror or str(error))


def check_target(path: Path) -> None:
    """Check that ``path`` can name a recording.

    Raises:
        InputError: unknown suffix, or no such folder.
    """
    if path.suffix.lower() not in CONTAINERS:
        known = ", ".join(CONTAINERS)
        raise InputError(f"cannot record to '{path}': its name must end in one of {known}")
    if not path.parent.is_dir():
        raise InputError(f"cannot record to {path}: there is no folder {path.parent}; make it")


def open_output(target: str, context: OutputContext) -> RecordOutput:
    """Open the recording ``target``; after a fault the next part, ``NAME-2.mp4`` and so on.

    An existing file is overwritten.

    Raises:
        InputError: unknown suffix, or no such folder.
        OutputError: not writable, disk full, odd size, or a PyAV without H.264 encoder.
    """
    path = Path(target).expanduser().absolute()
    check_target(path)
    if context.size % 2:
        raise OutputError(f"cannot record {context.size} px: H.264 needs an even size")
    if context.attempt:
        path = path.with_stem(f"{path.stem}-{context.attempt + 1}")
    try:
        path.open("ab").close()  # its errors are plainer than the muxer's
    except OSError as error:
        raise OutputError(
            f"cannot record to {path}: {error.strerror}; choose a path that you may write to"
        ) from error
    free_mib = shutil.disk_usage(path.parent).free >> 20
    if free_mib < MIN_FREE_MIB:
        if path.stat().st_size == 0:
            path.unlink()
        raise OutputError(
            f"cannot record to {path}: {free_mib} MiB are free, {MIN_FREE_MIB} MiB are needed "
            "to begin; free some space or record to another disk"
        )
    try:
        return RecordOutput(path, context)
    except av.codec.codec.UnknownCodecError as error:
        raise OutputError(
            f"cannot record: this PyAV has no encoder {ENCODER}; "
            "install the wheel from PyPI: pip install --force-reinstall --only-binary=:all: av"
        ) from error
    except av.error.FFmpegError as error:
        raise OutputError(f"cannot record to {path}: {_reason(error)}") from error
