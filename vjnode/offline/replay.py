"""Rendering of a session: the engine's ticks again, with what it was told then, and no clock.

Every tick is drawn with its own time and controls, so the pictures are those of the show, as far as
its key frames were complete by then. A frame of the film shows the newest tick of its time, as an
output of the show did; frames lie so that most ticks are in the middle of one.
"""

import math

from vjnode.control.state import Controls
from vjnode.modulation.weight_track import offline_track
from vjnode.offline.drawing import Drawing, Film, frame_bar, open_drawing
from vjnode.output.base import FrameInfo
from vjnode.output.overrides import Overrides, Stills
from vjnode.show.control_sync import cue_of
from vjnode.show.session.reader import Session
from vjnode.show.session.records import Header


def render_session(session: Session, film: Film) -> None:
    """Render a session, without sound.

    Raises:
        VjnodeError: the session, the models or the target fail.
    """
    count = round(session.length_s * film.fps) + 1
    with (
        open_drawing(film, looks=len(session.looks)) as drawing,
        frame_bar("rendering", count) as bar,
    ):
        frames = _Frames(drawing, 0.5 + (session.phase if film.fps == session.fps else 0.0))
        header: Header | None = None
        for tick in session.ticks():
            bar.update(frames.send_until(tick.at_s))
            if tick.header is not header:
                header = tick.header
                track = offline_track(interval_s=header.interval_s, points=header.points)
                drawing.begin(track)
            for drive in tick.drives:
                track.push(drive)
            frames.drawn(drawing.draw(tick.now_s, tick.controls), tick.controls)
        bar.update(frames.send_until(session.length_s + float(1 / film.fps)))


class _Frames:
    """Frames of a film, which show what was drawn last, with what was laid over it.

    late: part of a frame by which a tick may be late beside the first one and still be shown by it.
    """

    def __init__(self, drawing: Drawing, late: float) -> None:
        self._late = late
        self._drawing, self._fps = drawing, drawing.film.fps
        self._overrides = Overrides(
            drawing.film.size,
            lambda: Stills(still := drawing.still(), still),
            awake_s=lambda: 0.0,
            stale_s=math.inf,
            darkens=not drawing.cuts,
        )
        self._frame = 0
        self._newest: tuple[FrameInfo, Controls] | None = None

    def drawn(self, info: FrameInfo, controls: Controls) -> None:
        """Take note of what has been drawn."""
        self._newest = info, controls

    def send_until(self, at_s: float) -> int:
        """Send what frames show the picture until ``at_s``, s; return how many."""
        first = self._frame
        while self._newest is not None and (self._frame + self._late) / float(self._fps) < at_s:
            info, controls = self._newest
            cue, due_s = cue_of(controls), float(self._frame / self._fps)
            picture = self._drawing.picture
            if cue.freeze and self._overrides.frozen is None:
                picture = picture.copy()
            picture = self._overrides.draw(due_s, cue, picture, due_s)
            darkness = self._overrides.darkness
            self._drawing.send(self._frame, info, picture, darkness=darkness)
            self._frame += 1
        return self._frame - first
