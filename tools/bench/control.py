"""Measure a show that is played against the same show that is left alone.

    python -m tools.bench.control [--seconds 30] [--rounds 2] [--rate 1000] [--outs 2] [--size 256]
                                  [--clock 128] [--recalls 40]

Plays real shows in turns, without and with so many messages a second, OSC outs and a MIDI clock
that it follows, and prints a table of their frames with ratios, and of the time from a message to
the first frame that shows it. Then it steps through a set list of presets whose key frames are
there, and prints the time from a step to the first frame of the preset. Ends with 1 if the 99th
percentile of the interval is more than 1 ms worse, a message is lost, the show does not follow the
clock, or a step takes more than a frame and a tick. Times of a machine that does something else as
well say little. Not for Windows; the clock needs JACK where Linux has no sequencer.
"""

import argparse
import sys

import numpy as np

from tools.bench.played import FPS, Played, play
from tools.bench.recalls import play_recalls
from tools.check.virtual_midi import lacking

WORSE_MS = 1.0
"""Time, ms, by which the 99th percentile of the interval may be worse."""

FRAMES = 2
"""Frames within which a message has its effect: the one that is drawn meanwhile, and its tick."""


def compared(alone: Played, played: Played, about: str) -> list[tuple[str, str]]:
    """Return a table of two shows: names, and what was measured."""
    rows = [("", f"{'alone':>10} {about:>28} {'ratio':>8}")]
    for about_times, ones, others in (
        ("interval", alone.intervals_ms, played.intervals_ms),
        ("effect after", alone.effects_ms, played.effects_ms),
    ):
        for name, percent in (("p50", 50.0), ("p99", 99.0), ("p99.9", 99.9), ("longest", 100.0)):
            one, other = (float(np.percentile(times, percent)) for times in (ones, others))
            values = f"{one:10.2f} {other:28.2f} {other / one:8.3f}"
            rows.append((f"{about_times} {name}, ms", values))
    for name, before, now in (
        ("frames", len(alone.intervals_ms), len(played.intervals_ms)),
        ("late frames", alone.late, played.late),
    ):
        ratio = f"{now / before:8.3f}" if before else f"{'':8}"
        rows.append((name, f"{before:10d} {now:28d} {ratio}"))
    only = {
        "messages sent, lost": f"{played.sent}, {played.lost}",
        "messages that it sent": f"{played.answers}",
    }
    if played.off_bpm.size:
        off_bpm = np.median(played.off_bpm), max(abs(played.off_bpm))
        only["clock pulses sent, heard"] = f"{played.pulses}, {played.heard}"
        only["off its BPM: median, most"] = "{:+.2f}, {:.2f}".format(*off_bpm)
    return rows + [(name, f"{'':10} {values:>28}") for name, values in only.items()]


def main(arguments: list[str] | None = None) -> int:
    """Measure, print the table, and return an exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench.control", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--seconds", type=float, default=30.0, help="of each show")
    parser.add_argument("--rounds", type=int, default=2, help="0 leaves out the table")
    parser.add_argument("--rate", type=float, default=1000.0, help="messages/s")
    parser.add_argument("--outs", type=int, default=2, help="programs that are told of values")
    parser.add_argument("--size", type=int, default=256, help="px")
    parser.add_argument("--clock", type=float, default=128.0, help="BPM; 0 for no MIDI clock")
    parser.add_argument("--recalls", type=int, default=40, help="steps; 0 leaves them out")
    options = parser.parse_args(arguments)
    held = _played(options) if options.rounds > 0 else True
    return 0 if (_recalled(options) if options.recalls > 0 else True) and held else 1


def _played(options: argparse.Namespace) -> bool:
    """Play a show in turns alone and not; return whether that was as it should be."""
    clock_bpm, about = options.clock, f"{options.rate:g}/s, {options.outs} outs"
    if clock_bpm and (why := lacking()):
        print(f"without a MIDI clock: {why}")
        clock_bpm = 0.0
    if clock_bpm:
        about += ", clock"
    alone = played = None
    for _ in range(options.rounds):
        one = play(options.seconds, size=options.size)
        alone = one if alone is None else alone + one
        one = play(
            options.seconds,
            rate=options.rate,
            outs=options.outs,
            size=options.size,
            clock_bpm=clock_bpm,
        )
        played = one if played is None else played + one
    assert alone is not None  # noqa: S101 - for the type checker
    assert played is not None  # noqa: S101 - for the type checker
    for name, values in compared(alone, played, about):
        print(f"{name:26} {values}")
    p99_ms = [float(np.percentile(one.intervals_ms, 99.0)) for one in (alone, played)]
    worse_ms = p99_ms[1] - p99_ms[0]
    soon = float((played.effects_ms <= FRAMES * 1e3 / FPS).mean())
    print(f"effect within a frame and a tick: {soon:.1%} of {len(played.effects_ms)}")
    print(f"interval p99: {worse_ms:+.2f} ms, at most {WORSE_MS:g}; lost {played.lost}")
    if clock_bpm:
        print(f"the MIDI clock at {clock_bpm:g} BPM is{'' if played.follows else ' NOT'} followed")
    return worse_ms <= WORSE_MS and not played.lost and played.follows


def _recalled(options: argparse.Namespace) -> bool:
    """Step through a set list; return whether each step was seen soon."""
    took_ms, most_ms = play_recalls(options.recalls, size=options.size), FRAMES * 1e3 / FPS
    print(
        f"from /vjnode/set/next or …/previous to its first frame, {len(took_ms)} times: "
        f"median {np.median(took_ms):.1f} ms, longest {max(took_ms):.1f} ms; "
        f"a frame and a tick are {most_ms:.1f} ms"
    )
    return bool(max(took_ms) <= most_ms)


if __name__ == "__main__":
    sys.exit(main())
