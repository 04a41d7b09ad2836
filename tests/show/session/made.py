"""Sessions made by hand."""

from tests.modulation.drives import drive
from vjnode.audio.tempo.beat import Beat
from vjnode.control.glide import Way
from vjnode.control.parameter import Firing
from vjnode.control.state import Controls
from vjnode.show.session.recorder import SessionWriter
from vjnode.show.session.records import Header

HEADER = Header("0.1", "mobilestylegan", "abc", 256, "60")

BEGUN_S = 1000.1
"""A clock's odd time, at which nothing is round."""


def heard(number):
    """Return a drive with a hit and a beat, as none before it."""
    at_s = BEGUN_S + number / 60 - 0.007
    hits = ((at_s - 0.01, 0.4),) if number % 3 == 0 else ()
    beat = Beat(124.0, number / 30, at_s, 0.01, 0.8, True)
    return drive(at_s, number % 10 / 10, low=0.3, onsets=number // 3, hits=hits, beat=beat)


def steered(number):
    """Return controls that change every fourth tick."""
    step = number // 4
    face, fired = ("ada", "ben")[step % 2], Firing(step, BEGUN_S + step)
    gain = 1.0 + step % 8 / 7
    plain = Controls("calm", face, "laugh", gain=gain, freeze=step == 1, tap=fired)
    if step % 3 < 2:
        return plain
    return plain.with_(gain=0.5).gliding_to(plain, Way(0.4, "soft"), BEGUN_S + number / 60)


def ticks(count):
    """Yield time, controls and drives of ticks; every fifth has heard nothing new."""
    controls = steered(0)
    for number in range(count):
        controls = steered(number) if number % 4 == 0 else controls
        drives = [] if number % 5 == 4 else [heard(number)]
        yield BEGUN_S + number / 60, controls, drives


def write_session(path, count, *, again=False):
    """Write a session of ``count`` ticks, and return them."""
    written = list(ticks(count))
    with SessionWriter(path, HEADER, again=again) as writer:
        for tick in written:
            writer.tick(*tick)
    return written
