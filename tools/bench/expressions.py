"""Measure expressions on faces that no finder has seen: movement, person, colours, pose.

    python -m tools.bench.expressions [NAME …] [--faces N] [--write]

Prints a table: the part of the wanted movement that is reached at weight 1, by landmarks, or by the
picture where its first action wants retouched eyes (a later one is left out); the distance of the
embeddings of dlib's network to the face at rest, mean and largest (0.6 is another person); mean
changes of colour of hair, skin and background, ΔE; PSNR of what is outside the face; drift of the
head, degrees; faces that glasses come to or go from; and the part of faces on which the movement
rises at every quarter of the weight. Drawn by the whole generator at 256 px. --write keeps what was
measured of actions in their files.

The network sees faces that are aligned by the mesh. dlib's own 68 landmarks lose some generated
faces altogether: a shift by 3 px then moves the embedding by up to 0.43, against 0.12 at most. A
face that a harmless change, a crop by 3 % or a compression as JPEG, moves by more than HARMLESS
would be a measure of the network and not of the expression; it is left out, and counted.
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

from vjnode.engines.openvino.engine import OpenVinoEngine
from vjnode.faces.catalogue import expression_names, load_expression
from vjnode.faces.expression import Expression, Face, latent_of
from vjnode.faces.finding.actions import ACTIONS
from vjnode.faces.finding.eyes import iris
from vjnode.faces.finding.glasses import THERE, bridge
from vjnode.faces.finding.measures import MEASURES, SPREAD, measure
from vjnode.faces.finding.open import TRUNCATION, random_codes
from vjnode.faces.finding.regions import colour_regions
from vjnode.faces.finding.retouch import Retouch, retouched
from vjnode.faces.identity import DlibIdentity, dlib_file
from vjnode.faces.landmarks import LandmarkMeter
from vjnode.generators.latent import Latent, still
from vjnode.generators.mobilestylegan.download import generator_weights
from vjnode.generators.mobilestylegan.model import load
from vjnode.generators.registry import DEFAULT
from vjnode.paths import replace_file, shipped
from vjnode.render.halves import HalfFaces

PX, SEED = 256, 4711
HARMLESS = 0.35
CROP, QUALITY = 1.03, 75
"""Harmless changes: enlargement about the middle, and quality of JPEG, percent."""

QUARTERS = (0.25, 0.5, 0.75, 1.0)
DONE, SLIP = 0.9, 0.03
"""Part of a movement at which it is all but there, and part of it by which it may then slip."""

POSE = ("yaw", "pitch", "roll")
_SPREAD = np.array(list(SPREAD.values()))

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Look:
    """A picture of a face, measured.

    lab: its colours, (PX, PX, 3). person: embedding, (128,). glasses: see ``bridge``.
    """

    picture: Picture
    points: NDArray[np.float32]
    measures: NDArray[np.float64]
    lab: NDArray[np.float32]
    person: NDArray[np.float32]
    glasses: bool


@dataclass(frozen=True)
class Change:
    """Change of one face by an expression at weight 1; see the table's columns.

    movement: at each of ``QUARTERS``. glasses: whether they came or went.
    """

    movement: tuple[float, ...]
    person: float
    hair: float
    skin: float
    background: float
    outside_db: float
    drift: tuple[float, ...]
    glasses: bool

    @property
    def rises(self) -> bool:
        """Return whether the movement is larger at every quarter than at the one before.

        What is all but there may come to rest: a lid that is shut shuts no further.
        """
        steps = np.diff([0.0, *self.movement])
        there = np.array(self.movement) >= DONE * max(self.movement)
        return bool(((steps > 0) | (there & (steps > -SLIP * max(self.movement)))).all())


class Examiner:
    """Draws and measures faces with expressions."""

    def __init__(self, network: Path) -> None:
        self._engine = HalfFaces(OpenVinoEngine(DEFAULT, PX))
        self._meter = LandmarkMeter()
        self._persons = DlibIdentity(network)

    def draw(self, latent: Latent) -> Picture:
        """Return a picture, (PX, PX, 3)."""
        return self._engine.draw(latent)[..., :3].copy()

    def rest(self, face: Face) -> Look:
        """Return a face at rest, measured."""
        return self.look(self.draw(still(face.codes)))

    def look(self, picture: Picture) -> Look:
        """Return a picture, (PX, PX, 3), measured."""
        points, measures = self._measured(picture)
        with torch.no_grad():
            person = self._persons(_whole(picture), torch.from_numpy(points)).numpy()
        lab = cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
        glasses = bridge(picture, points) > THERE
        return Look(picture, points, measures, np.asarray(lab, np.float32), person, glasses)

    def _measured(self, picture: Picture) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        points = self._meter.measure(picture).points
        found = torch.from_numpy(points)
        with torch.no_grad():
            measures = torch.cat((measure(found), iris(_whole(picture), found)))
        return points, measures.double().numpy()

    def unsteadiness(self, rest: Look) -> float:
        """Return the largest distance of a face at rest to itself, harmlessly changed."""
        middle = (PX - 1) / 2 * (1 - CROP)
        larger = np.array([[CROP, 0, middle], [0, CROP, middle]])
        cropped = cv2.warpAffine(rest.picture, larger, (PX, PX))
        _, data = cv2.imencode(".jpg", rest.picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        changed = (cropped, cv2.imdecode(data, cv2.IMREAD_COLOR))
        return max(
            float(np.linalg.norm(self.look(np.asarray(one, np.uint8)).person - rest.person))
            for one in changed
        )

    def compare(self, face: Face, rest: Look, expression: Expression) -> Change:
        """Return the change of a face, which looks so at rest, by an expression."""
        *partly, picture = (self.draw(latent_of(face, expression, one)) for one in QUARTERS)
        full = self.look(picture)
        main = expression.parts[0]
        if retouch := ACTIONS[main.movement.name].retouch:
            way_there = [toward(rest, one, retouch) for one in (*partly, picture)]
            movement = [one / main.amounts[-1] for one in way_there]
        else:
            measured = [*(self._measured(one)[1] for one in partly), full.measures]
            way = wanted(expression, rest.measures)
            movement = [float((one - rest.measures) / _SPREAD @ way) for one in measured]
        regions = colour_regions(rest.points, PX)
        after = colour_regions(full.points, PX)
        outside = (rest.picture.astype(float) - full.picture)[~regions["face"]]
        places = [MEASURES.index(name) for name in POSE]
        return Change(
            movement=tuple(movement),
            person=float(np.linalg.norm(rest.person - full.person)),
            hair=_difference(rest.lab, full.lab, regions["hair"], regions["hair"]),
            skin=_difference(rest.lab, full.lab, regions["skin"], after["skin"]),
            background=_difference(
                rest.lab, full.lab, regions["background"], regions["background"]
            ),
            outside_db=float(10 * np.log10(255**2 / max(float(np.mean(outside**2)), 1e-9))),
            drift=tuple(abs(full.measures[places] - rest.measures[places]).tolist()),
            glasses=rest.glasses != full.glasses,
        )


def _whole(picture: Picture) -> torch.Tensor:
    return torch.from_numpy(picture.astype(np.float32) / 255).permute(2, 0, 1)[None]


def toward(rest: Look, picture: Picture, retouch: Retouch) -> float:
    """Return the part of the way that a picture went from rest to retouched eyes; 1 is there."""
    begin, points = _whole(rest.picture), torch.from_numpy(rest.points)
    way = retouched(begin, points, retouch, 1.0) - begin
    return float(((_whole(picture) - begin) * way).sum() / way.square().sum())


def wanted(expression: Expression, rest: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what a movement's parts are added up with, so that the wanted one is 1.

    rest: measures of the face at rest: lips that are to meet have as far to go as they begin apart.

    Eyes that are wanted as a retouched picture are left to ``toward``: landmarks see half of a
    shut lid, and an iris that a lid follows stays where it was between the lids. Of a head that
    turns only the pose counts, for an iris is seen less well from the side.

    Returns: (len(MEASURES),), for changes in ``SPREAD``.
    """
    target = np.zeros(len(MEASURES))
    turns = expression.parts[0].movement.region == "pose"
    for part in expression.parts:
        action = ACTIONS[part.movement.name]
        if action.retouch or (turns and part.movement.region != "pose"):
            continue
        targets = dict(action.targets)
        if action.shuts_lips:
            targets["mouth_open"] = -rest[MEASURES.index("mouth_open")] / action.scale
        for name, change in targets.items():
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
        "yaw / pitch / roll | glasses | rises |",
        "|---|---|---|---|---|---|---|---|---|---|",
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
            + f" | {sum(one.glasses for one in each)}"
            + f" | {100 * np.mean([one.rises for one in each]):.0f} % |"
        )
    return "\n".join(rows)


def keep(name: str, each: Sequence[Change]) -> None:
    """Write what was measured of an action into its file, instead of what stood there."""
    path = shipped("actions") / f"{name}.toml"
    text, _, _ = path.read_text(encoding="utf-8").partition(MEASURED)
    hair, skin, background = np.nanmean([(one.hair, one.skin, one.background) for one in each], 0)
    person = [one.person for one in each]
    lines = (
        f"# By tools/bench/expressions.py on {len(each)} faces, at amount 1.",
        "# movement: part of the targets. id: distance of embeddings, 0.6 is another person.",
        "# hair, skin, background: change of mean colour, ΔE. outside_db: PSNR around the face.",
        f"movement = {np.mean([one.movement[-1] for one in each]):.2f}",
        f"id = {np.mean(person):.2f}",
        f"id_largest = {np.max(person):.2f}",
        f"hair = {hair:.1f}",
        f"skin = {skin:.1f}",
        f"background = {background:.1f}",
        f"outside_db = {np.mean([one.outside_db for one in each]):.1f}",
    )
    replace_file(path, (text.rstrip() + f"\n\n{MEASURED}\n" + "\n".join(lines) + "\n").encode())


MEASURED = "[measured]"
"""Heading of what this tool writes, the last one of an action's file."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench.expressions", description=__doc__.splitlines()[0]
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: all expressions")
    parser.add_argument("--faces", type=int, default=50)
    parser.add_argument("--write", action="store_true", help="keep it in the files of actions")
    parser.add_argument("--dlib", type=Path, help="folder of dlib's networks")
    options = parser.parse_args(arguments)
    examiner = Examiner(dlib_file(options.dlib))
    mapping, _ = load(generator_weights())
    codes = random_codes(mapping, SEED, options.faces, TRUNCATION).numpy()
    faces = [Face("", "", np.tile(code, (DEFAULT.slots, 1))) for code in codes]
    rests = [examiner.rest(face) for face in tqdm(faces, "at rest", unit="face")]
    far = [examiner.unsteadiness(rest) for rest in tqdm(rests, "harmless changes", unit="face")]
    steady = [i for i, one in enumerate(far) if one <= HARMLESS]
    changes: dict[str, list[Change]] = {}
    for name in tqdm(options.names or expression_names(), unit="expression"):
        expression = load_expression(name)
        changes[name] = [examiner.compare(faces[i], rests[i], expression) for i in steady]
    print(
        f"{options.faces} faces, truncation {TRUNCATION:g}, seed {SEED}, {PX} px; "
        f"{len(faces) - len(steady)} left out. A harmless change moves the embedding "
        f"by {np.mean(far):.2f} ({max(far):.2f})\n"
    )
    print(table(changes))
    if options.write:
        for name in {*changes} & {*ACTIONS}:
            keep(name, changes[name])


if __name__ == "__main__":
    main()
