"""Measure the sound analysis on music that the encoder was not trained on.

    python -m tools.bench.hearing [--only silence,tracks,…] [--seconds 120] [--json FILE]
                                  [--music DIR …] [--tracks 1000] [--loud-seconds 300]
                                  [--made 8] [--paced-seconds 5]

The sound is analysed as in a live show: block by block, without future sound, sixty frames per
second, default settings. Loudness is measured by ffmpeg's own BS.1770 meter, not by vjnode's.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from tools.bench.heard import Row, Sound, hear_all
from tools.bench.hearing_on_loud_music import concert, loud, loud_tracks
from tools.bench.hearing_on_music import density, tracks
from tools.data import drums, music
from tools.data.grooves import groove
from vjnode.audio.sources.base import BLOCK, BLOCK_S, RATE_HZ, Block
from vjnode.modulation.encoder.live import LiveEncoder
from vjnode.modulation.encoder.weights import load_trained
from vjnode.modulation.listener import Listener

NOISE_DB = (-60.0, -6.0)
"""Levels of the rising noise, dBFS: at its beginning and at its end."""


def silence() -> list[Row]:
    """Return rows on silence after loud noise, and on rising noise."""
    loud = pink_noise(3.0, dbfs=-12.0)
    lengths_s = (20.0, 60.0)
    after, from_start, *rising = hear_all(
        [
            np.concatenate([loud, np.zeros(3 * RATE_HZ, np.float32)]),
            np.zeros(2 * RATE_HZ, np.float32),
            *map(rising_noise, lengths_s),
        ]
    )
    rows = [
        Row("silence: weight after 0.5 s", float(after.between(3.5, 9.0).max()), "<=", 0.02),
        Row("silence from the start", float(from_start.weight.max()), "<=", 0.02),
    ]
    for length_s, found in zip(lengths_s, rising, strict=True):
        at_db = np.interp(found.t_s, (0.0, length_s), NOISE_DB)
        ranks = spearmanr(found.weight, at_db).statistic
        rows.append(Row(f"pink noise −60…−6 dBFS, {length_s:.0f} s: rank corr.", ranks, ">=", 0.95))
    return rows


def onsets() -> list[Row]:
    """Return rows on onsets of drum patterns, alone and over a pad."""
    rows = []
    for name, bed in (("drums", None), ("drums over a pad", True)):
        sounds, strokes_s = [], []
        for seed, pattern in enumerate(("house", "rock", "funk", "breaks", "trap")):
            hits = drums.beat(pattern, 90.0 + 17 * seed, 12.0, loose_db=6.0)
            pad = drums.pad(12.0, seed=seed) if bed else None
            sound, true_s = drums.render(hits, 12.0, kit=10 + seed, bed=pad)
            sounds.append(sound)
            strokes_s.append(true_s)
        scores, delays = [], []
        for heard, true_s in zip(hear_all(sounds), strokes_s, strict=True):
            told_s, count = [], 0
            for drive in heard.drives:
                if drive.onsets > count:
                    told_s.append(drive.captured_s)
                    count = drive.onsets
            score = drums.f_measure(told_s, true_s)
            scores.append(score.f)
            delays.append(score.delays_s)
        delay_ms = np.concatenate(delays) * 1e3
        rows += [
            Row(f"onsets, {name}: F-measure at ±50 ms", float(np.mean(scores)), ">=", 0.95),
            Row(f"onsets, {name}: delay, median ms", float(np.median(delay_ms)), "<=", 16.0),
            Row(f"onsets, {name}: delay, p95 ms", float(np.percentile(delay_ms, 95)), "<=", 25.0),
        ]
    return rows


def beats() -> list[Row]:
    """Return rows on tempo and phase of grooves after eight seconds, and after a step of tempo."""
    tempo, phase_ms = [], []
    names = ("rock", "four on the floor", "funk", "disco", "two step")
    bpms = (70, 85, 96, 110, 124, 140, 155, 174, 180)
    steps = ((100, 128), (140, 90), (174, 120))
    grooves = [groove(names[i % len(names)], bpm, 16.0, seed=bpm) for i, bpm in enumerate(bpms)]
    stepping = [
        np.concatenate([groove("rock", bpm, 14.0, seed=bpm)[0] for bpm in step]) for step in steps
    ]
    heard = hear_all([*(sound for sound, _ in grooves), *stepping])
    for bpm, (_, beats_s), found in zip(bpms, grooves, heard[: len(bpms)], strict=True):
        for drive in found.drives:
            if 8.0 < drive.captured_s < beats_s[-1]:
                tempo.append(abs(drive.beat.bpm / bpm - 1.0))
                true = np.interp(drive.captured_s, beats_s, np.arange(len(beats_s)))
                error = (drive.beat.beats - true + 0.5) % 1.0 - 0.5
                phase_ms.append(abs(error) * 60_000.0 / bpm)
    rows = [
        Row("beat, 70–180 BPM after 8 s: tempo error, worst", max(tempo), "<=", 0.01),
        Row("beat, 70–180 BPM after 8 s: phase error, worst ms", max(phase_ms), "<=", 30.0),
    ]
    late = []
    for (_, second), found in zip(steps, heard[len(bpms) :], strict=True):
        right = [abs(d.beat.bpm / second - 1.0) <= 0.01 for d in found.drives]
        wrong = np.flatnonzero(~np.array(right))
        late.append((wrong[-1] + 1) * BLOCK_S - 14.0)
    rows.append(Row("beat, step of tempo followed after, worst s", max(late), "<=", 8.0))
    return rows


def smoothness() -> list[Row]:
    """Return rows on the weight during a held chord, and at the hit of a drum."""
    t_s = np.arange(12 * RATE_HZ) / RATE_HZ
    chord = sum(np.sin(2 * np.pi * hz * t_s) for hz in (220.0, 277.18, 329.63, 440.0))
    chord = np.asarray(chord * 0.08, np.float32)
    saws = drums.pad(12.0, seed=3).astype(np.float32)
    hits = [
        (start_s, _hit(chord, name, seed, start_s))
        for seed, name in enumerate(("kick", "snare", "clap", "tom"))
        for start_s in (2.0, 2.0 + 1 / 180, 2.0 + 2 / 180)
    ]
    sines, detuned, *struck = hear_all([chord, saws, *(sound for _, sound in hits)])
    rows = []
    for name, found in (("sines", sines), ("detuned saws", detuned)):
        steps = np.abs(np.diff(found.between(2.0, 11.5)))
        rows.append(
            Row(
                f"held chord, {name}: change a frame, p99",
                float(np.percentile(steps, 99)),
                "<=",
                0.008,
            )
        )
    worst = 0.0
    for (start_s, _), found in zip(hits, struck, strict=True):
        before = float(found.between(start_s - 0.1, start_s).mean())
        around = found.between(start_s, start_s + 0.5)
        times_s = found.t_s[(found.t_s >= start_s) & (found.t_s < start_s + 0.5)]
        risen = times_s[np.argmax(around >= before + 0.9 * (around.max() - before))]
        worst = max(worst, (risen - start_s) * 1e3)
    rows.append(Row("a hit: 90 % of the rise after, worst ms", worst, "<=", 50.0))
    return rows


def _hit(chord: Sound, name: str, seed: int, start_s: float) -> Sound:
    """Return a soft chord of 4 s with one stroke of a drum in it."""
    sound = 0.1 * chord[: 4 * RATE_HZ]
    hit = 0.7 * drums.drum(name, seed).astype(np.float32)
    begin = round(start_s * RATE_HZ)
    sound[begin : begin + len(hit)] += hit[: len(sound) - begin]
    return sound


def cost(paced_s: float) -> list[Row]:
    """Return rows on the processor time of the analysis; the best of three, as machines are shared.

    Its limits are in units of numpy's transforms of 1024 samples, timed alternately with it, so
    that they mean the same on fast and slow machines.

    paced_s: length of what is analysed in real time, s.
    """
    hits = drums.beat("funk", 128.0, 30.0)
    mono, _ = drums.render(hits, 30.0, bed=drums.pad(30.0))
    pcm = mono[: len(mono) // BLOCK * BLOCK].reshape(-1, BLOCK, 1).repeat(2, axis=2)
    blocks = [Block(one, i * BLOCK_S, (i + 1) * BLOCK_S) for i, one in enumerate(pcm)]
    whole, alone, transforms, paced = [], [], [], []
    due = blocks[: round(paced_s / BLOCK_S)]
    for _ in range(3):
        transforms.append(_busy(lambda: [np.fft.rfft(mono[:1024]) for _ in range(2000)]) / 2000)
        listener = Listener()
        whole.append(_busy(lambda: [listener.hear(block) for block in blocks]))  # noqa: B023
        encoder = LiveEncoder(load_trained())
        frame = np.zeros(13, np.float32)
        alone.append(_busy(lambda: [encoder.step(frame) for _ in blocks[::2]]))  # noqa: B023
        listener = Listener()
        paced.append(_busy(lambda: _in_real_time(listener, due)) / len(due))  # noqa: B023
    block, step = min(whole) / len(blocks), min(alone) / len(blocks[::2])
    print("part of one core")
    print(f"  all hearing, without pauses  {block / BLOCK_S:.3f}")
    print(f"  all hearing, in real time    {min(paced) / BLOCK_S:.3f}")
    print(f"  the encoder, without pauses  {step / (2 * BLOCK_S):.3f}")
    return [
        Row("hearing a block, in transforms of 1024", block / min(transforms), "<=", 100.0),
        Row("a step of the encoder, in the same", step / min(transforms), "<=", 40.0),
        Row("in real time / without pauses", min(paced) / block, "<=", 5.0),
    ]


def _in_real_time(listener: Listener, blocks: list[Block]) -> None:
    """Analyse each block when it is due, as a show does; meanwhile others use the caches."""
    began_s = time.monotonic()
    for i, block in enumerate(blocks):
        time.sleep(max(0.0, began_s + i * BLOCK_S - time.monotonic()))
        listener.hear(block)


def _busy(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def pink_noise(length_s: float, *, dbfs: float, seed: int = 0) -> Sound:
    """Return mono pink noise with an RMS of ``dbfs``."""
    rng = np.random.default_rng(seed)
    spectrum = np.fft.rfft(rng.standard_normal(round(length_s * RATE_HZ)))
    noise = np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 1)))
    scaled: Sound = (noise * 10 ** (dbfs / 20) / np.sqrt(np.mean(noise**2))).astype(np.float32)
    return scaled


def rising_noise(length_s: float) -> Sound:
    """Return mono pink noise whose level rises evenly, in dB, through ``NOISE_DB``."""
    noise = pink_noise(length_s, dbfs=0.0)
    level_db = np.linspace(*NOISE_DB, len(noise))
    return (noise * 10.0 ** (level_db / 20.0)).astype(np.float32)


def main() -> None:
    """Run the measurements asked for, print a table, and exit with 1 if a limit is missed."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench.hearing", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--music", type=Path, nargs="+", help="folders instead of Debian's music")
    parser.add_argument("--only", help="comma-separated parts")
    parser.add_argument("--seconds", type=float, default=120.0, help="of each track")
    parser.add_argument("--loud-seconds", type=float, default=300.0, help="of each loud track")
    parser.add_argument("--tracks", type=int, default=1000, help="at most so many")
    parser.add_argument("--made", type=int, default=8, help="passages of each kind that are made")
    parser.add_argument("--paced-seconds", type=float, default=5.0, help="heard in real time")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    parts: dict[str, Callable[[], Iterable[Row]]] = {
        "silence": silence,
        "tracks": lambda: tracks(held_out(), options.seconds),
        "density": lambda: density(held_out(), options.seconds, options.made),
        "loud": lambda: loud(loud_tracks()[: options.tracks], options.loud_seconds),
        "set": lambda: concert(loud_tracks()[: options.tracks], options.loud_seconds),
        "onsets": onsets,
        "beats": beats,
        "smoothness": smoothness,
        "cost": lambda: cost(options.paced_seconds),
    }

    def held_out() -> list[Path]:
        if not options.music:
            return music.held_out()[: options.tracks]
        every = music.tracks(options.music)
        long = [t.path for t in every if t.held_out and t.duration_s >= music.LONG_S]
        return long[: options.tracks]

    rows: list[Row] = []
    chosen = options.only.split(",") if options.only else list(parts)
    if unknown := [name for name in chosen if name not in parts]:
        parser.error(f"--only {unknown[0]!r} is no part; there are: {', '.join(parts)}")
    for name in chosen:
        rows += parts[name]()
    print(f"\n{'':52}{'figure':>10}   asked")
    for row in rows:
        mark = "" if row.good else "   not reached"
        print(f"{row.what:52}{row.figure:>10.4g}   {row.better} {row.limit:g}{mark}")
    if options.json:
        options.json.write_text(
            json.dumps([{**row._asdict(), "good": row.good} for row in rows], default=float)
        )
    if not all(row.good for row in rows):
        sys.exit(1)


if __name__ == "__main__":
    main()
