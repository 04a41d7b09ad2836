"""Time line of a recording, which assigns each frame and each sample to a part and a time."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
from numpy.typing import NDArray

from vjnode.audio.sources.base import RATE_HZ
from vjnode.output.record.muxer import PORTION, Movie
from vjnode.output.record.soundtrack import SoundTrack

SOUND_LAG = RATE_HZ // 2
"""Samples by which the sound may lag behind the picture before it counts as silent."""

PAUSE_S = 10.0
"""Time without a frame after which a new part begins, so that a laptop that slept for an hour
neither adds an hour of a still picture nor must encode its silence all at once."""

Heard = tuple[NDArray[np.float32], float]
"""Samples, (n, 2) float32, and the time at which the last one was heard, from a ``SoundTap``."""


@dataclass(eq=False)
class Part:
    """A file of the recording, and its position on the time line.

    first: its first frame. begins, ends: of its sound, samples; ``ends`` is None until it ends.
    """

    movie: Movie
    first: int
    begins: int
    ends: int | None = None


@dataclass(frozen=True)
class Step:
    """Data to write to a part. last: whether it is the last, so that the file can be finished."""

    movie: Movie
    picture: av.VideoFrame | None
    portions: list[av.AudioFrame]
    last: bool


class TimeLine:
    """Places pictures and sound on one time line, and cuts it into parts.

    One part follows the other without a lost or doubled frame or sample. The sound arrives a
    little later than the picture, so that for a moment two parts are written. After a pause the
    line starts over.
    """

    def __init__(self, new_movie: Callable[[], Movie], *, fps: Fraction, part_s: float) -> None:
        """Start an empty time line, which begins with the first frame.

        new_movie: makes the movie that a part is written to. fps: frames/s, exact. part_s: length
        of a part, s; 0: only one part.
        """
        self._new_movie, self._fps = new_movie, fps
        self._part_frames = round(part_s * fps)
        self._parts: list[Part] = []  # the newest last, after those that still lack sound
        self._track = SoundTrack()
        self._begun_s = 0.0
        self._newest = -1

    def takes(self, due_s: float) -> bool:
        """Return whether a frame of ``due_s`` can be added: it must be later than the newest."""
        return not self._parts or self._number(due_s) > self._newest

    def add(self, pixels: NDArray[np.uint8], due_s: float, heard: Heard) -> list[Step]:
        """Add a picture and new sound, and return the steps to write now.

        pixels: RGBA, (size, size, 4) uint8. due_s: its time, s, for which ``takes`` is true.
        """
        ended: list[Step] = []
        if self._parts and self._number(due_s) - self._newest > PAUSE_S * self._fps:
            ended = self.end(heard)
        if not self._parts:
            self._begun_s = due_s
        self._lay(heard)
        self._newest = self._number(due_s)
        part = self._part_of_newest()
        picture = part.movie.picture(pixels, self._newest - part.first)
        self._track.pad_to(self._sample(self._newest + 1) - SOUND_LAG)
        return [*ended, *self._steps(picture)]

    def end(self, heard: Heard) -> list[Step]:
        """End all parts with the newest frame, and return the remaining steps to write."""
        if not self._parts:
            return []
        self._lay(heard)
        end = self._sample(self._newest + 1)
        self._parts[-1].ends = end
        self._track.pad_to(end)
        steps = self._steps(None)
        self._track, self._newest = SoundTrack(), -1
        return steps

    def _number(self, due_s: float) -> int:
        """Return the number of the frame due at ``due_s``."""
        return round((due_s - self._begun_s) * self._fps)

    def _sample(self, frame: int) -> int:
        """Return the sample of the line at which ``frame`` begins."""
        return round(frame / self._fps * RATE_HZ)

    def _lay(self, heard: Heard) -> None:
        samples, heard_s = heard
        self._track.lay(samples, heard_s - self._begun_s)

    def _part_of_newest(self) -> Part:
        """Return the part of the newest frame; start a new part when the last one is full."""
        before = self._parts[-1] if self._parts else None
        if before is not None and not 0 < self._part_frames <= self._newest - before.first:
            return before
        part = Part(self._new_movie(), self._newest, self._sample(self._newest))
        if before is not None:
            before.ends = part.begins
        self._parts.append(part)
        return part

    def _steps(self, picture: av.VideoFrame | None) -> list[Step]:
        """Return the steps to write: ``picture`` to the newest part, and sound to each."""
        end = min(self._sample(self._newest + 1), self._track.laid)
        steps = []
        for part in list(self._parts):
            over = part.ends is not None and part.ends <= end
            shown = picture if part is self._parts[-1] else None
            steps.append(Step(part.movie, shown, self._portions(part, end, over=over), over))
            if over:
                self._parts.remove(part)
        return steps

    def _portions(self, part: Part, end: int, *, over: bool) -> list[av.AudioFrame]:
        """Return the sound of ``part`` up to ``end`` in whole portions; over: all the rest too."""
        if self._track.taken < part.begins:
            return []  # the previous part is first
        end = end if part.ends is None else min(part.ends, end)
        portions = []
        while end - self._track.taken >= (1 if over else PORTION):
            position = self._track.taken
            pcm = self._track.take(min(PORTION, end - position))
            portions.append(part.movie.portion(pcm, position - part.begins))
        return portions
