"""Sounds made by hand, for the tests of hearing."""

from pathlib import Path

import av
import numpy as np

from vjnode.audio.sources.base import BLOCK, BLOCK_S, RATE_HZ, Block


def sine(hz: float, length_s: float, *, dbfs: float = -6.0, rate_hz: int = RATE_HZ) -> np.ndarray:
    """Mono sine with a peak of ``dbfs``."""
    t_s = np.arange(round(length_s * rate_hz)) / rate_hz
    return (10 ** (dbfs / 20) * np.sin(2 * np.pi * hz * t_s)).astype(np.float32)


def pink_noise(length_s: float, *, dbfs: float, seed: int = 0) -> np.ndarray:
    """Mono pink noise with an RMS of ``dbfs``."""
    rng = np.random.default_rng(seed)
    spectrum = np.fft.rfft(rng.standard_normal(round(length_s * RATE_HZ)))
    noise = np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 1)))
    return (noise * 10 ** (dbfs / 20) / np.sqrt(np.mean(noise**2))).astype(np.float32)


def clicks(times_s, length_s: float) -> np.ndarray:
    """Mono silence with short bursts of noise at the given times."""
    pcm = np.zeros(round(length_s * RATE_HZ), np.float32)
    burst = np.random.default_rng(1).uniform(-0.5, 0.5, 2000) * np.exp(-np.arange(2000) / 300)
    for t_s in times_s:
        start = round(t_s * RATE_HZ)
        pcm[start : start + 2000] = burst
    return pcm


def blocks(pcm: np.ndarray) -> list[Block]:
    """Cut mono or stereo samples into blocks; the rest is dropped."""
    stereo = pcm if pcm.ndim == 2 else np.repeat(pcm[:, None], 2, axis=1)
    return [
        Block(stereo[i * BLOCK : (i + 1) * BLOCK], (i + 1) * BLOCK_S, (i + 1) * BLOCK_S)
        for i in range(len(stereo) // BLOCK)
    ]


LAYOUTS = ("mono", "stereo", "2.1", "4.0", "5.0", "5.1", "6.1", "7.1")
"""FFmpeg's names for one to eight channels."""


def write_wav(path: Path, pcm: np.ndarray, *, rate_hz: int = RATE_HZ) -> Path:
    """Write samples, shape (n,) or (n, channels) with up to 8, as 32-bit float WAV."""
    pcm = np.asarray(pcm, np.float32)
    pcm = pcm[:, None] if pcm.ndim == 1 else pcm
    layout = LAYOUTS[pcm.shape[1] - 1]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_f32le", rate=rate_hz, layout=layout)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(pcm.reshape(1, -1)), "flt", layout)
        frame.sample_rate = rate_hz
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def peak(pcm: np.ndarray, *, rate_hz: int = RATE_HZ) -> tuple[float, float]:
    """Frequency, Hz, and level, dBFS of its peak, of the strongest sine in mono samples."""
    window = np.hanning(len(pcm))
    size = (
        1 << (4 * len(pcm)).bit_length()
    )  # interpolated: a sine between two lines is as strong as one on a line
    spectrum = np.abs(np.fft.rfft(pcm * window, size))
    at = int(np.argmax(spectrum))
    return at * rate_hz / size, float(20 * np.log10(2 * spectrum[at] / window.sum()))
