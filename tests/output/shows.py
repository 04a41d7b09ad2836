"""Frames and sound to feed outputs with."""

from dataclasses import replace

import numpy as np

from vjnode.audio.sources.base import RATE_HZ
from vjnode.modulation.moment import Moment
from vjnode.output.base import Frame, FrameInfo

INFO = FrameInfo(
    frame=0,
    moment=Moment(
        rms_db=-18.5,
        agc_db=4.5,
        onsets=3,
        low=0.5,
        mid=0.25,
        high=0.125,
        bpm=120.0,
        beat=0.75,
        bar=0.5,
        weights=(0.25, 0.0, 0.0, 0.0),
    ),
    gain=1.0,
    face="ada",
    expressions=("laugh", "", "", ""),
    preset="calm",
    engine="openvino f32",
    keys=17,
    keys_wanted=64,
)


def hearing(info, **values):
    """Return ``info`` with other values in its moment."""
    return replace(info, moment=replace(info.moment, **values))


def flat(rgb, size=64):
    """A frame of one colour, in memory that an output must not write to."""
    pixels = np.empty((size, size, 4), np.uint8)
    pixels[...] = (*rgb, 255)
    pixels.flags.writeable = False
    return Frame(pixels, INFO)


def noise(seed, size=256):
    pixels = np.random.default_rng(seed).integers(0, 256, (size, size, 4), np.uint8)
    pixels[..., 3] = 255
    return Frame(pixels, INFO)


class Tap:
    """A tap that the test fills."""

    def __init__(self):
        self.samples = np.zeros((0, 2), np.float32)
        self.heard_s = 0.0

    def hear(self, samples, heard_s):
        self.samples = np.concatenate([self.samples, samples])
        self.heard_s = heard_s

    def read(self):
        samples, self.samples = self.samples, self.samples[:0]
        return samples, self.heard_s


def tone(seconds, start_s=0.0, hz=440.0, level=0.5):
    """A tone whose phase is that of its time, shape (n, 2), float32."""
    t = start_s + np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return np.repeat((level * np.sin(2 * np.pi * hz * t)).astype(np.float32)[:, None], 2, axis=1)
