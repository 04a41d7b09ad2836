"""Check that tempo and beat of a MIDI clock are right, over tempi and jitters.

    python -m tools.check.midi_clock
    python -m tools.check.midi_clock --seeds 50

Pulses are made with arrival times that are known, and heard as in a show: stamped at arrival, read
between blocks of sound, and extrapolated to the present. After a start and two bars, tempo and
phase are measured for four bars; then the tempo jumps, and one bar later for two more. Jitter is
the deviation of arrival times, normally distributed; one pulse in fifty is another 10 ms late.
Last come clocks that are sent in time with a buffer of sound. It ends with 1 if anything is beyond
its limit.
"""

import argparse
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from vjnode.audio.sources.base import BLOCK_S
from vjnode.audio.tempo.beat import BEATS_PER_BAR
from vjnode.audio.tempo.beat_clock import BeatClock
from vjnode.audio.tempo.midi_clock import PULSE, PULSES_PER_BEAT, START, MidiClock

TEMPI_BPM = (60.0, 75.0, 90.0, 110.0, 128.0, 150.0, 174.0, 200.0)
JITTERS_MS = (0.0, 1.0, 2.0, 3.0)
BUFFERS_MS = (5.8, 10.7)
"""256 samples at 44.1 kHz, and 512 at 48 kHz."""

JUMPS = (1.05, 0.9, 1.4)
"""Factors by which the tempo jumps, in turn, as far as it stays within the span."""

SETTLE_BARS, STEADY_BARS, RELOCK_BARS, AFTER_BARS = 2, 4, 1, 2
LATE_EVERY, LATE_S = 50, 0.01
SOUND_DELAY_S = 0.02
"""Age of the sound that is heard when the clock is looked at."""

TEMPO_BPM, PHASE_MS = 0.2, 10.0
"""Limits: tempo after two bars, and phase at any time."""

JUMPED_BPM = 0.5
"""Limit on the tempo one bar after it has jumped."""

BUFFERED_BPM, BUFFERED_MS = 5.0, 15.0
"""The same limits for pulses that come with buffers: where these and the pulses are nearly in step,
pulses are late by turns for longer than a bar, and a jump looks like that for a while."""

Arrivals = Callable[[list[float], float, int], list[float]]
"""Times of arrival by times of sending, s, how late they are, s, and a seed."""


@dataclass(frozen=True)
class Worst:
    """Largest errors: of tempo, BPM, and phase, ms, while it is steady and after its jump."""

    tempo_bpm: float
    phase_ms: float
    jumped_bpm: float
    jumped_ms: float

    def fits(self, *, buffers: bool = False) -> bool:
        """Return whether they are within their limits. buffers: whether pulses came with some."""
        bpm, ms = (BUFFERED_BPM, BUFFERED_MS) if buffers else (JUMPED_BPM, PHASE_MS)
        steady = self.tempo_bpm <= TEMPO_BPM and self.phase_ms <= PHASE_MS
        return steady and self.jumped_bpm <= bpm and self.jumped_ms <= ms


def jumped(bpm: float, number: int) -> float:
    """Return the tempo that follows one, by its place in the table."""
    to = bpm * JUMPS[number % len(JUMPS)]
    return to if TEMPI_BPM[0] <= to <= TEMPI_BPM[-1] else bpm * bpm / to


def arrivals(times_s: list[float], jitter_s: float, seed: int) -> list[float]:
    """Return when pulses that were sent at ``times_s`` arrive, in order."""
    chance = np.random.default_rng(seed)
    late = np.where(chance.random(len(times_s)) < 1.0 / LATE_EVERY, LATE_S, 0.0)
    late = late if jitter_s else 0.0 * late
    return list(np.maximum.accumulate(times_s + chance.normal(0.0, jitter_s, len(late)) + late))


def buffered(times_s: list[float], buffer_s: float, seed: int) -> list[float]:
    """Return when they arrive if they are sent with the next buffer. seed: of its begin."""
    begin_s = float(np.random.default_rng(seed).uniform(0.0, buffer_s))
    return [begin_s + buffer_s * math.ceil((one - begin_s) / buffer_s) for one in times_s]


def follow(bpm: float, to_bpm: float, arrive: Arrivals, late_s: float, seed: int) -> Worst:
    """Return the worst of one clock that starts, runs steadily and jumps to another tempo.

    arrive: ``arrivals`` or ``buffered``. late_s: jitter or buffer, s.
    """
    steady = (SETTLE_BARS + STEADY_BARS) * BEATS_PER_BAR
    beats = steady + (RELOCK_BARS + AFTER_BARS) * BEATS_PER_BAR
    start_s = 100.0
    jump_s = start_s + steady * 60.0 / bpm

    def sent_s(beat: float) -> float:
        return min(start_s + beat * 60.0 / bpm, jump_s) + max(beat - steady, 0.0) * 60.0 / to_bpm

    sent = [sent_s(n / PULSES_PER_BEAT) for n in range(beats * PULSES_PER_BEAT)]
    tempo = phase = jumped_tempo = jumped_phase = 0.0
    for now_s, clock in _heard(sent, arrive(sent, late_s, seed)):
        beat = clock.at(now_s - SOUND_DELAY_S).at(now_s)
        true_bpm = bpm if now_s < jump_s else to_bpm
        true = min((now_s - start_s) * bpm / 60.0, steady) + max(now_s - jump_s, 0) * to_bpm / 60.0
        bars = true / BEATS_PER_BAR
        wrong = (beat.beats - true + BEATS_PER_BAR / 2) % BEATS_PER_BAR - BEATS_PER_BAR / 2
        wrong_ms = abs(wrong) * 60e3 / true_bpm
        if SETTLE_BARS <= bars < SETTLE_BARS + STEADY_BARS:
            tempo, phase = max(tempo, abs(beat.bpm - true_bpm)), max(phase, wrong_ms)
        elif bars >= SETTLE_BARS + STEADY_BARS + RELOCK_BARS:
            jumped_tempo = max(jumped_tempo, abs(beat.bpm - true_bpm))
            jumped_phase = max(jumped_phase, wrong_ms)
    return Worst(tempo, phase, jumped_tempo, jumped_phase)


def _heard(sent: list[float], arrive: list[float]) -> Iterator[tuple[float, BeatClock]]:
    """Yield times, and a beat clock that follows a MIDI clock up to each of them."""
    midi, clock = MidiClock(), BeatClock()
    clock.source = "midi"
    midi.hear(bytes([START]), min(sent[0], arrive[0]) - 0.002)
    came = 0
    for block in range(math.ceil((sent[-1] - sent[0]) / BLOCK_S)):
        now_s = sent[0] + block * BLOCK_S
        while came < len(arrive) and arrive[came] <= now_s:
            midi.hear(bytes([PULSE]), arrive[came])
            came += 1
        clock.lead(midi.lead(now_s), now_s - SOUND_DELAY_S)
        yield now_s, clock


def worst_of(bpm: float, to_bpm: float, arrive: Arrivals, late_s: float, seeds: int) -> Worst:
    """Return the largest errors over many clocks."""
    found = [follow(bpm, to_bpm, arrive, late_s, seed) for seed in range(seeds)]
    return Worst(
        max(one.tempo_bpm for one in found),
        max(one.phase_ms for one in found),
        max(one.jumped_bpm for one in found),
        max(one.jumped_ms for one in found),
    )


def main() -> int:
    """Print the table; return 1 if anything is beyond its limit."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.check.midi_clock", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--seeds", type=int, default=10, metavar="N", help="clocks of each kind")
    seeds = parser.parse_args().seeds
    print(
        f"limits: {TEMPO_BPM} BPM and {PHASE_MS:g} ms; after a jump {JUMPED_BPM} BPM, or "
        f"{BUFFERED_BPM:g} BPM and {BUFFERED_MS:g} ms where pulses come with buffers"
    )
    print("   BPM  pulses come       tempo, BPM  phase, ms    jump to  tempo, BPM  phase, ms")
    missed = False
    kinds: list[tuple[str, Arrivals, float]] = [
        *((f"± {late:4.1f} ms", arrivals, late / 1e3) for late in JITTERS_MS),
        *((f"every {late:4.1f} ms", buffered, late / 1e3) for late in BUFFERS_MS),
    ]
    for number, bpm in enumerate(TEMPI_BPM):
        to_bpm = jumped(bpm, number)
        for name, arrive, late_s in kinds:
            worst = worst_of(bpm, to_bpm, arrive, late_s, seeds)
            fits = worst.fits(buffers=arrive is buffered)
            missed |= not fits
            print(
                f"{bpm:6.1f}  {name:16}  {worst.tempo_bpm:10.3f}  {worst.phase_ms:9.2f}"
                f"     {to_bpm:6.1f}  {worst.jumped_bpm:10.3f}  {worst.jumped_ms:9.2f}"
                f"{'' if fits else '  MISSED'}",
                flush=True,
            )
    return int(missed)


if __name__ == "__main__":
    raise SystemExit(main())
