"""Groove: drives of an even beat that nobody has played, for clips without a song."""

import math
from collections.abc import Iterator

from vjnode.audio.tempo.beat import BEATS_PER_BAR, Beat
from vjnode.modulation.drive import HITS, Drive

STEP_S = 1 / 200
"""Time from one drive to the next, s."""

LEVEL_DB = -14.0

_REST, _RISE = 0.3, 0.45
"""Weight between beats, and what a beat adds to it."""

_STRENGTHS = (1.0, 0.8, 1.0, 0.8)
"""Strengths of a bar's beats. The first, where a loop is closed, is no stronger than the third."""

_FALL = 2.5
"""Steepness of what a beat adds, per beat."""

_DRUM = 4.0
"""Steepness of a drum's level, per beat: a kick on each beat, a snare on every other, a hat
between them."""


def groove(bpm: float, length_s: float) -> Iterator[Drive]:
    """Yield drives from 0 s to ``length_s``; one bar is like another.

    bpm: beats per minute. The first bar begins at 0 s.
    """
    beat_s = 60.0 / bpm
    for step in range(math.ceil(length_s / STEP_S) + 1):
        at_s = step * STEP_S
        beats = round(at_s / beat_s, 9)  # on a beat, not just before it
        whole = math.floor(beats)
        phase = beats - whole
        strength = _STRENGTHS[whole % BEATS_PER_BAR]
        first = max(whole - HITS + 1, 0)
        yield Drive(
            t_s=at_s,
            captured_s=at_s,
            rms_db=LEVEL_DB,
            agc_db=0.0,
            audible=True,
            onsets=whole + 1,
            hits=tuple(
                (beat * beat_s, _STRENGTHS[beat % BEATS_PER_BAR])
                for beat in range(first, whole + 1)
            ),
            weight=_REST + _RISE * strength * math.exp(-_FALL * phase),
            weight_s=at_s,
            low=math.exp(-_DRUM * phase),
            mid=math.exp(-_DRUM * phase) if whole % 2 else 0.0,
            high=0.8 * math.exp(-_DRUM * ((phase + 0.5) % 1.0)),
            beat=Beat(bpm, beats, at_s, 0.0, 1.0, locked=True),
        )
