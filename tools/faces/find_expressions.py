"""Find expressions: directions of movement, from measured differences of random faces.

    python -m tools.faces.find_expressions [--only NAME] [--strips FOLDER] [--samples FILE]

Random faces are drawn and measured, and each movement's direction is computed from them
(vjnode.faces.atlas). The slots of W+ that it uses are those that change its targets most with the
least change of the person and the surroundings. Curves over the weight are calibrated on the
shipped faces. The defaults reproduce the files in presets/expressions.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save
from tqdm import tqdm

from vjnode.engines.registry import open_engine
from vjnode.faces.atlas import Atlas, proportions
from vjnode.faces.catalogue import face_names, load_face
from vjnode.faces.expression import Expression, Face, Part, fuse
from vjnode.faces.landmarks import LandmarkMeter, Landmarks
from vjnode.faces.sampling import PX, sample
from vjnode.generators.latent import still
from vjnode.generators.registry import DEFAULT
from vjnode.paths import replace_file, shipped

SEED, COUNT, TRUNCATION = 1, 2000, 0.7
WEIGHTS = tuple(float(weight) for weight in np.linspace(0, 1, 9))
SLOT_SETS = (
    (0, 1, 2),
    (1, 2, 4),
    (2, 4, 5),
    (4, 5),
    (4, 5, 7),
    (4, 5, 7, 8),
    (7, 8),
    (4, 5, 7, 8, 10, 11),
    (7, 8, 10, 11),
    (10, 11, 13, 14),
    (13, 14, 16, 17, 19, 20, 21),
)


@dataclass(frozen=True)
class Movement:
    """Specification of one part of an expression.

    targets: by measure, in standard deviations over random faces. full: multiple of these at
    weight 1. power: exponent of its curve; below 1 it comes early, above 1 late. free: measures
    that may change along with it.
    """

    name: str
    targets: dict[str, float]
    full: float
    power: float = 1.0
    free: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wanted:
    """Specification of an expression to find.

    extreme: opening of the mouth at weight 1, in eye distances, mean over all faces; the first
        movement's curve is adapted so that it opens evenly. None: the curve stays.
    """

    name: str
    about: str
    movements: tuple[Movement, ...]
    extreme: float | None = None


WANTED = (
    Wanted(
        "laugh",
        "smile, grin, laugh, wild laughter",
        (
            Movement("jaw", {"mouth_open": 1}, 6, free=("mouth_width", "corner_lift", "pitch")),
            Movement("smile", {"corner_lift": 1, "mouth_width": 1}, 1.2, 0.6, ("eye_open",)),
            Movement("squint", {"eye_open": -1}, 1.0, 1.5),
        ),
        extreme=0.38,
    ),
    Wanted(
        "wonder",
        "brows up, eyes wide, mouth falls open",
        (
            Movement("jaw", {"mouth_open": 1, "mouth_width": -0.7}, 3),
            Movement("brows", {"brow_raise": 1, "brow_inner": 1}, 2.8, 0.8, ("eye_open",)),
            Movement("eyes", {"eye_open": 1}, 3.2),
        ),
        extreme=0.3,
    ),
    Wanted(
        "scowl",
        "brows drawn down, eyes narrow, mouth tight",
        (
            Movement(
                "frown",
                {"brow_inner": -1, "brow_raise": -0.5, "eye_open": -0.3, "corner_lift": -0.3},
                2.4,
            ),
        ),
    ),
)


class Studio:
    """Draws the shipped faces and measures them."""

    def __init__(self, atlas: Atlas) -> None:
        self.atlas = atlas
        self.faces = [load_face(name) for name in face_names()]
        self._engine = open_engine(PX)
        self._meter = LandmarkMeter()

    def look(self, codes: NDArray[np.float32]) -> tuple[Landmarks, NDArray[np.uint8]]:
        """Draw and measure one face."""
        picture = self._engine.draw(still(codes))
        return self._meter.measure(picture), picture

    def slots(self, movement: Movement, faces: Sequence[Face]) -> tuple[int, ...]:
        """Return the slots with the least other change for the same movement of the targets."""
        direction = self.atlas.direction(movement.targets, movement.free)
        rest = [self.look(face.codes) for face in faces]
        ranking: list[tuple[float, float, tuple[int, ...]]] = []
        for slots in tqdm(SLOT_SETS, desc=f"slots of {movement.name}", leave=False):
            moves, drifts = [], []
            for face, (resting, before) in zip(faces, rest, strict=True):
                codes = face.codes.copy()
                codes[list(slots)] += np.float32(0.7 * movement.full) * direction
                now, after = self.look(codes)
                moves.append(self._moved(movement, resting, now))
                drifts.append(_drift(resting, now, before, after))
            moved = float(np.mean(moves))
            ranking.append((float(np.mean(drifts)) / max(moved, 1e-3), moved, slots))
        # Among the slots with little other change the strongest: they need the smallest amounts,
        # and shape and texture (of teeth, say) then move together.
        for cost, moved, slots in sorted(ranking):
            print(f"  {movement.name:7s} cost {cost:6.2f}  moves {moved:5.2f}  {slots}")
        strongest = max(moved for _, moved, _ in ranking)
        cheapest = min(cost for cost, moved, _ in ranking if moved > strongest / 3)
        return max((moved, slots) for cost, moved, slots in ranking if cost < 1.04 * cheapest)[1]

    def _moved(self, movement: Movement, still: Landmarks, now: Landmarks) -> float:
        """Return the movement of the targets in the wanted direction, in standard deviations."""
        parts = [
            np.sign(amount) * (getattr(now, name) - getattr(still, name)) / self.atlas.spread[name]
            for name, amount in movement.targets.items()
        ]
        return float(sum(parts))

    def even(self, expression: Expression, extreme: float) -> Expression:
        """Return the expression with a first curve that opens the mouth evenly, mean over faces."""
        for _ in range(2):
            opened = np.array(
                [
                    [self.look(fuse(face, expression, weight))[0].mouth_open for weight in WEIGHTS]
                    for face in tqdm(self.faces, desc=f"{expression.name}: curve", leave=False)
                ]
            ).mean(0)
            print(f"  {expression.name} opens", opened.round(3))
            wanted = opened[0] + (extreme - opened[0]) * np.array(WEIGHTS)
            first = expression.parts[0]
            rising = np.maximum.accumulate(opened) + 1e-6 * np.arange(len(opened))
            amounts = np.interp(wanted, rising, first.amounts)
            # Beyond the drawn amounts, continue with the slope of the last step.
            slope = (first.amounts[-1] - first.amounts[-3]) / (rising[-1] - rising[-3])
            amounts += np.maximum(wanted - rising[-1], 0) * min(slope, 40.0)
            amounts[0] = 0
            first = replace(first, amounts=tuple(float(a) for a in amounts.round(3)))
            expression = replace(expression, parts=(first, *expression.parts[1:]))
        return expression


def _drift(
    still: Landmarks, now: Landmarks, before: NDArray[np.uint8], after: NDArray[np.uint8]
) -> float:
    """Return the amount of unwanted change: in surroundings, hair and proportions."""
    difference = before[..., :3].astype(float) - after[..., :3]
    top, side = PX // 6, PX // 4
    around = (
        difference[:top],
        difference[top : PX // 2, :side],
        difference[top : PX // 2, -side:],
    )
    background = np.sqrt(np.mean([np.mean(part**2) for part in around])) / 5
    person = np.abs(proportions(now) / proportions(still) - 1).mean() * 20
    return float(background + person)


def find(wanted: Wanted, studio: Studio) -> Expression:
    """Return one expression with its directions, slots and curves."""
    parts = tuple(
        Part(
            movement.name,
            studio.atlas.direction(movement.targets, movement.free),
            studio.slots(movement, studio.faces[::3]),
            tuple(round(movement.full * weight**movement.power, 3) for weight in WEIGHTS),
        )
        for movement in wanted.movements
    )
    expression = Expression(wanted.name, wanted.about, WEIGHTS, parts)
    return expression if wanted.extreme is None else studio.even(expression, wanted.extreme)


def write(number: int, wanted: Wanted, expression: Expression) -> None:
    """Write presets/expressions/NAME.toml and .safetensors."""
    lines = [
        f"number = {number}",
        f'generator = "{DEFAULT.name}"',
        f'about = "{wanted.about}"',
        f"weights = {list(expression.weights)}",
        "",
        f"# Found by tools/faces/find_expressions.py: {COUNT} faces, seed {SEED}.",
        "# targets are in standard deviations of the measures over random faces.",
    ]
    for part, movement in zip(expression.parts, wanted.movements, strict=True):
        targets = ", ".join(f"{name} = {amount}" for name, amount in movement.targets.items())
        lines += ["", "[[part]]", f'name = "{part.name}"', f"slots = {list(part.slots)}"]
        lines += [f"amounts = {list(part.amounts)}", f"targets = {{ {targets} }}"]
    path = shipped("expressions", f"{expression.name}.toml")
    path.parent.mkdir(parents=True, exist_ok=True)
    directions = {part.name: part.direction for part in expression.parts}
    replace_file(path.with_suffix(".safetensors"), save(directions))
    replace_file(path, ("\n".join(lines) + "\n").encode())


def strips(expression: Expression, studio: Studio, folder: Path) -> None:
    """Write one picture: a row for each face, the weight rising from 0 to 1."""
    rows = []
    for face in tqdm(studio.faces, desc=f"{expression.name}: strips", leave=False):
        tiles = []
        for weight in (0, 0.25, 0.5, 0.75, 1):
            mesh, picture = studio.look(fuse(face, expression, weight))
            tile = np.ascontiguousarray(picture[..., 2::-1])
            text = f"{mesh.mouth_open:.2f} {mesh.corner_lift:.2f} {mesh.eye_open:.2f}"
            cv2.putText(tile, text, (3, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 255, 255), 1)
            tiles.append(tile)
        rows.append(np.hstack(tiles))
    folder.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / f"{expression.name}.png"), np.vstack(rows))


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.faces.find_expressions", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--only", help="find this expression only")
    parser.add_argument("--strips", type=Path, help="folder for pictures to judge by")
    parser.add_argument("--samples", type=Path, help="file that keeps the samples between runs")
    options = parser.parse_args()
    atlas = Atlas(
        sample(
            lambda: open_engine(PX).draw,
            seed=SEED,
            count=COUNT,
            truncation=TRUNCATION,
            keep=options.samples,
        )
    )
    print("correlation on faces left out:", {k: round(v, 2) for k, v in atlas.fit.items()})
    studio = Studio(atlas)
    for number, wanted in enumerate(WANTED):
        if options.only in (None, wanted.name):
            expression = find(wanted, studio)
            write(number, wanted, expression)
            if options.strips:
                strips(expression, studio, options.strips)


if __name__ == "__main__":
    main()
