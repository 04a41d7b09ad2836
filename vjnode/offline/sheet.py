"""Contact sheets: all faces at rest, one face with all expressions, or random pictures."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from vjnode.engines.own_weights import WithOwnWeights
from vjnode.engines.registry import open_engine
from vjnode.errors import InputError, VjnodeError
from vjnode.faces.catalogue import expression_names, face_names
from vjnode.faces.own import TRUNCATION, random_codes
from vjnode.generators.latent import still
from vjnode.generators.spec import GeneratorSpec
from vjnode.paths import replace_file
from vjnode.render.base import Look
from vjnode.render.halves import HalfFaces
from vjnode.render.open import latents_of

COLUMNS, TILE_PX, LABEL_PX = 6, 256, 24
_GROUND, _INK = (24, 20, 20), (255, 255, 255)


def check_png(option: str, target: Path) -> None:
    """Refuse a name that is no PNG's.

    Raises:
        InputError: it does not end in .png.
    """
    if target.suffix.lower() != ".png":
        raise InputError(f"{option} {target} is not a name that ends in .png")


def draw_sheet(
    target: Path,
    spec: GeneratorSpec,
    face: str | None,
    *,
    photo: NDArray[np.uint8] | None = None,
) -> None:
    """Write a contact sheet. face: to show with all its expressions; None for all faces at rest.

    photo: (px, px, 3) RGB, that is shown before the face.

    Raises:
        InputError: the target is not a PNG, or there is no such face.
        VjnodeError: it cannot be written.
    """
    check_png("--sheet", target)
    if face is None:
        looks = [(name, Look(name, ("",)), 0.0) for name in face_names(spec)]
    else:
        each = [(name, Look(face, (name,)), 1.0) for name in expression_names(spec)]
        looks = [(face, Look(face, ("",)), 0.0), *each]
    engine = HalfFaces(WithOwnWeights(open_engine(_px(spec), spec=spec)))
    latents = latents_of(spec)
    try:
        tiles = [
            _labelled(engine.draw(latents(look, (weight,)))[..., 2::-1], name)
            for name, look, weight in looks
        ]
    finally:
        engine.close()
    if photo is not None:
        small = cv2.resize(photo, (TILE_PX, TILE_PX), interpolation=cv2.INTER_AREA)
        tiles.insert(0, _labelled(np.asarray(small[..., ::-1], np.uint8), "photo"))
    _write(target, tiles)


def draw_seeds(target: Path, spec: GeneratorSpec, seeds: Sequence[int]) -> None:
    """Write a contact sheet of random pictures, each labelled with its seed.

    Raises:
        InputError: the target is not a PNG.
        VjnodeError: it cannot be written.
    """
    check_png("--out", target)
    codes = random_codes(spec, seeds, TRUNCATION)
    engine = open_engine(_px(spec), spec=spec)
    try:
        tiles = [
            _labelled(engine.draw(still(np.tile(code, (spec.slots, 1))))[..., 2::-1], str(seed))
            for seed, code in zip(seeds, codes, strict=True)
        ]
    finally:
        engine.close()
    _write(target, tiles)


def _px(spec: GeneratorSpec) -> int:
    """Return the size that a generator draws tiles at, px."""
    return max((size for size in spec.sizes if size <= TILE_PX), default=min(spec.sizes))


def _write(target: Path, tiles: Sequence[NDArray[np.uint8]]) -> None:
    _, data = cv2.imencode(".png", _arranged(tiles))
    try:
        replace_file(target, data.tobytes())
    except OSError as error:
        raise VjnodeError(f"{target} cannot be written: {error.strerror}") from error


def _labelled(picture: NDArray[np.uint8], name: str) -> NDArray[np.uint8]:
    if len(picture) != TILE_PX:
        larger = cv2.resize(picture, (TILE_PX, TILE_PX), interpolation=cv2.INTER_CUBIC)
        picture = larger.astype(np.uint8)
    label = np.full((LABEL_PX, TILE_PX, 3), _GROUND, np.uint8)
    at, font = (6, LABEL_PX - 7), cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(label, name[:28], at, font, 0.5, _INK, 1, cv2.LINE_AA)
    return np.vstack([picture, label])


def _arranged(tiles: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    empty = np.full_like(tiles[0], _GROUND)
    filled = [*tiles, *[empty] * (-len(tiles) % COLUMNS)]
    rows = [np.hstack(filled[i : i + COLUMNS]) for i in range(0, len(filled), COLUMNS)]
    return np.vstack(rows)
