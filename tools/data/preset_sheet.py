"""Draw the presets that ship: a row for each, a column for each of some moments of a song.

    python -m tools.data.preset_sheet [--song FILE] [--moments S …] [--preset NAME …]
        [--out FILE.jpg]

Each picture is what a rendering of the song would show at that moment, the whole generator's. By
default it is the demo song, and the sheet in tools/readme.
"""

import argparse
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from vjnode.audio.sources.file import FileSource
from vjnode.control.presets import load_stock
from vjnode.control.state import Controls, Preset
from vjnode.engines.registry import open_engine
from vjnode.faces.catalogue import expression_names, face_names
from vjnode.generators.registry import DEFAULT
from vjnode.modulation.drive import Drive
from vjnode.modulation.interpolation import COUNT, INTERVAL_S
from vjnode.modulation.listener import Listener
from vjnode.modulation.weight_track import offline_track
from vjnode.paths import shipped
from vjnode.render.animation import Animation
from vjnode.render.frame_renderer import asked_look
from vjnode.render.halves import HalfFaces
from vjnode.render.open import latents_of

SHEET = Path(__file__).parents[1] / "readme" / "presets.jpg"
FPS = 60
PX, LABEL_PX, NAME_PX = 128, 24, 96
MOMENTS_S = (2.0, 9.3, 12.4, 13.05, 16.55, 20.05, 23.35, 26.8, 39.6)
"""Moments of the demo song: calm, rising, wild, the end."""

_GROUND, _INK = (20, 20, 24), (255, 255, 255)  # BGR


def heard(song: Path) -> list[Drive]:
    """Return all that is heard of a song, as every preset that ships has it heard."""
    listener = Listener()
    with closing(FileSource(song, loop=False)) as source:
        return [listener.hear(block) for block in iter(source.read, None)]


def postures(
    drives: Sequence[Drive], preset: Preset, moments_s: Sequence[float]
) -> list[tuple[float, ...]]:
    """Return the weights that a rendering draws at some moments, s, rising."""
    controls = preset.applied(Controls("", "", ""))
    track = offline_track(interval_s=INTERVAL_S, points=COUNT)
    animation, found, pushed = Animation(track), list[tuple[float, ...]](), 0
    for frame in range(round(moments_s[-1] * FPS) + 1):
        now_s = float(frame / FPS)
        while pushed < len(drives) and drives[pushed].captured_s <= now_s + track.ahead_s:
            track.push(drives[pushed])
            pushed += 1
        posture = animation.at(now_s, controls)
        if len(found) < len(moments_s) and now_s >= moments_s[len(found)] - 0.5 / FPS:
            found.append(posture.weights)
    return found


def sheet(song: Path, presets: Sequence[Preset], moments_s: Sequence[float]) -> NDArray[np.uint8]:
    """Return the pictures with names and times beside them, uint8 BGR."""
    drives = heard(song)
    engine, latents = HalfFaces(open_engine(256)), latents_of(DEFAULT)
    head = np.full((LABEL_PX, NAME_PX + PX * len(moments_s), 3), _GROUND, np.uint8)
    for column, moment_s in enumerate(moments_s):
        _write(head, f"{moment_s:.1f} s", (NAME_PX + PX * column + 6, LABEL_PX - 8))
    rows = [head]
    for preset in presets:
        look = asked_look(preset.applied(Controls("", "", "")))
        name = np.full((PX, NAME_PX, 3), _GROUND, np.uint8)
        _write(name, preset.name, (6, PX // 2))
        tiles = [name]
        for weights in postures(drives, preset, moments_s):
            picture = cv2.cvtColor(engine.draw(latents(look, weights)), cv2.COLOR_RGBA2BGR)
            small = cv2.resize(picture, (PX, PX), interpolation=cv2.INTER_AREA)
            tiles.append(np.asarray(small, np.uint8))
        rows.append(np.hstack(tiles))
    engine.close()
    return np.vstack(rows)


def _write(picture: NDArray[np.uint8], text: str, at: tuple[int, int]) -> None:
    cv2.putText(picture, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.5, _INK, 1, cv2.LINE_AA)


def main() -> None:
    """Write the sheet."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.data.preset_sheet", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--song", type=Path, default=shipped("demo", "demo.ogg"))
    parser.add_argument("--moments", type=float, nargs="+", default=MOMENTS_S, metavar="S")
    parser.add_argument("--out", type=Path, default=SHEET)
    parser.add_argument("--preset", nargs="+", default=[], metavar="NAME")
    options = parser.parse_args()
    presets = load_stock(face_names(), expression_names()).presets
    names = options.preset or [name for name in presets if shipped(f"{name}.toml").is_file()]
    picture = sheet(options.song, [presets[name] for name in names], options.moments)
    quality = [cv2.IMWRITE_JPEG_QUALITY, 85] if options.out.suffix == ".jpg" else []
    cv2.imwrite(str(options.out), picture, quality)


if __name__ == "__main__":
    main()
