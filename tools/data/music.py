"""Real music for training and measuring, from Debian packages, split by track.

A track is either trained on or held out, never both. The choice depends on the names of all
available tracks; training records the ones that it held out, and a benchmark uses those
(``held_out``). Versions of one tune (``battle``, ``battle-epic``, ``frantic-old``) stay on the same
side.
"""

import json
import re
import shutil
import subprocess
import tempfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from vjnode.audio.mixdown import MONO, Mixdown
from vjnode.audio.sources.base import RATE_HZ
from vjnode.audio.sources.file import FileSource
from vjnode.errors import InputError
from vjnode.paths import cache_dir, shipped

SONGS = ("wesnoth-1.16-music", "freedroidrpg-data", "hedgewars-data", "lincity-ng-data")
"""Packages with whole tracks; 0.6 GB to fetch."""

PACKAGES = (*SONGS, "hydrogen-drumkits", "sonic-pi-samples")
SUFFIXES = {".ogg", ".flac", ".wav", ".mp3", ".m4a", ".opus", ".aiff"}
LONG_S = 60.0
"""Least length of the tracks that are used for measuring."""

HELD_OUT_LONG = 3
HELD_OUT_SHORT = 6
"""One short track in this many is held out."""

VOICES = ("en-gb", "en-us+f3", "de+m4", "fr+f2", "es+m2", "it+f4")


@dataclass(frozen=True)
class Track:
    """An audio file. held_out: whether it is excluded from training."""

    path: Path
    duration_s: float
    held_out: bool


def fetch(packages: Iterable[str] = PACKAGES) -> Path:
    """Fetch Debian packages into the cache and unpack their sound; nothing is installed.

    Returns: the folder with the music. Packages in it are not fetched again.

    Raises:
        SystemExit: this is not Debian, or a package cannot be fetched.
    """
    folder = cache_dir("music")
    for package in packages:
        target = folder / package
        if target.exists():
            continue
        if shutil.which("apt-get") is None:
            raise SystemExit(f"{package} is a Debian package; elsewhere name folders with --music")
        with tempfile.TemporaryDirectory(dir=folder) as work:
            download = ["apt-get", "download", "-q", package]
            if subprocess.run(download, cwd=work, check=False).returncode:  # noqa: S603
                # A new machine has no package lists yet.
                subprocess.run(["apt-get", "update", "-q"], check=False)  # noqa: S607
                if subprocess.run(download, cwd=work, check=False).returncode:  # noqa: S603
                    raise SystemExit(f"{package} cannot be fetched; name folders with --music")
            archive = next(Path(work).glob("*.deb"))
            unpacked = Path(work, "all")
            subprocess.run(["dpkg", "-x", archive, unpacked], check=True)  # noqa: S603, S607
            part = Path(work, "sound")
            for path in _sounds(unpacked):
                kept = part / path.relative_to(unpacked)
                kept.parent.mkdir(parents=True, exist_ok=True)
                path.replace(kept)
            (part / "VERSION").write_text(archive.stem + "\n")
            part.replace(target)
    return folder


def held_out() -> list[Path]:
    """Fetch and return the long tracks on which the shipped encoder was not trained.

    Raises:
        SystemExit: they cannot be fetched.
    """
    folder = fetch(SONGS)
    record = json.loads(shipped("encoder", "encoder.json").read_text())
    paths = [folder / name for name in record["long_tracks_held_out"]]
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        raise SystemExit(f"not in Debian's packages: {', '.join(missing)}")
    return paths


def versions(folder: Path) -> list[str]:
    """Return names and versions of the packages in ``folder``, as they were fetched."""
    return sorted(path.read_text().strip() for path in folder.glob("*/VERSION"))


def tracks(folders: Iterable[Path]) -> list[Track]:
    """Return all tracks under ``folders``, in an order that depends on their names only.

    Raises:
        SystemExit: there are none.
    """
    found = []
    for path in (path for folder in folders for path in _sounds(folder)):
        try:
            with av.open(str(path)) as container:
                duration_s = (container.duration or 0) / av.time_base
        except (av.error.FFmpegError, OSError):
            continue
        found.append((path, duration_s))
    if not found:
        raise SystemExit(f"no audio files in {', '.join(map(str, folders))}")
    found.sort(key=lambda track: (_group(track[0]), track[0].name))
    return _split(found)


def mono(path: Path) -> NDArray[np.float32]:
    """Return a whole track as in a show, shape (n,), float32, 44.1 kHz; empty if without sound."""
    try:
        source = FileSource(path, loop=False)
    except InputError:
        return np.zeros(0, np.float32)
    blocks = []
    mixdown = Mixdown(MONO, RATE_HZ)
    while block := source.read():
        mixed = mixdown.mix(block.pcm)[:, 0]
        blocks.append(
            mixed if block.mixdown_gain is None else np.clip(mixed * block.mixdown_gain, -1.0, 1.0)
        )
    source.close()
    return np.concatenate(blocks)


def speech(folder: Path, text: str) -> list[Path]:
    """Return files of ``text`` read by espeak-ng in several voices; none if it is missing."""
    if shutil.which("espeak-ng") is None:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for voice in VOICES:
        path = folder / f"speech-{voice}.wav"
        if not path.exists():
            command = ["espeak-ng", "-v", voice, "-w", str(path), text]
            subprocess.run(command, check=True)  # noqa: S603
        paths.append(path)
    return paths


def _sounds(folder: Path) -> Iterable[Path]:
    return (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)


def _split(found: list[tuple[Path, float]]) -> list[Track]:
    """Return the tracks; hold out one group of tunes in so many, separately by length class."""
    held: dict[tuple[bool, int], bool] = {}
    count = {True: 0, False: 0}
    out = []
    for path, duration_s in found:
        is_long = duration_s >= LONG_S
        group = _group(path)
        if (is_long, group) not in held:
            every = HELD_OUT_LONG if is_long else HELD_OUT_SHORT
            held[is_long, group] = count[is_long] % every == 0
            count[is_long] += 1
        out.append(Track(path, duration_s, held[is_long, group]))
    return out


def _group(path: Path) -> int:
    """Return a number for a tune, the same for all its versions, by the first word of its name."""
    word = re.match(r"[^\W\d_]*", path.stem.lower())
    return zlib.crc32((word.group() if word and word.group() else path.stem).encode())
