"""The grammar of ``--audio``: kinds of sources, and a choice of their channels."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vjnode.errors import InputError

SPECS = "demo, file:PATH, device, device:NAME or tone"

CHANNELS_USAGE = "behind a file or device, after a comma: channels=3-4, or one: channels=3"

STEREO = ("FL", "FR")
"""Names of the channels of ordinary stereo."""

_CHANNELS = re.compile(r"^(.*),channels=([^,]*)$", re.DOTALL)
_RANGE = re.compile(r"(\d{1,4})(?:-(\d{1,4}))?")


@dataclass(frozen=True)
class Channels:
    """A range of neighbouring channels, counted from 1, as their sockets are labelled."""

    first: int
    last: int

    def __str__(self) -> str:
        """Return the range as it is written in ``--audio``."""
        return f"channels={self.first}" + (f"-{self.last}" if self.last > self.first else "")

    def missing_in(self, count: int) -> str:
        """Return why a device or file of ``count`` channels lacks the range; empty if it has it."""
        if self.last <= count:
            return ""
        there = "1 channel" if count == 1 else f"{count} channels"
        use = "channels=1" if count == 1 else f"channels=1 to channels={count}"
        return f"{self} is not there, it has {there}; use {use}, or a pair such as channels=1-2"

    def pick(
        self, pcm: NDArray[np.float32], names: Sequence[str]
    ) -> tuple[NDArray[np.float32], tuple[str, ...]]:
        """Return these channels alone, and their new names.

        A pair becomes left and right, whatever its names were; a stream that now has too few
        channels keeps all of them.

        pcm: shape (n, channels). names: FFmpeg's names of its channels.
        """
        if self.last > len(names):
            return pcm, tuple(names)
        part = slice(self.first - 1, self.last)
        picked = tuple(names[part])
        return pcm[:, part], STEREO if len(picked) == len(STEREO) else picked


@dataclass(frozen=True)
class AudioSpec:
    """A source as ``--audio`` asks for it.

    kind: ``demo``, ``tone``, ``file`` or ``device``.
    name: path of the file, or name of the device; empty for the default device.
    channels: channels to use; None: the default of that kind of source.
    """

    kind: str
    name: str = ""
    channels: Channels | None = None


def kind_of(spec: str) -> str:
    """Return the kind of source that ``spec`` begins with; it need not be a valid one."""
    return spec.partition(":")[0].split(",")[0]


def parse_audio(spec: str) -> AudioSpec:
    """Return the parsed ``spec``. Nothing is opened.

    Raises:
        InputError: there is no such kind of source, or its channels are not valid.
    """
    kind, colon, name = spec.partition(":")
    channels = None
    if kind_of(spec) in ("file", "device") and not _names_a_file(kind, name):
        found = _CHANNELS.match(spec)
        if found is not None:
            kind, colon, name = found[1].partition(":")
            channels = _parse_channels(found[2])
    plain = kind in ("demo", "tone") and not colon
    if plain or (kind == "file" and name) or kind == "device":
        return AudioSpec(kind, name, channels)
    raise InputError(f"there is no sound source {spec!r}; use {SPECS} ({CHANNELS_USAGE})")


def _names_a_file(kind: str, name: str) -> bool:
    """Return whether a file has this name, including what looks like a choice of channels."""
    return kind == "file" and Path(name).expanduser().is_file()


def _parse_channels(text: str) -> Channels:
    found = _RANGE.fullmatch(text)
    if found is not None:
        first = int(found[1])
        last = int(found[2] or first)
        if 1 <= first <= last:
            return Channels(first, last)
    raise InputError(
        f"channels={text} are no channels; they are counted from 1: channels=3, or channels=3-4"
    )
