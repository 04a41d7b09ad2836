"""Output that records the show's pictures and sound to one file after the other.

Frames for which there is too little time or disk space are left out of the recording and counted;
the clock of the show never waits for an encoder or a disk.
"""

import logging
import queue
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

from vjnode.errors import InputError, OutputError
from vjnode.output.base import Delivery, Frame, OutputContext
from vjnode.output.record.codecs import Codec, check_recording, choose_codec
from vjnode.output.record.files import RecordingFiles, check_folder
from vjnode.output.record.muxer import Movie
from vjnode.output.record.retry import Interrupted
from vjnode.output.record.timeline import Step, TimeLine

_log = logging.getLogger(__name__)

QUEUED_FRAMES = 6
"""Length of the queue, frames: enough that a slow key frame, or a tenth of a second without the
processor, loses none."""


class RecordOutput:
    """Records each frame at the time of its deadline, and the sound at the time it was heard.

    ``send`` converts the picture and leaves the encoding to a thread, with a queue of a few
    frames between them. When the queue is full, a live show drops the frame (not the sound: that
    is fetched with the next one); a rendering waits. A part that has ended is finished by another
    thread, so that the next one is recorded meanwhile.
    """

    def __init__(self, files: RecordingFiles, codec: Codec, context: OutputContext) -> None:
        """Prepare the recording; the first frame creates the first file.

        So a show without a frame leaves no file, and does not replace an earlier recording.

        Raises:
            OutputError: the encoder is missing.
        """
        self.dropped = 0
        """Number of frames dropped for lack of time."""
        self._files, self._codec, self._context = files, codec, context
        new_movie = partial(Movie, codec, size=context.size, fps=context.fps)
        new_movie()  # reports a missing encoder at once
        self._line = TimeLine(new_movie, fps=context.fps, part_s=context.part_s)
        self._path = files.path
        self._parts = 0
        self._closed = False
        self._fault = ""
        self._told = False
        self._queue: queue.Queue[list[Step] | None] = queue.Queue(QUEUED_FRAMES)
        self._thread = threading.Thread(target=self._write, name="recording", daemon=True)
        self._thread.start()

    def send(self, frame: Frame, due_s: float) -> None:
        """Record ``frame``; leave it out if it is not later than the previous one.

        Raises:
            OutputError: the file can no longer be written.
        """
        if self._fault:
            self._told = True
            raise OutputError(f"the recording {self._path} stopped: {self._fault}")
        if not self._line.takes(due_s):
            return
        if self._context.live and self._queue.full():
            if self.dropped == 0:
                _log.warning("%s: too slow an encoder or disk; frames are dropped", self._path)
            self.dropped += 1
            return
        self._queue.put(self._line.add(frame.pixels, due_s, self._context.sound.read()))

    def about(self) -> dict[str, object]:
        """Return the newest file, its codec and the count of dropped frames, for the report."""
        return {
            "file": str(self._path),
            "parts": self._parts,
            "codec": self._codec.label,
            "dropped_frames": self.dropped,
        }

    def close(self) -> None:
        """Finish the file: make its sound as long as its picture, and add an index.

        Raises:
            OutputError: the end of the file cannot be written.
        """
        if self._closed:
            return
        self._closed = True
        self._queue.put(self._line.end(self._context.sound.read()))
        self._queue.put(None)
        self._thread.join()
        if self.dropped:
            _log.warning("%s: %d frames were dropped", self._path, self.dropped)
        if self._fault and not self._told:
            raise OutputError(f"the end of the recording {self._path} is missing: {self._fault}")

    def _write(self) -> None:
        """Run the writing thread; after a fault it only empties the queue, for ``close``."""
        batches = iter(self._queue.get, None)
        begun: list[Movie] = []
        try:
            self._write_all(batches, begun)
            return
        except OutputError as error:
            fault = str(error)
        except Exception as error:  # noqa: BLE001 - the top of a thread; ``send`` raises it
            _log.exception("%s: the recording's writer failed", self._path)
            fault = f"{type(error).__name__}: {error}"
        self._fault = fault
        try:
            for movie in begun:
                movie.abandon()
        finally:
            for _ in batches:
                pass

    def _write_all(self, batches: Iterator[list[Step]], begun: list[Movie]) -> None:
        """Encode and write the queued steps.

        begun: is updated to hold the movies that are not finished.

        Raises:
            OutputError: that is no longer possible; the text is the reason only.
        """
        ends: list[Future[None]] = []
        with ThreadPoolExecutor(1, thread_name_prefix="recording-end") as finisher:
            for steps in batches:
                for step in steps:
                    if step.picture is not None and not step.movie.begun:
                        self._begin(step.movie)
                        begun.append(step.movie)
                    step.movie.write(step.picture, step.portions)
                    if step.last:
                        begun.remove(step.movie)
                        ends.append(finisher.submit(step.movie.finish))
                while ends and ends[0].done():
                    ends.pop(0).result()
                try:
                    self._files.check_room()
                except OutputError:
                    while begun:
                        begun.pop().finish()  # they are complete up to here
                    raise
        for end in ends:
            end.result()

    def _begin(self, movie: Movie) -> None:
        """Open the file of the next part.

        Raises:
            OutputError: that is not possible; the text is the reason only.
        """
        with self._files.next() as path:
            self._path = path
            movie.begin(path)
        self._parts += 1
        if self._parts > 1:
            _log.info("the recording goes on in %s", path)


def open_output(target: str, context: OutputContext) -> RecordOutput | Interrupted:
    """Open the recording ``target``; after a fault a further part, ``NAME-2.mp4`` and so on.

    The first frame replaces an existing file; a part takes the first name that is free. After a
    fault, a recording that cannot go on at once is retried later.

    Raises:
        InputError: unknown suffix, no such folder, or a codec that the container lacks.
        OutputError: not writable, disk full, odd size, or a PyAV without the encoder.
    """
    try:
        return _begin(target, context)
    except (InputError, OutputError) as error:
        if context.attempt == 0:
            raise
        return Interrupted(lambda: _begin(target, context), str(error))


def check_target(path: Path, delivery: Delivery) -> None:
    """Check that ``path`` can name a recording in the format of ``delivery``.

    Raises:
        InputError: unknown suffix, a codec that does not go into it, or no such folder.
    """
    check_recording(str(path), delivery)
    check_folder(path)


def _begin(target: str, context: OutputContext) -> RecordOutput:
    path = Path(target).expanduser().absolute()
    codec = choose_codec(str(path), context.codec, context.alpha)
    files = RecordingFiles(path, replaces=context.attempt == 0)
    check_folder(path)
    if context.size % 2:
        raise OutputError(f"cannot record {context.size} px: {codec.label} needs an even size")
    files.check()
    return RecordOutput(files, codec, context)
