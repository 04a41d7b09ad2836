"""Find faces to ship: sample many, keep the neutral ones, view them, choose.

    python -m tools.faces.find_faces sheets FOLDER     contact sheets of the candidates
    python -m tools.faces.find_faces ship              write the chosen ones to presets/faces

The choice is by eye and recorded in CHOSEN. Everything else is seeded: the same numbers give the
same faces. A truncation above the usual one gives rarer faces, and more that are no good.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save
from tqdm import tqdm

from vjnode.engines.registry import open_engine
from vjnode.faces.sampling import PX, Samples, random_latents, sample
from vjnode.generators.latent import still
from vjnode.generators.mobilestylegan.layout import SLOTS
from vjnode.generators.registry import DEFAULT
from vjnode.paths import replace_file, shipped

SEED = 1
COUNT = 2000
TRUNCATION = 0.7
SAME = 1e-5
"""Difference of codes up to which a file is left as it is: last bits depend on the processor."""

RARER = (2, 0.85)
"""Seed and truncation of faces that the first ones lacked: headgear, strong colours, old age."""


@dataclass(frozen=True)
class Choice:
    """One chosen face: its index among the samples of a seed and truncation; a description."""

    name: str
    index: int
    about: str
    seed: int = SEED
    truncation: float = TRUNCATION


CHOSEN = (
    Choice("raven", 1217, "young woman, straight black hair, dark brown wall"),
    Choice("flint", 1040, "young man, short black hair, blue shirt, green-grey wall"),
    Choice("aster", 829, "young woman, long blonde hair, red lips, grey wall"),
    Choice("birch", 407, "old man, white hair, glasses, black background"),
    Choice("dune", 1180, "woman, long brown hair, sandstone wall"),
    Choice("rowan", 229, "man, short brown hair, beard, warm light"),
    Choice("maple", 1009, "young woman, dark red hair, dark red background"),
    Choice("slate", 579, "young man, black hair, dark suit, blue wall"),
    Choice("willow", 365, "older woman, grey hair tied back, earrings, grey-green wall"),
    Choice("robin", 1487, "youth, short black curls, dark background"),
    Choice("opal", 278, "young woman, silver bob, red lips, green leaves"),
    Choice("clove", 1955, "man, short black hair, full beard, red-brown light"),
    Choice("coral", 973, "young woman, long pink hair, pink lips, pale wall", *RARER),
    Choice("lark", 1156, "young man, white cap, stubble, black background"),
    Choice("topaz", 1786, "woman, black curls, earrings, orange shawl"),
    Choice("onyx", 135, "young man, black hair, black glasses, grey background"),
    Choice("wren", 1554, "young woman, short black hair, red lips, pale grey wall"),
    Choice("moss", 1111, "older man, bald, grey beard, dark green leaves", *RARER),
    Choice("linden", 291, "older woman, grey-blonde bob, glasses, earrings, grey wall"),
    Choice("thistle", 971, "young man, purple knitted cap, black scarf", *RARER),
    Choice("quill", 1130, "woman, long black hair, black glasses, violet light", *RARER),
    Choice("frost", 423, "old, white hair, thin glasses, black coat, grey wall", *RARER),
    Choice("fern", 1106, "woman, black hair tied back, earrings, sunlit red stone", *RARER),
    Choice("kestrel", 1548, "young man, short brown hair, beard, lilac wall"),
    Choice("plum", 1309, "woman, black waves, black cap, dark red lips", *RARER),
    Choice("sage", 1052, "older man, short grey hair, glasses, sunlit garden", *RARER),
)


def candidates(samples: Samples) -> list[int]:
    """Return frontal faces at rest, those with the calmest surroundings first."""
    at_rest = []
    for i in range(len(samples.w)):
        face = samples.landmarks(i)
        frontal = abs(face.yaw) < 11 and abs(face.roll) < 3
        resting = face.mouth_open < 0.12 and face.mouth_width < 1.1 and face.corner_lift < 0.12
        if face.presence > 0.9 and frontal and resting:
            at_rest.append(i)
    return sorted(at_rest, key=lambda i: variation(samples.thumbs[i]))


def variation(thumb: NDArray[np.uint8]) -> float:
    """Return the variation of a thumbnail's upper left and right corners, in levels."""
    sides = np.concatenate((thumb[:13, :5], thumb[:13, -5:]), 1).astype(np.float32)
    return float(np.abs(np.diff(sides, axis=0)).mean() + np.abs(np.diff(sides, axis=1)).mean())


def sheets(samples: Samples, folder: Path, pages: int) -> None:
    """Write contact sheets of 10 × 8 candidates, each with its index."""
    engine = open_engine(PX)
    chosen = candidates(samples)[: 80 * pages]
    tiles = []
    for i in tqdm(chosen, desc="drawing sheets", unit="face"):
        picture = engine.draw(still(np.broadcast_to(samples.w[i], (SLOTS, samples.w.shape[1]))))
        tile = cv2.resize(picture[..., 2::-1], (160, 160), interpolation=cv2.INTER_AREA)
        cv2.putText(tile, str(i), (2, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 255, 255), 1)
        tiles.append(tile)
    tiles += [np.zeros((160, 160, 3), np.uint8)] * (-len(tiles) % 80)
    folder.mkdir(parents=True, exist_ok=True)
    for page in range(len(tiles) // 80):
        rows = [np.hstack(tiles[at : at + 10]) for at in range(80 * page, 80 * page + 80, 10)]
        cv2.imwrite(str(folder / f"faces-{page}.png"), np.vstack(rows))


def ship() -> None:
    """Write the chosen faces to presets/faces."""
    sources = {(choice.seed, choice.truncation) for choice in CHOSEN}
    w = {source: random_latents(source[0], COUNT, source[1]) for source in sources}
    folder = shipped("faces")
    folder.mkdir(parents=True, exist_ok=True)
    for number, choice in enumerate(CHOSEN):
        text = (
            f'number = {number}\ngenerator = "{DEFAULT.name}"\nabout = "{choice.about}"\n\n'
            "# How it was found: a random face of the default generator, chosen by eye\n"
            "# (tools/faces/find_faces.py). Nobody with this face exists.\n"
            f"[found]\nseed = {choice.seed}\nindex = {choice.index}\n"
            f"truncation = {choice.truncation}\n"
        )
        codes = w[choice.seed, choice.truncation][choice.index]
        path = folder / f"{choice.name}.safetensors"
        if not (path.is_file() and np.allclose(load_file(path)["codes"], codes, 0, SAME)):
            replace_file(path, save({"codes": codes}))
        replace_file(folder / f"{choice.name}.toml", text.encode())
        print(f"{choice.name}: {choice.about}")


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.faces.find_faces", description=__doc__.splitlines()[0]
    )
    parser.add_argument("what", choices=("sheets", "ship"))
    parser.add_argument("folder", nargs="?", type=Path, default=Path("build/faces"))
    parser.add_argument("--pages", type=int, default=3, help="contact sheets of 80 faces")
    parser.add_argument("--seed", type=int, default=SEED, help="of the samples on the sheets")
    parser.add_argument("--truncation", type=float, default=TRUNCATION)
    parser.add_argument("--samples", type=Path, help="file that keeps the samples between runs")
    options = parser.parse_args()
    if options.what == "ship":
        ship()
    else:
        samples = sample(
            lambda: open_engine(PX).draw,
            seed=options.seed,
            count=COUNT,
            truncation=options.truncation,
            keep=options.samples,
        )
        sheets(samples, options.folder, options.pages)


if __name__ == "__main__":
    main()
