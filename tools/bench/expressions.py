"""Measure expressions on faces that no finder has seen: movement, person, colours, pose.

    python -m tools.bench.expressions [NAME …] [--faces N]

Prints a table: the part of the wanted movement that is reached at weight 1; the distance of dlib's
embeddings to the face at rest, mean and largest (0.6 is another person); mean changes of colour of
hair, skin and background, ΔE; PSNR of what is outside the face; drift of the head, degrees; and the
part of faces on which the movement rises at every quarter of the weight. Drawn by the whole
generator at 256 px, measured by the face mesh, and by dlib with landmarks of its own.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from tools.faces.find_expressions import dlib_file
from vjnode.engines.openvino.engine import OpenVinoEngine
from vjnode.faces.catalogue import expression_names, load_expression
from vjnode.faces.expression import Expression, Face, latent_of
from vjnode.faces.finding.actions import ACTIONS
from vjnode.faces.finding.measures import MEASURES, SPREAD, gaze, measure
from vjnode.faces.finding.open import TRUNCATION, random_codes
from vjnode.faces.finding.regions import OVAL, colour_regions
from vjnode.faces.landmarks import LandmarkMeter
from vjnode.generators.mobilestylegan.download import generator_weights
from vjnode.generators.mobilestylegan.model import load
from vjnode.generators.registry import DEFAULT

PX, SEED = 256, 31337
SHAPES = "shape_predictor_68_face_landmarks.dat"
QUARTERS = (0.25, 0.5, 0.75, 1.0)
POSE = ("yaw", "pitch", "roll")
_SPREAD = np.array(list(SPREAD.values()))

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Look:
    """A picture of a face, measured. lab: its colours, (PX, PX, 3)."""

    picture: Picture
    points: NDArray[np.float32]
    measures: NDArray[np.float64]
    lab: NDArray[np.float32]


@dataclass(frozen=True)
class Change:
    """Change of one face by an expression at weight 1; see the table's columns.

    movement: at each of ``QUARTERS``.
    """

    movement: tuple[float, ...]
    person: float
    hair: float
    skin: float
    background: float
    outside_db: float
    drift: tuple[float, ...]

    @property
    def rises(self) -> bool:
        """Return whether the movement is larger at every quarter than at the one before."""
        return bool((np.diff([0.0, *self.movement]) > 0).all())


class Examiner:
    """Draws and measures faces with expressions."""

    def __init__(self, models: Path) -> None:
        import dlib  # type: ignore[import-untyped]  # noqa: PLC0415

        self._engine, self._meter = OpenVinoEngine(DEFAULT, PX), LandmarkMeter()
        self._shapes = dlib.shape_predictor(str(models.parent / SHAPES))
        self._network = dlib.face_recognition_model_v1(str(models))
        self._rectangle = dlib.rectangle

    def look(self, face: Face, expression: Expression, weight: float) -> Look:
        """Return a face with an expression at a weight."""
        picture = self._engine.draw(latent_of(face, expression, weight))[..., :3].copy()
        points = self._meter.measure(picture).points
        found = torch.from_numpy(points)
        whole = torch.from_numpy(picture.astype(np.float32) / 255).permute(2, 0, 1)[None]
        measures = torch.cat((measure(found), gaze(whole, found))).double().numpy()
        lab = cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
        return Look(picture, points, measures, np.asarray(lab, np.float32))

    def embed(self, look: Look) -> NDArray[np.float64]:
        """Return dlib's embedding of a face, (128,)."""
        oval = look.points[list(OVAL), :2] * PX
        (left, top), (right, bottom) = oval.min(0), oval.max(0)
        top += 0.22 * (bottom - top)  # dlib's boxes begin at the brows
        box = self._rectangle(int(left), int(top), int(right), int(bottom))
        shape = self._shapes(look.picture, box)
        return np.array(self._network.compute_face_descriptor(look.picture, shape))

    def compare(self, face: Face, expression: Expression) -> Change:
        """Return the change of a face by an expression."""
        rest, *quarters = (self.look(face, expression, one) for one in (0.0, *QUARTERS))
        full, way = quarters[-1], wanted(expression)
        movement = [float((one.measures - rest.measures) / _SPREAD @ way) for one in quarters]
        regions = colour_regions(rest.points, PX)
        after = colour_regions(full.points, PX)
        outside = (rest.picture.astype(float) - full.picture)[~regions["face"]]
        places = [MEASURES.index(name) for name in POSE]
        return Change(
            movement=tuple(movement),
            person=float(np.linalg.norm(self.embed(rest) - self.embed(full))),
            hair=_difference(rest.lab, full.lab, regions["hair"], regions["hair"]),
            skin=_difference(rest.lab, full.lab, regions["skin"], after["skin"]),
            background=_difference(
                rest.lab, full.lab, regions["background"], regions["background"]
            ),
            outside_db=float(10 * np.log10(255**2 / max(float(np.mean(outside**2)), 1e-9))),
            drift=tuple(abs(full.measures[places] - rest.measures[places]).tolist()),
        )


def wanted(expression: Expression) -> NDArray[np.float64]:
    """Return what a movement's parts are added up with, so that the wanted one is 1.

    Returns: (len(MEASURES),), for changes in ``SPREAD``.
    """
    target = np.zeros(len(MEASURES))
    for part in expression.parts:
        action = ACTIONS[part.movement.name]
        for name, change in action.targets.items():
            target[MEASURES.index(name)] += part.amounts[-1] * action.scale * change / SPREAD[name]
    return target / (target @ target)


def _difference(
    before: NDArray[np.float32],
    after: NDArray[np.float32],
    here: NDArray[np.bool_],
    there: NDArray[np.bool_],
) -> float:
    """Return the distance of mean colours, ΔE; no number where a region is empty."""
    if not (here.any() and there.any()):
        return float("nan")
    return float(np.linalg.norm(before[here].mean(0) - after[there].mean(0)))


def table(changes: dict[str, list[Change]]) -> str:
    """Return the results in Markdown."""
    rows = [
        "| expression | movement | id mean (max) | hair | skin | bg | PSNR outside | "
        "yaw / pitch / roll | rises |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, each in changes.items():
        person = [one.person for one in each]
        colours = np.nanmean([(one.hair, one.skin, one.background) for one in each], 0)
        drift = np.mean([one.drift for one in each], 0)
        rows.append(
            f"| `{name}` | {np.mean([one.movement[-1] for one in each]):.2f} "
            f"| {np.mean(person):.2f} ({np.max(person):.2f}) | "
            + " | ".join(f"{value:.1f}" for value in colours)
            + f" | {np.mean([one.outside_db for one in each]):.1f} | "
            + " / ".join(f"{value:.1f}" for value in drift)
            + f" | {100 * np.mean([one.rises for one in each]):.0f} % |"
        )
    return "\n".join(rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench.expressions", description=__doc__.splitlines()[0]
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: all expressions")
    parser.add_argument("--faces", type=int, default=50)
    parser.add_argument("--dlib", type=Path, help="folder of dlib's networks")
    options = parser.parse_args(arguments)
    examiner = Examiner(dlib_file(options.dlib))
    mapping, _ = load(generator_weights())
    codes = random_codes(mapping, SEED, options.faces, TRUNCATION).numpy()
    faces = [Face("", "", np.tile(code, (DEFAULT.slots, 1))) for code in codes]
    names = options.names or expression_names()
    changes: dict[str, list[Change]] = {}
    for name in tqdm(names, unit="expression"):
        expression = load_expression(name)
        changes[name] = [examiner.compare(face, expression) for face in faces]
    print(f"{options.faces} faces, truncation {TRUNCATION:g}, seed {SEED}, {PX} px\n")
    print(table(changes))


if __name__ == "__main__":
    main()
