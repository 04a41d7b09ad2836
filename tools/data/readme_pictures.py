"""Render the README's pictures: a strip from rest to laughter, all faces, all expressions.

    python -m tools.data.readme_pictures [--face NAME] [--expression NAME]

Writes them to tools/readme, and beside them a moving picture of the demo song's dance.
"""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vjnode.control.state import Controls
from vjnode.engines.base import Engine
from vjnode.engines.registry import open_engine
from vjnode.faces.catalogue import action_names, expression_names, face_names
from vjnode.generators.registry import DEFAULT
from vjnode.offline.render import Hearing, open_hearing
from vjnode.paths import shipped
from vjnode.render.base import Look
from vjnode.render.halves import HalfFaces
from vjnode.render.open import latents_of

FOLDER = Path(__file__).parents[1] / "readme"
STRIP_WEIGHTS = (0.0, 1 / 3, 2 / 3, 1.0)
STRIP_PX = 480
FACE_COLUMNS, FACE_PX, NAME_PX = 9, 200, 36
SHEET_FACES, SHEET_PX = 8, 128
MOVING_FPS, MOVING_PX, CURVE_PX = 20, 360, 60
MOVING_FROM_S, MOVING_S = 8.8, 6.0
"""Passage of the demo song that the moving picture shows, s: from calm into the dance."""
_GROUND, _LINE = (24, 20, 20), (120, 190, 255)  # RGB
LATENTS = latents_of(DEFAULT)
_JPEG = [cv2.IMWRITE_JPEG_QUALITY, 88]


def drawn(engine: Engine, look: Look, weight: float, px: int) -> NDArray[np.uint8]:
    """Return a picture of ``px`` × ``px``, uint8 BGR."""
    picture = cv2.cvtColor(engine.draw(LATENTS(look, (weight,))), cv2.COLOR_RGBA2BGR)
    return np.asarray(cv2.resize(picture, (px, px), interpolation=cv2.INTER_AREA), np.uint8)


def sheet(engine: Engine, expressions: Sequence[str]) -> NDArray[np.uint8]:
    """Return a row for each expression at weight 1, on faces that ship, uint8 BGR."""
    rows = []
    for expression in ("", *expressions):
        looks = [Look(face, (expression,)) for face in face_names()[:SHEET_FACES]]
        label = np.full((SHEET_PX, SHEET_PX, 3), _GROUND[::-1], np.uint8)
        at, font = (6, SHEET_PX // 2), cv2.FONT_HERSHEY_SIMPLEX
        cv2.putText(label, expression or "at rest", at, font, 0.5, (255, 255, 255), 1, cv2.LINE_AA)
        rows.append(np.hstack([label, *(drawn(engine, one, 1.0, SHEET_PX) for one in looks)]))
    return np.vstack(rows)


def all_faces(engine: Engine) -> NDArray[np.uint8]:
    """Return every face at rest above its name, in rows of which the last is centred, uint8 BGR."""
    tiles = []
    for name in face_names():
        label = np.full((NAME_PX, FACE_PX, 3), _GROUND[::-1], np.uint8)
        (width, _), _ = cv2.getTextSize(name, cv2.FONT_HERSHEY_SIMPLEX, 0.8, 1)
        at = ((FACE_PX - width) // 2, NAME_PX - 11)
        cv2.putText(label, name, at, cv2.FONT_HERSHEY_SIMPLEX, 0.8, (255, 255, 255), 1, cv2.LINE_AA)
        tiles.append(np.vstack([drawn(engine, Look(name, ("",)), 0.0, FACE_PX), label]))
    rows = []
    for at_tile in range(0, len(tiles), FACE_COLUMNS):
        row = np.hstack(tiles[at_tile : at_tile + FACE_COLUMNS])
        spare = FACE_COLUMNS * FACE_PX - row.shape[1]
        edges = (0, 0, spare // 2, spare - spare // 2)
        rows.append(cv2.copyMakeBorder(row, *edges, cv2.BORDER_CONSTANT, value=(*_GROUND[::-1], 0)))
    return np.vstack(rows)


def demo_weights(look: Look) -> list[float]:
    """Return the weight of each frame of the passage, heard as a live show hears it, 0…1."""
    controls = Controls("", look.face, look.expression)
    hearing = open_hearing(shipped("demo", "demo.ogg"), controls, interval_s=0.0)
    with closing(hearing.source):
        return list(_weights(hearing, controls))


def _weights(hearing: Hearing, controls: Controls) -> Iterator[float]:
    for _, now_s in hearing.frames(Fraction(MOVING_FPS)):
        hearing.tap.read()
        weight = hearing.track.at(now_s, controls.response()).weight
        if now_s >= MOVING_FROM_S + MOVING_S:
            return
        if now_s >= MOVING_FROM_S:
            yield weight


def moving(engine: Engine, look: Look) -> list[Image.Image]:
    """Return the face in the passage of the demo song, above the curve of its weight."""
    weights = demo_weights(look)
    x = np.linspace(0, MOVING_PX - 1, len(weights))
    margin = CURVE_PX // 6
    y = MOVING_PX + CURVE_PX - margin - np.array(weights) * (CURVE_PX - 2 * margin)
    points = np.round(np.stack([x, y], 1) * 16).astype(np.int32)
    frames = []
    for number, weight in enumerate(weights):
        frame = np.full((MOVING_PX + CURVE_PX, MOVING_PX, 3), _GROUND, np.uint8)
        frame[:MOVING_PX] = drawn(engine, look, weight, MOVING_PX)[..., ::-1]
        past = [points[: number + 1].reshape(-1, 1, 2)]
        cv2.polylines(frame, past, False, _LINE, 2, cv2.LINE_AA, shift=4)
        end = (int(points[number, 0]), int(points[number, 1]))
        cv2.circle(frame, end, 4 * 16, (255, 255, 255), -1, cv2.LINE_AA, shift=4)
        frames.append(Image.fromarray(frame))
    return frames


def main() -> None:
    """Write strip.jpg, faces.jpg, expressions.jpg, actions.jpg and demo.webp."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.data.readme_pictures", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--face", default="aster", choices=face_names())
    parser.add_argument("--expression", default="laugh", choices=expression_names())
    options = parser.parse_args()
    engine = HalfFaces(open_engine(1024))
    look = Look(options.face, (options.expression,))
    strip = [drawn(engine, look, weight, STRIP_PX) for weight in STRIP_WEIGHTS]
    cv2.imwrite(str(FOLDER / "strip.jpg"), np.hstack(strip), _JPEG)
    cv2.imwrite(str(FOLDER / "faces.jpg"), all_faces(engine), _JPEG)
    actions = action_names()
    sums = [name for name in expression_names() if name not in actions]
    for name, rows in (("expressions", sums), ("actions", actions)):
        cv2.imwrite(str(FOLDER / f"{name}.jpg"), sheet(engine, rows), _JPEG)
    first, *others = moving(engine, look)
    first.save(
        FOLDER / "demo.webp",
        save_all=True,
        append_images=others,
        duration=round(1000 / MOVING_FPS),
        loop=0,
        quality=60,
        method=4,
    )


if __name__ == "__main__":
    main()
