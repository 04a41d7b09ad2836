"""Render the README's pictures: a strip from rest to laughter, all faces, all expressions.

python -m tools.data.readme_pictures [--face NAME] [--expression NAME]
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from vjnode.engines.base import Engine
from vjnode.engines.registry import open_engine
from vjnode.faces.catalogue import expression_names, face_names
from vjnode.render.base import Look
from vjnode.render.open import codes

FOLDER = Path(__file__).parents[1] / "readme"
STRIP_WEIGHTS = (0.0, 1 / 3, 2 / 3, 1.0)
STRIP_PX, FACE_PX = 480, 200
_JPEG = [cv2.IMWRITE_JPEG_QUALITY, 88]


def drawn(engine: Engine, look: Look, weight: float, px: int) -> NDArray[np.uint8]:
    """Return a picture of ``px`` × ``px``, uint8 BGR."""
    picture = cv2.cvtColor(engine.draw(codes(look, weight)), cv2.COLOR_RGBA2BGR)
    return np.asarray(cv2.resize(picture, (px, px), interpolation=cv2.INTER_AREA), np.uint8)


def main() -> None:
    """Write strip.jpg, faces.jpg and expressions.jpg."""
    parser = argparse.ArgumentParser(description="Render the README's pictures.")
    parser.add_argument("--face", default="freya", choices=face_names())
    parser.add_argument("--expression", default="laugh", choices=expression_names())
    options = parser.parse_args()
    engine = open_engine(1024)
    look = Look(options.face, options.expression)
    strip = [drawn(engine, look, weight, STRIP_PX) for weight in STRIP_WEIGHTS]
    cv2.imwrite(str(FOLDER / "strip.jpg"), np.hstack(strip), _JPEG)

    def row(weight: float, expression: str) -> NDArray[np.uint8]:
        looks = [Look(face, expression) for face in face_names()]
        return np.hstack([drawn(engine, one, weight, FACE_PX) for one in looks])

    cv2.imwrite(str(FOLDER / "faces.jpg"), row(0.0, options.expression), _JPEG)
    rows = [row(0.85, expression) for expression in expression_names()]
    cv2.imwrite(str(FOLDER / "expressions.jpg"), np.vstack(rows), _JPEG)


if __name__ == "__main__":
    main()
