"""Contact sheet: a picture of all faces at rest, or of one face with all expressions."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from vjnode.engines.registry import open_engine
from vjnode.errors import InputError, VjnodeError
from vjnode.faces.catalogue import expression_names, face_names
from vjnode.generators.spec import GeneratorSpec
from vjnode.paths import replace_file
from vjnode.render.base import Look
from vjnode.render.halves import HalfFaces
from vjnode.render.open import latents_of

COLUMNS, TILE_PX, LABEL_PX = 6, 256, 24
_GROUND, _INK = (24, 20, 20), (255, 255, 255)


def draw_sheet(target: Path, spec: GeneratorSpec, face: str | None) -> None:
    """Write a contact sheet. face: to show with all its expressions; None for all faces at rest.

    Raises:
        InputError: the target is not a PNG, or there is no such face.
        VjnodeError: it cannot be written.
    """
    if target.suffix.lower() != ".png":
        raise InputError(f"--sheet {target} is not a name that ends in .png")
    if face is None:
        looks = [(name, Look(name, ("",)), 0.0) for name in face_names(spec)]
    else:
        each = [(name, Look(face, (name,)), 1.0) for name in expression_names(spec)]
        looks = [(face, Look(face, ("",)), 0.0), *each]
    engine, latents = HalfFaces(open_engine(TILE_PX, spec=spec)), latents_of(spec)
    try:
        tiles = [
            _labelled(engine.draw(latents(look, (weight,)))[..., 2::-1], name)
            for name, look, weight in looks
        ]
    finally:
        engine.close()
    _, data = cv2.imencode(".png", _arranged(tiles))
    try:
        replace_file(target, data.tobytes())
    except OSError as error:
        raise VjnodeError(f"{target} cannot be written: {error.strerror}") from error


def _labelled(picture: NDArray[np.uint8], name: str) -> NDArray[np.uint8]:
    label = np.full((LABEL_PX, TILE_PX, 3), _GROUND, np.uint8)
    at, font = (6, LABEL_PX - 7), cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(label, name[:28], at, font, 0.5, _INK, 1, cv2.LINE_AA)
    return np.vstack([picture, label])


def _arranged(tiles: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    empty = np.full_like(tiles[0], _GROUND)
    filled = [*tiles, *[empty] * (-len(tiles) % COLUMNS)]
    rows = [np.hstack(filled[i : i + COLUMNS]) for i in range(0, len(filled), COLUMNS)]
    return np.vstack(rows)
