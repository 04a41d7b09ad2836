"""The line that tells a person at the console how the show is going.

It comes after the show: a terminal that is paused or has gone away holds nothing up.
"""

from vjnode.modulation.moment import Moment
from vjnode.output.base import FrameInfo
from vjnode.system.console import Console

PERIOD_S = 0.1
_WIDTH = 20
_CLEAR = "\r\x1b[2K"


def status_text(info: FrameInfo) -> str:
    """Return one line about a frame."""
    bar = "█" * round(info.moment.weight * _WIDTH)
    sweep = "" if info.keys == info.keys_wanted else f"  keys {info.keys}/{info.keys_wanted}"
    return (
        f"{info.face} {info.expression} │{bar:·<{_WIDTH}}│ {info.moment.weight:4.2f}  "
        f"{info.moment.rms_db:6.1f} dB  {_tempo(info.moment)}  gain {info.gain:g}"
        f"{sweep}{_plan(info)}"
    )


def _plan(info: FrameInfo) -> str:
    """Return the entry of the set list that is on and the next, and what waits for a beat."""
    entries = f"  {info.entry} → {info.coming or 'end'}" if info.entry else ""
    return entries + (f"  waits: {info.waiting}" if info.waiting else "")


def _tempo(moment: Moment) -> str:
    """Return the tempo, with a mark that is there in the first quarter of each beat."""
    if not moment.bpm:
        return "  –   bpm "
    return f"{moment.bpm:5.1f} bpm{'●' if moment.beat < 0.25 else ' '}"


class StatusLine:
    """Keeps one line at the bottom of a terminal up to date; silent anywhere else."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._next_s = 0.0

    def show(self, info: FrameInfo, now_s: float) -> None:
        """Show the state of ``info``, at most ten times a second.

        Not while the line before it has yet to be shown: a paused terminal would have them pile up.
        """
        if self._console.is_terminal and now_s >= self._next_s and self._console.idle:
            self._next_s = now_s + PERIOD_S
            self._console.write(f"{_CLEAR}{status_text(info)}")

    def clear(self) -> None:
        """Leave an empty line."""
        if self._console.is_terminal:
            self._console.write(_CLEAR)
