"""An output that records: the show's pictures and its sound, in one file.

What there is too little time or room for is left out of the recording and counted; the clock of
the show never waits for an encoder or a disk.
"""

import itertools
import logging
import queue
import shutil
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import av

from vjnode.audio.source import RATE_HZ
from vjnode.errors import InputError, OutputError
from vjnode.output.base import Frame, OutputContext
from vjnode.output.codecs import Codec, choose_codec
from vjnode.output.interrupted import Interrupted
from vjnode.output.movie import PORTION, Movie
from vjnode.output.soundtrack import SoundTrack

_log = logging.getLogger(__name__)

SOUND_LAG = RATE_HZ // 2
"""Samples by which the sound may stay behind the picture before it is taken for silent."""

QUEUED_FRAMES = 6
"""A key frame that takes longer, or a tenth of a second without the processor, loses nothing."""

MIN_FREE_MIB = 32
RESERVE_MIB = 16
"""A recording begins with so much room on its disk, and ends, whole, when only this is left:
whoever else writes there goes on."""

Batch = tuple[av.VideoFrame, list[av.AudioFrame]]


class RecordOutput:
    """Encodes each frame at the time of its deadline, and the sound where it was heard.

    ``send`` converts the picture and leaves the encoding to a thread, with a few frames
    between them. When those are waiting, a live show drops the frame (not the sound: that is
    fetched with the next one); a rendering waits.
    """

    def __init__(self, path: Path, codec: Codec, context: OutputContext) -> None:
        """Begin the recording; where there is a file already, its first frame does.

        So a show that comes to nothing leaves an earlier recording as it was.

        Raises:
            OutputError: the file cannot be written, or its encoder is missing.
        """
        self.dropped = 0
        """Frames that there was no time for."""
        self._path, self._codec, self._context = path, codec, context
        self._track = SoundTrack()
        self._first_due_s: float | None = None
        self._last_pts = -1
        self._closed = False
        self._fault = ""
        self._told = False
        self._movie = Movie(path, codec, size=context.size, fps=context.fps)
        if path.stat().st_size == 0:
            try:
                self._movie.begin()
            except OutputError as error:
                raise OutputError(f"cannot record to {path}: {error}") from error
        self._queue: queue.Queue[Batch | None] = queue.Queue(QUEUED_FRAMES)
        self._thread = threading.Thread(target=self._write, name="recording", daemon=True)
        self._thread.start()

    def send(self, frame: Frame, due_s: float) -> None:
        """Record ``frame``; one that is not later than the frame before is left out.

        Raises:
            OutputError: the file cannot be written any more.
        """
        if self._fault:
            self._told = True
            raise OutputError(f"the recording {self._path} stopped: {self._fault}")
        if self._first_due_s is None:
            self._first_due_s = due_s
        pts = round((due_s - self._first_due_s) * self._context.fps)
        if pts <= self._last_pts:
            return
        if self._context.live and self._queue.full():
            if self.dropped == 0:
                _log.warning("%s: too slow an encoder or disk; frames are dropped", self._path)
            self.dropped += 1
            return
        self._last_pts = pts
        picture = self._movie.picture(frame.pixels, pts)
        self._queue.put((picture, self._heard(final=False)))

    def about(self) -> dict[str, object]:
        """Return the file, its codec and what was left out, for the report."""
        return {
            "file": str(self._path),
            "codec": self._codec.label,
            "dropped_frames": self.dropped,
        }

    def close(self) -> None:
        """Finish the file: sound as long as the picture, and an index.

        Raises:
            OutputError: the end of the file cannot be written.
        """
        if self._closed:
            return
        self._closed = True
        self._queue.put(None)
        self._thread.join()
        if self.dropped:
            _log.warning("%s: %d frames were dropped", self._path, self.dropped)
        if self._fault and not self._told:
            raise OutputError(f"the end of the recording {self._path} is missing: {self._fault}")

    def _heard(self, *, final: bool) -> list[av.AudioFrame]:
        """Return the sound up to the end of the newest picture, in portions."""
        if self._first_due_s is None:
            return []
        samples, heard_s = self._context.sound.read()
        self._track.lay(samples, heard_s - self._first_due_s)
        end = round((self._last_pts + 1) / self._context.fps * RATE_HZ)
        self._track.pad_to(end if final else end - SOUND_LAG)
        end = min(end, self._track.laid)
        portions = []
        while end - self._track.taken >= (1 if final else PORTION):
            position = self._track.taken
            pcm = self._track.take(min(PORTION, end - position))
            portions.append(self._movie.portion(pcm, position))
        return portions

    def _write(self) -> None:
        """Be the thread that writes: after a fault it only empties the queue, for ``close``."""
        batches = iter(self._queue.get, None)
        try:
            self._write_all(batches)
            return
        except OutputError as error:
            fault = str(error)
        except Exception as error:  # noqa: BLE001 - the top of a thread; ``send`` tells it
            _log.exception("%s: the recording's writer failed", self._path)
            fault = f"{type(error).__name__}: {error}"
        self._fault = fault
        try:
            self._movie.abandon()
        finally:
            for _ in batches:
                pass

    def _write_all(self, batches: Iterator[Batch]) -> None:
        """Encode and write what is queued, and finish.

        Raises:
            OutputError: that is not possible any more; the text is the reason only.
        """
        for batch in batches:
            self._movie.write(*batch)
            try:
                _check_room(self._path.parent)
            except OutputError:
                self._movie.finish()  # it is whole up to here
                raise
        self._movie.write(None, self._heard(final=True))
        self._movie.finish()


def open_output(target: str, context: OutputContext) -> RecordOutput | Interrupted:
    """Open the recording ``target``; after a fault a further part, ``NAME-2.mp4`` and so on.

    The first frame replaces an existing file; a part takes the first name that is free. After a
    fault, what stands in the way is waited for.

    Raises:
        InputError: unknown suffix, no such folder, or a codec that it does not take.
        OutputError: not writable, disk full, odd size, or a PyAV without the encoder.
    """
    try:
        return _begin(target, context)
    except (InputError, OutputError) as error:
        if context.attempt == 0:
            raise
        return Interrupted(lambda: _begin(target, context), str(error))


def check_target(path: Path) -> None:
    """Check that ``path`` can name a recording in H.264.

    Raises:
        InputError: unknown suffix, or no such folder.
    """
    choose_codec(str(path), "h264", "opaque")
    _check_folder(path)


def _check_folder(path: Path) -> None:
    if not path.parent.is_dir():
        raise InputError(f"cannot record to {path}: there is no folder {path.parent}; make it")


def _begin(target: str, context: OutputContext) -> RecordOutput:
    path = Path(target).expanduser().absolute()
    codec = choose_codec(str(path), context.codec, context.alpha)
    _check_folder(path)
    if context.size % 2:
        raise OutputError(f"cannot record {context.size} px: {codec.label} needs an even size")
    made = False
    try:
        path, made = _next_part(path) if context.attempt else _take(path)
        if (free_mib := _free_mib(path.parent)) < MIN_FREE_MIB:
            raise OutputError(
                f"cannot record to {path}: {free_mib} MiB are free, {MIN_FREE_MIB} MiB are needed "
                "to begin; free some space or record to another disk"
            )
        return RecordOutput(path, codec, context)
    except (OSError, OutputError) as error:
        if made:  # trying again and again must not leave a file each time
            with suppress(OSError):
                path.unlink()
        if isinstance(error, OutputError):
            raise
        raise OutputError(
            f"cannot record to {path}: {error.strerror}; choose a path that you may write to"
        ) from error


def _take(path: Path) -> tuple[Path, bool]:
    """Return ``path``, which can be written, and whether there was no such file.

    Raises:
        OSError: it cannot be written; plainer than what the muxer would say.
    """
    try:
        path.open("xb").close()
    except FileExistsError:
        path.open("ab").close()
        return path, False
    return path, True


def _next_part(path: Path) -> tuple[Path, bool]:
    """Return ``NAME-2``, ``NAME-3`` …, the first that nobody has: it is made, which is True.

    Raises:
        OSError: it cannot be made.
    """
    for number in itertools.count(2):
        part = path.with_stem(f"{path.stem}-{number}")
        with suppress(FileExistsError):
            part.open("xb").close()
            break
    return part, True


def _check_room(folder: Path) -> None:
    """Check that a recording in ``folder`` may go on.

    Raises:
        OutputError: it may not; the text is the reason only.
    """
    try:
        free_mib = _free_mib(folder)
    except OSError as error:
        raise OutputError(
            f"its folder {folder} cannot be reached any more ({error.strerror}); "
            "bring it back or record to another one"
        ) from error
    if free_mib < RESERVE_MIB:
        raise OutputError(
            f"the disk is full but for {free_mib} MiB, which are left to others; "
            "free some space or record to another disk"
        )


def _free_mib(folder: Path) -> int:
    return shutil.disk_usage(folder).free >> 20
