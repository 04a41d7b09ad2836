"""Measure faces made from photos: likeness, movement, what stays as it is, and time.

    python -m tools.bench.photo FOLDER [--size 512] [--seeds N …] [--photos FILE …]
                                [--rounds A,B,C] [--vgg FILE] [--device auto|cpu|cuda]

Photos are pictures that the generator draws of SUBJECTS, whose style codes do not ship, and files
that are named. Each becomes a face, with a sheet and its figures in FOLDER; what is there already
is not made again. Prints the device, a line for each, then the median and the worst of all, and
ends with 1 where one misses a limit.

Distances are those of embeddings by dlib, which finds and aligns faces by itself: neither that nor
its code had a part in the making, but its network had. Around the face: mean change from rest to an
expression at full, levels, further than 30 px of 256 from the face. An expression that turns the
head moves what is around it by nature, so that of its change only what the untuned generator, at
the same pose of the face that the tuning began with, does not show counts.
"""

import argparse
import json
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import cv2
import dlib
import numpy as np
import torch
from numpy.typing import NDArray

from vjnode.cli.device import add_device, device_of
from vjnode.cli.photo import whole_expressions
from vjnode.cli.photo_rounds import rounds_of
from vjnode.engines.base import Engine
from vjnode.engines.openvino.engine import OpenVinoEngine
from vjnode.engines.own_weights import open_tuned
from vjnode.faces.catalogue import load_expression, load_face
from vjnode.faces.expression import Face, latent_of
from vjnode.faces.finding.regions import area
from vjnode.faces.identity import DlibIdentity, dlib_file
from vjnode.faces.landmarks import LandmarkMeter
from vjnode.faces.own import random_code
from vjnode.faces.photo.device import name_of
from vjnode.faces.photo.making import Request, make_face
from vjnode.faces.removal import remove_face
from vjnode.generators.latent import Latent, still
from vjnode.generators.parts import Quality
from vjnode.generators.registry import DEFAULT
from vjnode.offline.sheet import draw_sheet
from vjnode.render.halves import HalfFaces

TRUNCATION = 0.9

SUBJECTS = {
    1048: "over 70, glasses, smile",
    1041: "very dark skin, cap, smile",
    1002: "beard, bald",
    1057: "glasses",
    1039: "very light skin, hat",
    1084: "dark skin",
    1053: "pale, grey hair",
    1066: "dark skin, beard, cap",
    1077: "grey hair, glasses, smile",
    1083: "beard, broad smile",
    1081: "sunglasses",
    1082: "very light skin",
    1051: "glasses, beard",
    1074: "dark skin, hood",
    1029: "grey beard",
    1049: "hair in the face",
    1037: "glasses, curls, smile",
    1013: "cap",
    1026: "red hair",
    1068: "curls, smile",
}
"""Seeds, and what is hard about their faces."""

LIMITS = {"rest": 0.30, "worst": 0.45, "mouth": 0.30, "around": 3.0}
"""Of distances at rest and under any expression, of the opening of a mouth that laughs (at least),
and of the change around the face, levels."""

FAR_PX, JUDGED_PX = 30, 256

Picture = NDArray[np.uint8]


class Judge:
    """dlib as it comes: its detector, its alignment by five points, its network.

    Faces that its detector does not find are aligned by the face mesh.
    """

    def __init__(self) -> None:
        network = dlib_file(None)
        self._find = dlib.get_frontal_face_detector()
        self._points = dlib.shape_predictor(
            str(network.with_name("shape_predictor_5_face_landmarks.dat"))
        )
        self._network = dlib.face_recognition_model_v1(str(network))
        self._meter, self._ours = LandmarkMeter(), DlibIdentity(network)

    def embed(self, picture: Picture) -> NDArray[np.float64]:
        """Return the embedding of the face in a picture, (px, px, 3) RGB."""
        picture = np.ascontiguousarray(picture)
        for enlarged in (0, 1):
            if found := self._find(picture, enlarged):
                largest = max(found, key=lambda one: one.area())
                points = self._points(picture, largest)
                return np.array(self._network.compute_face_descriptor(picture, points))
        with torch.no_grad():
            levels = torch.from_numpy(picture.astype(np.float32) / 255).permute(2, 0, 1)[None]
            points = torch.from_numpy(self._meter.measure(picture).points)
            return self._ours(levels, points).numpy().astype(np.float64)


@dataclass(frozen=True)
class Examined:
    """Figures of one face.

    rest, moved: distances to the photo. mouth: opening when it laughs, eye distances. around: by
    expression. seconds: of making it, of the clock; cpu_seconds: of all cores.
    """

    rest: float
    moved: Mapping[str, float]
    mouth: float
    around: Mapping[str, float]
    what: str = ""
    seconds: float = 0.0
    cpu_seconds: float = 0.0

    def row(self) -> dict[str, float]:
        """Return what is printed, in its order."""
        return {
            "rest": self.rest,
            "mean": float(np.mean(list(self.moved.values()))),
            "worst": max(self.moved.values()),
            "mouth": self.mouth,
            "around": max(self.around.values()),
            "seconds": self.seconds,
            "cpu": self.cpu_seconds,
        }

    def misses(self) -> list[str]:
        """Return the names of the limits that it misses."""
        row = self.row()
        return [
            name
            for name, limit in LIMITS.items()
            if (row[name] < limit if name == "mouth" else row[name] > limit)
        ]


def examine(face: Face, expressions: list[str], photo: Picture, judge: Judge) -> Examined:
    """Measure a face as a show draws it. photo: aligned."""
    assert face.weights is not None  # noqa: S101 - it was made a moment ago
    size = face.weights.size
    tuned = HalfFaces(open_tuned(face.weights, None))
    quality: Quality = "reduced" if size < 1024 else "full"
    plain = HalfFaces(OpenVinoEngine(DEFAULT, size, None, quality, fast=True))
    meter, wanted = LandmarkMeter(), judge.embed(photo)
    try:
        rest, rest_plain = (_drawn(one, still(face.codes)) for one in (tuned, plain))
        hull = area(meter.measure(rest).points, tuple(range(468)), JUDGED_PX).astype(np.uint8)
        far = cv2.dilate(hull, np.ones((2 * FAR_PX + 1,) * 2, np.uint8)) == 0
        moved, around, mouth = {}, {}, 0.0
        for name in expressions:
            expression = load_expression(name)
            latent = latent_of(face, expression, 1.0)
            picture = _drawn(tuned, latent)
            moved[name] = float(np.linalg.norm(judge.embed(picture) - wanted))
            change = _change(picture, rest)
            if any(part.movement.region == "pose" for part in expression.parts):
                change = change - _change(_drawn(plain, latent), rest_plain)
            around[name] = max(float(change[far].mean()), 0.0)
            if name == "laugh":
                mouth = meter.measure(picture).mouth_open
        at_rest = float(np.linalg.norm(judge.embed(rest) - wanted))
        return Examined(at_rest, moved, mouth, around)
    finally:
        tuned.close()
        plain.close()


def _drawn(engine: Engine, latent: Latent) -> Picture:
    return np.ascontiguousarray(engine.draw(latent)[..., :3])


def _change(one: Picture, other: Picture) -> NDArray[np.float64]:
    """Return the mean change of the channels, (JUDGED_PX, JUDGED_PX), levels."""
    side = (JUDGED_PX, JUDGED_PX)
    small = [
        cv2.resize(each, side, interpolation=cv2.INTER_AREA).astype(np.float64)
        for each in (one, other)
    ]
    return np.asarray(np.abs(small[0] - small[1]).mean(2))


def measured(
    name: str, what: str, photo: Path, options: argparse.Namespace, judge: Judge
) -> Examined:
    """Make a face of a photo, measure it, and keep its sheet and its file in the folder."""
    expressions = whole_expressions(DEFAULT)
    request = Request(
        f"bench-{name}"[:32],
        photo,
        expressions,
        size=options.size,
        rounds=rounds_of(options.rounds, options.size),
        vgg=None if options.vgg is None else lambda: options.vgg,
        device=options.device,
    )
    began = time.perf_counter(), time.process_time()
    made = make_face(request)
    seconds, cpu_seconds = time.perf_counter() - began[0], time.process_time() - began[1]
    try:
        face = load_face(request.name)
        aligned = made.aligned.picture
        figures = examine(face, expressions, aligned, judge)
        examined = replace(figures, what=what, seconds=seconds, cpu_seconds=cpu_seconds)
        draw_sheet(options.folder / f"{name}.png", DEFAULT, request.name, photo=aligned)
        shutil.copy(made.file, options.folder / f"{name}.safetensors")
    finally:
        remove_face(request.name)
    return examined


def photos_of(options: argparse.Namespace) -> dict[str, tuple[str, Callable[[], Path]]]:
    """Return what is to be measured: by name, what it is and what makes its photo."""

    def drawn(seed: int) -> Path:
        codes = np.tile(random_code(DEFAULT, seed, TRUNCATION), (DEFAULT.slots, 1))
        engine = OpenVinoEngine(DEFAULT, 1024)
        picture = _drawn(engine, still(codes))
        engine.close()
        path = Path(options.folder / f"photo-{seed}.png")
        cv2.imwrite(str(path), picture[..., ::-1])
        return path

    found: dict[str, tuple[str, Callable[[], Path]]] = {
        path.stem.lower(): (path.name, lambda path=path: path)  # type: ignore[misc]
        for path in options.photos
    }
    for seed in options.seeds:
        found[str(seed)] = SUBJECTS.get(seed, ""), lambda seed=seed: drawn(seed)  # type: ignore[misc]
    return found


def main() -> None:
    """Measure all, and print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench.photo", description=__doc__.splitlines()[0]
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--seeds", type=int, nargs="*", default=list(SUBJECTS))
    parser.add_argument("--photos", type=Path, nargs="*", default=[])
    parser.add_argument("--rounds")
    parser.add_argument("--vgg", type=Path)
    add_device(parser)
    options = parser.parse_args()
    options.device = device_of(options)
    print(f"made on {name_of(options.device)}", flush=True)
    options.folder.mkdir(parents=True, exist_ok=True)
    judge, all_of_them = Judge(), list[Examined]()
    for name, (what, photo) in photos_of(options).items():
        kept = options.folder / f"{name}.json"
        if kept.is_file():
            examined = Examined(**json.loads(kept.read_text()))
        else:
            examined = measured(name, what, photo(), options, judge)
            kept.write_text(json.dumps(asdict(examined), indent=1))
        all_of_them.append(examined)
        print(line(f"{name} {what}", examined.row()), *examined.misses(), flush=True)
    for name, of in (("median", np.median), ("largest", np.max), ("smallest", np.min)):
        rows = [one.row() for one in all_of_them]
        print(line(name, {key: float(of([row[key] for row in rows])) for key in rows[0]}))
    sys.exit(any(one.misses() for one in all_of_them))


def line(name: str, row: Mapping[str, float]) -> str:
    """Return a line of the table."""
    figures = "  ".join(f"{key} {value:.{0 if value > 9 else 2}f}" for key, value in row.items())
    return f"{name:32.32}  {figures}"


if __name__ == "__main__":
    main()
