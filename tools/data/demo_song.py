"""Synthesise the demo song: 40 s, A minor, 120 beats per minute, the same at every run.

    python -m tools.data.demo_song            writes presets/demo/demo.ogg

 0–10 s  calm: a pad and soft bells
10–18 s  build: arpeggio, rising noise, drums come in
18–32 s  wild: all drums, bass, distorted lead
32–40 s  quiet end: pad and bells die away
"""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import av
import numpy as np
from scipy import signal

from tools.data.synth import Sound, fade, filtered, sample_times
from vjnode.audio.sources.base import RATE_HZ
from vjnode.paths import shipped

Note = TypeVar("Note", float, Sound)
"""One MIDI note, or one for each sample."""

LOUDNESS = 2.0
OPUS_HZ = 48_000
BEAT_S = 0.5
BAR_S = 4 * BEAT_S
LENGTH_S = 40.0
CALM, BUILD, WILD, END = range(5), range(5, 9), range(9, 16), range(16, 20)

# MIDI notes: root in the bass, then the chord around middle C.
CHORDS = {
    "Am": (33, (57, 60, 64, 67)),
    "F": (29, (53, 57, 60, 64)),
    "C": (36, (55, 60, 64, 67)),
    "G": (31, (55, 59, 62, 69)),
    "Em": (28, (55, 59, 64, 66)),
}
BARS = "Am F C G Am | F G Am Em | Am F C G Am F G | Am F C Am".replace("|", "").split()

# Lead melody of the wild part: (beat within it, beats long, note).
LEAD = (
    *((0.0, 1.5, 76), (1.5, 0.5, 74), (2.0, 1.0, 72), (3.0, 1.0, 69)),
    *((4.0, 1.5, 77), (5.5, 0.5, 76), (6.0, 1.0, 72), (7.0, 1.0, 69)),
    *((8.0, 1.0, 79), (9.0, 0.5, 76), (9.5, 0.5, 79), (10.0, 2.0, 84)),
    *((12.0, 1.0, 83), (13.0, 1.0, 79), (14.0, 1.0, 74), (15.0, 1.0, 71)),
    *((16.0, 1.5, 76), (17.5, 0.5, 79), (18.0, 1.0, 81), (19.0, 1.0, 84)),
    *((20.0, 1.0, 81), (21.0, 0.5, 77), (21.5, 0.5, 81), (22.0, 2.0, 84)),
    *((24.0, 0.5, 83), (24.5, 0.5, 86), (25.0, 0.5, 83), (25.5, 0.5, 79), (26.0, 2.0, 74)),
)
BELLS_CALM = ((0, 76), (3, 72), (6, 81), (9, 79), (11, 76), (14, 74), (16, 72), (18.5, 69))
BELLS_END = ((1, 76), (3, 72), (5, 69), (8, 72), (11, 64))


@dataclass(frozen=True)
class Mix:
    """Stereo mix. dry: shape (2, n); wet: the reverb's input, same shape."""

    dry: Sound
    wet: Sound

    def add(self, sound: Sound, at_s: float, *, gain: float, pan: float, send: float) -> None:
        """Add a mono sound to the mix; pan: −1…1; send: share for the reverb."""
        start = round(at_s * RATE_HZ)
        sound = sound[: self.dry.shape[1] - start] * gain
        angle = (pan + 1.0) * np.pi / 4.0
        stereo = np.outer((np.cos(angle), np.sin(angle)), sound)
        self.dry[:, start : start + len(sound)] += stereo
        self.wet[:, start : start + len(sound)] += send * stereo


def main() -> None:
    """Write the song."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.data.demo_song", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--out", type=Path, default=shipped("demo", "demo.ogg"))
    out = parser.parse_args().out
    out.parent.mkdir(parents=True, exist_ok=True)
    write(out, compose())
    print(f"{out}: {out.stat().st_size / 1e3:.0f} kB")


def compose() -> Sound:
    """Return the song, shape (2, n), −1…1."""
    rng = np.random.default_rng(7)
    shape = (2, round(LENGTH_S * RATE_HZ))
    tonal, drums = Mix(np.zeros(shape), np.zeros(shape)), Mix(np.zeros(shape), np.zeros(shape))
    _pads(tonal)
    _bells(tonal)
    _arpeggio(tonal)
    _riser(tonal, rng)
    _bass(tonal)
    _lead(tonal)
    kicks = _drums(drums, rng)
    room = _room(rng)
    duck = _duck(kicks, shape[1])
    music = (tonal.dry + _reverb(tonal.wet, room)) * duck
    song = music + drums.dry + _reverb(drums.wet, room)
    song = filtered(song, 30.0, "high")
    song[:, -RATE_HZ:] *= np.linspace(1.0, 0.0, RATE_HZ) ** 2  # a clean seam for the loop
    limited: Sound = 0.97 * np.tanh(LOUDNESS * song)
    return limited


def _hz(note: Note) -> Note:
    pitch_hz: Note = 440.0 * 2.0 ** ((note - 69) / 12.0)
    return pitch_hz


def _saw(pitch_hz: float, t_s: Sound, rolloff: float) -> Sound:
    """Return a band-limited saw; a larger rolloff (≥ 1) is softer."""
    partials = range(1, int(min(60, 15_000 / pitch_hz)) + 1)
    phase = 2.0 * np.pi * pitch_hz * t_s
    return sum((np.sin(k * phase) / k**rolloff for k in partials), np.zeros_like(t_s))


def _pads(mix: Mix) -> None:
    for bar, name in enumerate(BARS):
        gain, rolloff = (0.0045, 2.0) if bar in CALM else (0.016, 1.6)
        if bar in WILD:
            gain, rolloff = 0.026, 1.2
        if bar in END:
            gain, rolloff = 0.0045 * (1.0 - 0.2 * (bar - END.start)), 2.2
        t_s = sample_times(BAR_S + 0.6)
        for i, note in enumerate(CHORDS[name][1]):
            for detune in (-0.06, 0.05):
                sound = _saw(_hz(note + detune), t_s, rolloff) * fade(t_s, 0.5, 0.6)
                mix.add(sound, bar * BAR_S, gain=gain, pan=(i - 1.5) / 2 + 4 * detune, send=0.5)


def _bell(note: float) -> Sound:
    t_s = sample_times(2.5)
    partials = ((1.0, 1.0, 1.6), (2.76, 0.35, 3.0), (5.4, 0.12, 6.0))
    wave = sum(
        level * np.sin(2 * np.pi * _hz(note) * ratio * t_s) * np.exp(-decay * t_s)
        for ratio, level, decay in partials
    )
    return wave * fade(t_s, 0.004, 0.2)


def _bells(mix: Mix) -> None:
    for start, notes, gain in ((CALM.start, BELLS_CALM, 0.028), (END.start, BELLS_END, 0.022)):
        for i, (beat, note) in enumerate(notes):
            at_s = start * BAR_S + beat * BEAT_S
            mix.add(_bell(note), at_s, gain=gain, pan=0.6 * (-1) ** i, send=0.8)


def _arpeggio(mix: Mix) -> None:
    """Add plucked sixteenths that grow louder and brighter through the build."""
    steps = len(BUILD) * 16
    for step in range(steps + len(WILD) * 16):
        bar, beat = BUILD.start + step // 16, step % 16
        growth = min(1.0, step / steps)
        chord = CHORDS[BARS[bar]][1]
        note = chord[(0, 1, 2, 3, 2, 1)[beat % 6]] + 12
        t_s = sample_times(0.3)
        pluck = _saw(_hz(note), t_s, 2.2 - 0.9 * growth) * np.exp(-(16 - 7 * growth) * t_s)
        gain = 0.01 + 0.07 * growth if bar in BUILD else 0.055
        pan = 0.7 * np.sin(step * 0.9)
        mix.add(
            pluck * fade(t_s, 0.002, 0.05), bar * BAR_S + beat / 8, gain=gain, pan=pan, send=0.3
        )


def _riser(mix: Mix, rng: np.random.Generator) -> None:
    """Add noise whose brightness and level rise into the wild part."""
    t_s = sample_times(2 * BAR_S)
    part = t_s / t_s[-1]
    noise = rng.standard_normal(len(t_s))
    bands = [filtered(noise, (f, 2 * f), "band") for f in (300, 600, 1200, 2400, 4800)]
    centre = 4.0 * part
    swept = sum(band * np.exp(-((centre - i) ** 2)) for i, band in enumerate(bands))
    at_s = (BUILD.stop - 2) * BAR_S
    mix.add(swept * part**2 * fade(t_s, 0.1, 0.02), at_s, gain=0.16, pan=0.0, send=0.4)
    crash = _noise(rng, 2.0, 3500)
    for bar in (WILD.start, WILD.start + 4, END.start):
        gain = 0.02 if bar == END.start else 0.12
        sound = crash * np.exp(-2.2 * sample_times(2.0))
        mix.add(sound, bar * BAR_S, gain=gain, pan=0.2, send=0.4)


def _bass(mix: Mix) -> None:
    for bar in WILD:
        root = CHORDS[BARS[bar]][0]
        for eighth in range(8):
            t_s = sample_times(BEAT_S / 2)
            note = root + (12 if eighth in (3, 6) else 0)
            wave = np.tanh(2.0 * _saw(_hz(note), t_s, 1.4)) * np.exp(-3.0 * t_s)
            at_s = bar * BAR_S + eighth * BEAT_S / 2
            mix.add(wave * fade(t_s, 0.004, 0.03), at_s, gain=0.2, pan=0.0, send=0.02)


def _lead(mix: Mix) -> None:
    for beat, beats, note in LEAD:
        t_s = sample_times(beats * BEAT_S)
        vibrato = note + 0.12 * np.clip(t_s - 0.15, 0, 0.3) / 0.3 * np.sin(2 * np.pi * 5.5 * t_s)
        phase = np.cumsum(_hz(vibrato)) / RATE_HZ
        voices = [
            sum(np.sin(2 * np.pi * k * phase * ratio) / k for k in range(1, 13))
            for ratio in (0.996, 1.0, 1.005)
        ]
        distorted = np.tanh(2.5 * sum(voices) / 3) * fade(t_s, 0.01, 0.06)
        at_s = WILD.start * BAR_S + beat * BEAT_S
        mix.add(distorted, at_s, gain=0.11, pan=-0.15, send=0.3)
        mix.add(distorted, at_s + 0.75 * BEAT_S, gain=0.03, pan=0.6, send=0.3)


def _drums(mix: Mix, rng: np.random.Generator) -> list[float]:
    """Add the drums; return the times of the kicks, s."""
    t_s = sample_times(0.35)
    sweep = np.cumsum(45 + 150 * np.exp(-35 * t_s)) / RATE_HZ
    kick = np.tanh(2 * np.sin(2 * np.pi * sweep) * np.exp(-9 * t_s)) * fade(t_s, 0.001, 0.05)
    snare = _noise(rng, 0.25, 1200) * np.exp(-16 * sample_times(0.25))
    snare += 1.2 * np.sin(2 * np.pi * 190 * sample_times(0.25)) * np.exp(-22 * sample_times(0.25))
    hat = _noise(rng, 0.06, 7500) * np.exp(-70 * sample_times(0.06))
    kicks: list[float] = []

    def hit(sound: Sound, bar: int, beat: float, *, gain: float, pan: float, send: float) -> None:
        mix.add(sound, bar * BAR_S + beat * BEAT_S, gain=gain, pan=pan, send=send)
        if sound is kick:
            kicks.append(bar * BAR_S + beat * BEAT_S)

    for bar in (*BUILD, *WILD):
        wild = bar in WILD
        level = 1.0 if wild else 0.15 + 0.15 * (bar - BUILD.start)
        if bar > BUILD.start:
            for beat in (0, 1, 2, 3) if wild or bar > BUILD.start + 1 else (0, 2):
                hit(kick, bar, beat, gain=0.55 * level, pan=0.0, send=0.03)
        for sixteenth in range(0, 16, 1 if wild else 2):
            accent = 1.0 if sixteenth % 4 == 2 else 0.55
            hit(hat, bar, sixteenth / 4, gain=0.12 * level * accent, pan=0.3, send=0.05)
        if wild:
            for beat in (1, 3):
                hit(snare, bar, beat, gain=0.28, pan=-0.1, send=0.25)
        if bar in (BUILD.stop - 1, WILD.stop - 1):  # a roll into the next part
            for i in range(16):
                hit(snare, bar, i / 4, gain=0.04 + 0.011 * i, pan=-0.1, send=0.25)
    return kicks


def _noise(rng: np.random.Generator, length_s: float, corner_hz: float) -> Sound:
    """Return noise above a frequency."""
    return filtered(rng.standard_normal(round(length_s * RATE_HZ)), corner_hz, "high")


def _duck(kicks: list[float], count: int) -> Sound:
    """Return a gain that dips at every kick (ducking), shape (count,)."""
    gain = np.ones(count)
    dip = 1.0 - 0.45 * np.exp(-sample_times(0.3) / 0.09)
    for at_s in kicks:
        if at_s >= WILD.start * BAR_S:
            start = round(at_s * RATE_HZ)
            gain[start : start + len(dip)] = dip
    return gain


def _room(rng: np.random.Generator) -> Sound:
    """Return the impulse response of a hall, shape (2, n)."""
    t_s = sample_times(2.4)
    tail = rng.standard_normal((2, len(t_s))) * np.exp(-3.0 * t_s) * np.clip(t_s / 0.02, 0, 1)
    tail = filtered(tail, 4500, "low", order=1)
    room: Sound = tail / np.sqrt(np.sum(tail**2, axis=1, keepdims=True))
    return room


def _reverb(wet: Sound, room: Sound) -> Sound:
    echoes: Sound = signal.fftconvolve(wet, room, axes=1)
    return echoes[:, : wet.shape[1]]


def write(path: Path, song: Sound) -> None:
    """Write the song as Ogg Opus, which PyAV's wheels write and read on every system."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libopus", rate=OPUS_HZ, layout="stereo")
        stream.bit_rate = 128_000
        resampler = av.AudioResampler("flt", "stereo", OPUS_HZ, frame_size=OPUS_HZ // 50)
        pcm = np.ascontiguousarray(song, dtype=np.float32)
        frame = av.AudioFrame.from_ndarray(pcm, "fltp", "stereo")
        frame.sample_rate = RATE_HZ
        frame.pts = 0
        for piece in (*resampler.resample(frame), *resampler.resample(None)):
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))


if __name__ == "__main__":
    main()
