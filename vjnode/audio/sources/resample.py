"""Converter of any sound to the node's format: 44.1 kHz, stereo, finite, −1…1."""

from collections.abc import Sequence

import av
import numpy as np
from numpy.typing import NDArray

from vjnode.audio.mixdown import Mixdown
from vjnode.audio.samples import Fifo, scrub
from vjnode.audio.sources.base import BLOCK, RATE_HZ

_HALF = float(np.sqrt(0.5))
"""Weight of the centre and of the rear in each side, −3 dB (ITU-R BS.775)."""

_SIDES = {
    ("FL", "DL"): (1.0, 0.0),
    ("FR", "DR"): (0.0, 1.0),
    ("BL", "SL", "FLC", "WL", "TFL", "TBL"): (_HALF, 0.0),
    ("BR", "SR", "FRC", "WR", "TFR", "TBR"): (0.0, _HALF),
}
_WEIGHTS = {name: weights for names, weights in _SIDES.items() for name in names}


class Intake:
    """Converts sound of any rate, channels and chunk size to blocks without gaps.

    The same sound gives the same blocks, bit for bit, whatever chunks it arrives in: it is
    converted in pieces of fixed length. It is scrubbed before it is resampled, because one bad
    sample would otherwise spoil everything in the resampler's filter.

    More than two channels are mixed to stereo by fixed weights, so that the audible sound neither
    pumps nor clips; the gain for its analysis is kept beside it.

    Args:
        piece: frames of incoming sound that are converted at once. A short piece adds little
            delay, a long one costs less.
    """

    def __init__(self, piece: int = BLOCK) -> None:
        self._piece = piece
        self._format: tuple[int, tuple[str, ...]] | None = None
        self._rate_hz = RATE_HZ
        self._weights = downmix(("FL", "FR"))
        self._mixdown: Mixdown | None = None
        self._resampler: av.AudioResampler | None = None
        self._raw = Fifo()
        self._ready = Fifo()
        self._gains = Fifo(1)
        self._came = 0  # frames in this format
        self._made = 0  # frames that were made from them

    @property
    def waiting(self) -> int:
        """Number of frames that are ready to be taken."""
        return self._ready.waiting

    @property
    def behind_s(self) -> float:
        """Length of the sound, s, received after the last frame that was taken."""
        held = self._ready.waiting - self._made
        return self._came / self._rate_hz + held / RATE_HZ

    def push(self, pcm: NDArray[np.float32], rate_hz: int, channels: Sequence[str]) -> None:
        """Append the next chunk; a change of rate or channels causes no gap.

        pcm: shape (n, channels), float, any n, any values; copied. NaN counts as 0 and values
            over full scale are clipped.
        rate_hz: sample rate of this chunk; at least 1.
        channels: FFmpeg's names of the channels; see ``downmix``.
        """
        form = (rate_hz, tuple(channels))
        if form != self._format:
            self.finish()
            self._format, self._rate_hz = form, rate_hz
            self._weights = downmix(channels)
            self._mixdown = Mixdown(self._weights, rate_hz) if len(channels) > 2 else None
            self._raw = Fifo(len(form[1]))
            self._came = self._made = 0
        self._came += len(pcm)
        self._raw.put(np.array(pcm))
        while self._raw.waiting >= self._piece:
            self._convert(self._raw.take(self._piece))

    def finish(self) -> None:
        """Convert the rest that is still held, because the sound ends or another one follows."""
        if self._raw.waiting:
            self._convert(self._raw.take(self._piece))
        if self._resampler is not None:
            self._keep(self._resampler.resample(None))
            self._resampler = None
        self._format = None

    def take(self, count: int = BLOCK) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the next ``count`` frames, or as many as are ready, and their gain.

        Returns: the frames, shape (n, 2), float32, −1…1; the factor by which each is to be
            multiplied before it is analysed, shape (n,), float32, at least 1.
        """
        return self._ready.take(count), self._gains.take(count)[:, 0]

    def _convert(self, raw: NDArray[np.float32]) -> None:
        pcm = scrub(raw)
        if self._mixdown is None:
            pcm = np.ascontiguousarray(pcm @ self._weights)
        else:  # the gain is resampled as a third channel, so that it stays in step
            pcm = np.concatenate(self._mixdown.mix_plain(pcm), axis=1)
        if self._rate_hz == RATE_HZ:
            self._put(pcm)
            return
        layout = "stereo" if self._mixdown is None else "2.1"
        if self._resampler is None:
            self._resampler = av.AudioResampler("flt", layout, RATE_HZ)
        frame = av.AudioFrame.from_ndarray(pcm.reshape(1, -1), "flt", layout)
        frame.sample_rate = self._rate_hz
        self._keep(self._resampler.resample(frame))

    def _keep(self, frames: list[av.AudioFrame]) -> None:
        for frame in frames:
            pcm = np.asarray(frame.to_ndarray(), dtype=np.float32)
            self._put(pcm.reshape(-1, len(frame.layout.channels)))

    def _put(self, pcm: NDArray[np.float32]) -> None:
        """Append stereo sound, with its gain in a third column if it has one."""
        self._made += len(pcm)
        self._ready.put(np.clip(pcm[:, :2], -1.0, 1.0))  # the filter overshoots a little
        gain = np.maximum(pcm[:, 2:], 1.0) if pcm.shape[1] > 2 else np.ones((len(pcm), 1))
        self._gains.put(np.asarray(gain, dtype=np.float32))


def downmix(channels: Sequence[str]) -> NDArray[np.float32]:
    """Return the weight of each channel on the left and the right: shape (channels, 2), 0…1.

    The weights of a side add up to 1, so that nothing clips; a single channel is mixed to both
    sides at full level. No channel is left out, not even the one for low-frequency effects.

    channels: FFmpeg's names (FL, FR, FC, LFE, BL …). Of channels without such a name, the first
        two are left and right; the others count in the middle.
    """
    weights = np.array([_WEIGHTS.get(name, (_HALF, _HALF)) for name in channels], np.float32)
    if len(channels) > 1 and not any(name in _WEIGHTS for name in channels):
        weights[:2] = np.eye(2)
    weights[:, weights.sum(axis=0) == 0.0] = 1.0
    return np.asarray(weights / weights.sum(axis=0), dtype=np.float32)
