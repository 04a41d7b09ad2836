"""Measure what hearing makes of music that the encoder was not trained on.

    python tools/bench_hearing.py [--only silence,tracks,…] [--seconds 120] [--json FILE]

Everything is heard as in a live show: block by block, nothing of the future, sixty frames a second,
default settings. Loudness is measured by ffmpeg's own BS.1770 meter, not by ours.
"""

import argparse
import json
import os
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import NamedTuple

import av
import drums
import music
import numpy as np
from grooves import groove
from numpy.typing import NDArray
from scipy.ndimage import median_filter
from scipy.stats import spearmanr

from vjnode.audio.source import BLOCK, BLOCK_S, RATE_HZ, Block
from vjnode.drive.config import Response
from vjnode.drive.drive import Drive
from vjnode.drive.graph import LiveEncoder
from vjnode.drive.stream import Listener
from vjnode.drive.trained import load_trained
from vjnode.show.wiring import live_track

FPS = 60
USUAL_LUFS = -20.0
PASSAGE_S = 10.0
Sound = NDArray[np.float32]


class Row(NamedTuple):
    """One line of the table. better: ``<=`` or ``>=``, how the figure must stand to the limit."""

    what: str
    figure: float
    better: str
    limit: float

    @property
    def good(self) -> bool:
        """Whether the limit is kept."""
        return bool(self.figure <= self.limit if self.better == "<=" else self.figure >= self.limit)


@dataclass(frozen=True)
class Heard:
    """What a sound gave. t_s, weight: of each frame. drives: of each block."""

    t_s: NDArray[np.float64]
    weight: NDArray[np.float64]
    drives: list[Drive]

    def between(self, start_s: float, end_s: float) -> NDArray[np.float64]:
        """Weights of the frames in that stretch."""
        return self.weight[(self.t_s >= start_s) & (self.t_s < end_s)]


def hear(mono: Sound, *, agc: str = "on", response: Response | None = None) -> Heard:
    """Hear ``mono``, shape (n,), as a live show would."""
    listener, track, response = Listener(), live_track(), response or Response()
    listener.set_up(agc=agc)
    times, weights, drives = [], [], []
    frame = 0
    for i, pcm in enumerate(mono[: len(mono) // BLOCK * BLOCK].reshape(-1, BLOCK)):
        now_s = (i + 1) * BLOCK_S
        while frame / FPS < now_s:  # the frame is drawn before this block has been heard
            times.append(frame / FPS)
            weights.append(track.at(frame / FPS, response).weight)
            frame += 1
        drives.append(listener.hear(Block(np.repeat(pcm[:, None], 2, axis=1), now_s, now_s)))
        track.push(drives[-1])
    return Heard(np.array(times), np.array(weights), drives)


def silence() -> list[Row]:
    """Silence after loud noise, and noise that rises."""
    loud = pink_noise(3.0, dbfs=-12.0)
    after = hear(np.concatenate([loud, np.zeros(3 * RATE_HZ, np.float32)]))
    from_start = hear(np.zeros(2 * RATE_HZ, np.float32))
    rows = [
        Row("silence: weight after 0.5 s", float(after.between(3.5, 9.0).max()), "<=", 0.02),
        Row("silence from the start", float(from_start.weight.max()), "<=", 0.02),
    ]
    for length_s in (20.0, 60.0):
        noise = pink_noise(length_s, dbfs=0.0)
        level_db = np.linspace(-60.0, -6.0, len(noise))
        found = hear((noise * 10.0 ** (level_db / 20.0)).astype(np.float32))
        at_db = np.interp(found.t_s, np.arange(len(noise)) / RATE_HZ, level_db)
        ranks = spearmanr(found.weight, at_db).statistic
        rows.append(Row(f"pink noise −60…−6 dBFS, {length_s:.0f} s: rank corr.", ranks, ">=", 0.95))
    return rows


def tracks(held_out: list[music.Track], seconds: float) -> list[Row]:
    """How the weight follows the loudness of real tracks, and stands other levels."""
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(partial(_track, seconds=seconds), [t.path for t in held_out]))
    print(f"{'track':32}{'rank corr.':>11}{'spread':>9}{'−30 dB':>9}{'+10 dB':>9}{'peer':>9}")
    for track, row in zip(held_out, found, strict=True):
        print(f"{track.path.stem[:30]:32}" + "".join(f"{x:>9.3f}" for x in (*row[:1], *row[1:])))
    ranks, spread, soft, hot, _ = np.array(found).T
    return [
        Row("held-out tracks", len(found), ">=", 20),
        Row("rank corr. with loudness, 1 s: median", float(np.median(ranks)), ">=", 0.75),
        Row("rank corr. with loudness, 1 s: worst track", float(ranks.min()), ">=", 0.4),
        Row("5–95 percentile spread: median", float(np.median(spread)), ">=", 0.5),
        Row("5–95 percentile spread: worst track", float(spread.min()), ">=", 0.5),
        Row("−30 dB: correlation, median", float(np.median(soft)), ">=", 0.95),
        Row("−30 dB: correlation, worst track", float(soft.min()), ">=", 0.95),
        Row("+10 dB, limited: correlation, median", float(np.median(hot)), ">=", 0.95),
        Row("+10 dB, limited: correlation, worst track", float(hot.min()), ">=", 0.95),
    ]


def _track(path: Path, *, seconds: float) -> tuple[float, ...]:
    mono = music.mono(path)[: round(seconds * RATE_HZ)]
    plain = hear(mono)
    loudness = momentary(mono)
    count = min(int(plain.t_s[-1]), len(loudness) // 10)
    means = np.array([plain.between(i, i + 1).mean() for i in range(count)])
    # A momentary value covers the 0.4 s before it: these lie within the second.
    loud = np.array([loudness[i * 10 + 3 : i * 10 + 10].mean() for i in range(count)])
    low, high = np.percentile(plain.weight, (5, 95))
    others = [
        np.corrcoef(hear(other).between(10.0, 1e9), plain.between(10.0, 1e9))[0, 1]
        for other in (mono * np.float32(10**-1.5), np.clip(mono * np.float32(10**0.5), -1, 1))
    ]
    # What a level meter does with the softer copy: it sees it at the bottom of its range.
    level = _meter(plain.drives)
    rank = float(spearmanr(means, loud).statistic)
    return (
        rank,
        float(high - low),
        *map(float, others),
        float(np.ptp(np.percentile(level, (5, 95)))),
    )


def _meter(drives: list[Drive]) -> NDArray[np.float64]:
    """Return what a level meter shows, the peer: −60…0 dBFS as 0…1."""
    return np.clip(np.array([drive.rms_db for drive in drives]) / 60.0 + 1.0, 0.0, 1.0)


def density(held_out: list[music.Track], seconds: float) -> list[Row]:
    """Percussive passages against pads, all brought to the same loudness."""
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        parts = pool.map(partial(_passages, seconds=seconds), [t.path for t in held_out])
        passages = sorted((p for part in parts for p in part), key=lambda p: p[0])
        few = max(3, len(passages) // 8)
        ours, meter = [], []
        for group in (passages[:few], passages[-few:]):
            found = list(pool.map(_weigh, [sound for _, sound in group]))
            ours.append(np.array([w for w, _ in found]))
            meter.append(np.array([m for _, m in found]))
        synthetic = [
            list(pool.map(_weigh, [_at_usual_level(s) for s in sounds]))
            for sounds in (
                [drums.pad(PASSAGE_S, seed=i).astype(np.float32) for i in range(8)],
                [_dense(i) for i in range(8)],
            )
        ]
    made = [np.array([w for w, _ in group]) for group in synthetic]
    return [
        Row(f"{few}×{few} real passages: dense above pads", _above(*ours), ">=", 0.8),
        Row("  a level meter on the same", _above(*meter), "<=", 1.0),
        Row("8×8 made passages: dense above pads", _above(*made), ">=", 0.8),
    ]


def _above(calm: NDArray[np.float64], dense: NDArray[np.float64]) -> float:
    return float((dense[:, None] > calm).mean())


def _dense(seed: int) -> Sound:
    pattern = ("funk", "breaks", "rock", "house")[seed % 4]
    hits = drums.beat(pattern, 110.0 + 8 * seed, PASSAGE_S, loose_db=6.0)
    return drums.render(hits, PASSAGE_S, kit=seed)[0][: round(PASSAGE_S * RATE_HZ)]


def _passages(path: Path, *, seconds: float) -> list[tuple[float, Sound]]:
    """Passages of a track with how percussive they are, at the usual loudness.

    Percussive is what is steep along frequency and short in time (D. Fitzgerald, "Harmonic/
    percussive separation using median filtering", DAFx 2010).
    """
    mono = music.mono(path)[: round(seconds * RATE_HZ)]
    length = round(PASSAGE_S * RATE_HZ)
    found = []
    for start in range(0, len(mono) - length, length):
        sound = mono[start : start + length]
        if momentary(sound).max() < -45.0:
            continue
        frames = np.lib.stride_tricks.sliding_window_view(sound, 1024)[::512]
        spectrum = np.abs(np.fft.rfft(frames * np.hanning(1024), axis=1))[:, 1:256]
        along_time = median_filter(spectrum, (17, 1)) ** 2
        along_frequency = median_filter(spectrum, (1, 17)) ** 2
        mask = along_frequency / (along_time + along_frequency + 1e-12)
        part = float((mask * spectrum**2).sum() / (spectrum**2).sum())
        found.append((part, _at_usual_level(sound)))
    return found


def _at_usual_level(sound: Sound) -> Sound:
    """``sound`` brought to the usual loudness: the mean power of its momentary loudness."""
    loudness = 10.0 * np.log10(np.mean(10.0 ** (momentary(sound)[4:] / 10.0)))
    return (sound * 10.0 ** ((USUAL_LUFS - loudness) / 20.0)).astype(np.float32)


def _weigh(sound: Sound) -> tuple[float, float]:
    """Mean weight, and mean of a level meter, once the passage has begun."""
    found = hear(np.clip(sound, -1.0, 1.0))
    return float(found.between(1.5, 1e9).mean()), float(_meter(found.drives).mean())


def onsets() -> list[Row]:
    """Onsets of drum patterns, alone and over a pad."""
    rows = []
    for name, bed in (("drums", None), ("drums over a pad", True)):
        scores, delays = [], []
        for seed, pattern in enumerate(("house", "rock", "funk", "breaks", "trap")):
            hits = drums.beat(pattern, 90.0 + 17 * seed, 12.0, loose_db=6.0)
            pad = drums.pad(12.0, seed=seed) if bed else None
            sound, true_s = drums.render(hits, 12.0, kit=10 + seed, bed=pad)
            told_s, count = [], 0
            for drive in hear(sound).drives:
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
    """Tempo and phase of grooves after eight seconds, and after a step of tempo."""
    tempo, phase_ms = [], []
    names = ("rock", "four on the floor", "funk", "disco", "two step")
    for i, bpm in enumerate((70, 85, 96, 110, 124, 140, 155, 174, 180)):
        sound, beats_s = groove(names[i % len(names)], bpm, 16.0, seed=bpm)
        for drive in hear(sound).drives:
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
    for first, second in ((100, 128), (140, 90), (174, 120)):
        parts = [groove("rock", bpm, 14.0, seed=bpm)[0] for bpm in (first, second)]
        sound = np.concatenate(parts)
        right = [abs(d.beat.bpm / second - 1.0) <= 0.01 for d in hear(sound).drives]
        wrong = np.flatnonzero(~np.array(right))
        late.append((wrong[-1] + 1) * BLOCK_S - 14.0)
    rows.append(Row("beat, step of tempo followed after, worst s", max(late), "<=", 8.0))
    return rows


def smoothness() -> list[Row]:
    """Hold a chord, and hit a drum."""
    t_s = np.arange(12 * RATE_HZ) / RATE_HZ
    chord = sum(np.sin(2 * np.pi * hz * t_s) for hz in (220.0, 277.18, 329.63, 440.0))
    chord = np.asarray(chord * 0.08, np.float32)
    saws = drums.pad(12.0, seed=3).astype(np.float32)
    rows = []
    for name, sound in (("sines", chord), ("detuned saws", saws)):
        steps = np.abs(np.diff(hear(sound).between(2.0, 11.5)))
        rows.append(
            Row(
                f"held chord, {name}: change a frame, p99",
                float(np.percentile(steps, 99)),
                "<=",
                0.01,
            )
        )
    worst = 0.0
    for i, name in enumerate(("kick", "snare", "clap", "tom")):
        for start_s in (2.0, 2.0 + 1 / 180, 2.0 + 2 / 180):
            sound = 0.1 * chord[: 4 * RATE_HZ]
            hit = 0.7 * drums.drum(name, i).astype(np.float32)
            begin = round(start_s * RATE_HZ)
            sound[begin : begin + len(hit)] += hit[: len(sound) - begin]
            found = hear(sound)
            before = float(found.between(start_s - 0.1, start_s).mean())
            around = found.between(start_s, start_s + 0.5)
            times_s = found.t_s[(found.t_s >= start_s) & (found.t_s < start_s + 0.5)]
            risen = times_s[np.argmax(around >= before + 0.9 * (around.max() - before))]
            worst = max(worst, (risen - start_s) * 1e3)
    rows.append(Row("a hit: 90 % of the rise after, worst ms", worst, "<=", 50.0))
    return rows


def cost() -> list[Row]:
    """Processor time of everything that hears; the best of three, as the machine is shared."""
    hits = drums.beat("funk", 128.0, 30.0)
    mono, _ = drums.render(hits, 30.0, bed=drums.pad(30.0))
    pcm = mono[: len(mono) // BLOCK * BLOCK].reshape(-1, BLOCK, 1).repeat(2, axis=2)
    blocks = [Block(one, i * BLOCK_S, (i + 1) * BLOCK_S) for i, one in enumerate(pcm)]
    whole, alone = [], []
    for _ in range(3):
        listener = Listener()
        whole.append(_busy(lambda: [listener.hear(block) for block in blocks]))  # noqa: B023
        encoder = LiveEncoder(load_trained())
        frame = np.zeros(13, np.float32)
        alone.append(_busy(lambda: [encoder.step(frame) for _ in blocks[::2]]))  # noqa: B023
    length_s = len(blocks) * BLOCK_S
    return [
        Row("all hearing, part of one core", min(whole) / length_s, "<=", 0.10),
        Row("the encoder alone, part of one core", min(alone) / length_s, "<=", 0.03),
    ]


def _busy(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def pink_noise(length_s: float, *, dbfs: float, seed: int = 0) -> Sound:
    """Mono pink noise with an RMS of ``dbfs``."""
    rng = np.random.default_rng(seed)
    spectrum = np.fft.rfft(rng.standard_normal(round(length_s * RATE_HZ)))
    noise = np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 1)))
    return (noise * 10 ** (dbfs / 20) / np.sqrt(np.mean(noise**2))).astype(np.float32)


def momentary(mono: Sound) -> NDArray[np.float64]:
    """Momentary loudness (BS.1770, ffmpeg's ebur128), LUFS, every 100 ms of the 400 ms before."""
    graph = av.filter.Graph()
    source = graph.add_abuffer(sample_rate=RATE_HZ, format="fltp", layout="mono")
    meter = graph.add("ebur128", "metadata=1")
    sink = graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    tenth = RATE_HZ // 10
    found = []
    for start in range(0, len(mono) - tenth + 1, tenth):
        frame = av.AudioFrame.from_ndarray(mono[None, start : start + tenth].copy(), "fltp", "mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, start, Fraction(1, RATE_HZ)
        graph.push(frame)
        while True:
            try:
                found.append(float(graph.pull().metadata["lavfi.r128.M"]))
            except (av.error.BlockingIOError, av.error.EOFError):
                break
    return np.maximum(found, -70.0)


def main() -> None:
    """Measure what was asked for and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--music", type=Path, nargs="+", help="folders instead of Debian's music")
    parser.add_argument("--only", help="comma-separated parts")
    parser.add_argument("--seconds", type=float, default=120.0, help="of each track")
    parser.add_argument("--tracks", type=int, default=1000, help="at most so many")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    parts: dict[str, Callable[[], Iterable[Row]]] = {
        "silence": silence,
        "tracks": lambda: tracks(held_out(), options.seconds),
        "density": lambda: density(held_out(), options.seconds),
        "onsets": onsets,
        "beats": beats,
        "smoothness": smoothness,
        "cost": cost,
    }

    def held_out() -> list[music.Track]:
        every = music.tracks(options.music or [music.fetch(music.SONGS)])
        long = [t for t in every if t.held_out and t.duration_s >= music.LONG_S]
        return long[: options.tracks]

    rows: list[Row] = []
    for name in options.only.split(",") if options.only else parts:
        rows += parts[name]()
    print(f"\n{'':52}{'figure':>10}   asked")
    for row in rows:
        mark = "" if row.good else "   not reached"
        print(f"{row.what:52}{row.figure:>10.4g}   {row.better} {row.limit:g}{mark}")
    if options.json:
        options.json.write_text(
            json.dumps([{**row._asdict(), "good": row.good} for row in rows], default=float)
        )


if __name__ == "__main__":
    main()
