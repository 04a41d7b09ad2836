"""Check that no expression breaks a face, whatever a VJ does: all channels at full weight.

    python -m tools.check.expressions [--faces N] [--sheet FILE.png]

Draws each face that ships with each expression in the first channel at full weight, which no gain
passes, beside two sets of others at full weight: those that a show begins with, and three that open
the mouth. Prints, for each expression, the largest amount of a movement, the widest opening of
the mouth, and how unsteady the mouths are, and whether all holds; exits with 1 where it does not.
"""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from tools.check.mouths import STEADY, unsteadiness
from vjnode.engines.base import Engine
from vjnode.engines.registry import open_engine
from vjnode.faces.catalogue import LIMIT, expression_names, face_names
from vjnode.faces.expression import WIDEST, movements_of
from vjnode.faces.landmarks import LandmarkMeter
from vjnode.generators.latent import Latent
from vjnode.generators.registry import DEFAULT
from vjnode.render.base import Look
from vjnode.render.halves import HalfFaces
from vjnode.render.looks import expressions_of
from vjnode.render.open import latents_of

PX = 256
OTHERS = (("brows_up", "blink", "turn"), ("surprise", "laugh", "rage"))
"""Expressions of the other channels: those of a show as it comes, and those that open a mouth."""


@dataclass
class Worst:
    """The worst of an expression over faces. mouths: unsteadiness of each."""

    amount: float = 0.0
    opening: float = 0.0
    finite: bool = True
    mouths: list[float] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Return whether nothing passed its limit."""
        nine = float(np.quantile(self.mouths, 0.9)) if self.mouths else 0.0
        within = self.amount <= LIMIT + 1e-4 and self.opening <= WIDEST + 1e-4
        return self.finite and within and nine <= STEADY


def looks(face: str, name: str) -> Iterator[Look]:
    """Yield what is drawn of a face with an expression."""
    for others in OTHERS:
        yield Look(face, (name, *others))


def note(worst: Worst, look: Look, latent: Latent) -> None:
    """Take the amounts of a latent into account."""
    movements = movements_of(expressions_of(look, DEFAULT))
    for one in (latent, *(half for _, half in latent.halves)):
        amounts = dict(zip(movements, map(float, one.amounts), strict=True))
        worst.amount = max(worst.amount, *map(abs, amounts.values()))
        opening = sum(movement.opens_mouth * amount for movement, amount in amounts.items())
        worst.opening = max(worst.opening, opening)
        worst.finite &= bool(np.isfinite(one.codes()).all() and np.isfinite(one.offsets()).all())


def examine(
    engine: Engine, meter: LandmarkMeter, faces: Sequence[str], name: str
) -> tuple[Worst, list[NDArray[np.uint8]]]:
    """Return the worst of an expression on faces, and a picture of each, (PX, PX, 3)."""
    worst, latents, pictures = Worst(), latents_of(DEFAULT), []
    for face in faces:
        for look in looks(face, name):
            latent = latents(look, (1.0,) * len(look.expressions))
            note(worst, look, latent)
            picture = engine.draw(latent)[..., :3].copy()
            worst.mouths.append(unsteadiness(meter, picture))
        pictures.append(picture)
    return worst, pictures


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the check, and return an exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.check.expressions", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--faces", type=int, default=len(face_names()), help="how many")
    parser.add_argument("--sheet", type=Path, help="PNG: a row of faces for each expression")
    options = parser.parse_args(arguments)
    faces, meter, rows, broken = face_names()[: options.faces], LandmarkMeter(), [], []
    print(f"{len(faces)} faces, {PX} px, limits: amount {LIMIT:g}, mouth {WIDEST:g} jaws, ", end="")
    print(f"unsteady {STEADY:g} on 90 %\n")
    print(f"| {'expression':14} | amount | mouth | 90 %   | all    | holds |")
    print(f"|{'-' * 16}|-------:|------:|-------:|-------:|:-----:|")
    with closing(HalfFaces(open_engine(PX))) as engine:
        for name in tqdm(expression_names(), unit="expression"):
            worst, pictures = examine(engine, meter, faces, name)
            nine, most = float(np.quantile(worst.mouths, 0.9)), max(worst.mouths)
            tqdm.write(
                f"| {name:14} | {worst.amount:6.2f} | {worst.opening:5.2f} | {nine:6.4f} |"
                f" {most:6.4f} | {'yes' if worst.holds else 'NO':5} |"
            )
            rows.append(np.hstack(pictures))
            broken += [] if worst.holds else [name]
    if options.sheet is not None:
        small = cv2.resize(np.vstack(rows), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(options.sheet), cv2.cvtColor(small, cv2.COLOR_RGB2BGR))
    print(f"\nbroken: {', '.join(broken)}" if broken else "\nnothing breaks")
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
