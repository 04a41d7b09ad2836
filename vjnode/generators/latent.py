"""Latent: what a picture is drawn from, a subject and how far it is moved along its directions."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

DIRECTIONS = 24
"""Directions that a frame graph takes: movements that can act at once."""


@dataclass(frozen=True)
class Weights:
    """A generator's weights that were tuned for one face.

    path: of the file with their differences. sha256: of that file. size: of the pictures that they
    were tuned for, px.
    """

    path: Path
    sha256: str
    size: int


def own_stem(sha256: str) -> str:
    """Return the beginning of names of what is kept of weights of a face's own."""
    return f"own-{sha256[:12]}"


@dataclass(frozen=True, eq=False)
class Subject:
    """A face and the directions that it can be moved along; an engine is told it once a look.

    codes: style codes of the face, shape (slots, dim).
    directions: shape (n, slots, dim), movements of these codes.
    offsets: shape (n, styles), what the same movements add to the factors that the generator's
        affine maps give; (n, 0): none of them does.
    All float32, read-only.
    weights: that draw it; None: the generator's own. See ``vjnode.engines.own_weights``.
    """

    codes: NDArray[np.float32]
    directions: NDArray[np.float32]
    offsets: NDArray[np.float32]
    weights: Weights | None = None

    def __post_init__(self) -> None:
        for name in ("codes", "directions", "offsets"):
            view = getattr(self, name).view()  # the caller's own array stays as it is
            view.setflags(write=False)
            object.__setattr__(self, name, view)


Side = Literal["left", "right"]
"""Half of a face, as the viewer sees it."""


@dataclass(frozen=True, eq=False)
class Latent:
    """A subject, moved.

    amounts: shape (n,), float32: along each of its directions.
    halves: other latents, that one half of the face is drawn from: a latent moves both eyes.
        An engine does not look at them; see ``vjnode.render.halves``.
    """

    subject: Subject
    amounts: NDArray[np.float32]
    halves: tuple[tuple[Side, "Latent"], ...] = ()

    def codes(self) -> NDArray[np.float32]:
        """Return the moved style codes, shape (slots, dim), a fresh array."""
        return _moved(self.subject.codes.copy(), self.subject.directions, self.amounts)

    def padded_amounts(self) -> NDArray[np.float32]:
        """Return the amounts as a frame graph takes them, shape (DIRECTIONS,), zeros behind."""
        filled = np.zeros(DIRECTIONS, np.float32)
        filled[: len(self.amounts)] = self.amounts
        return filled

    def offsets(self) -> NDArray[np.float32]:
        """Return what is added to the affine maps' factors, shape (styles,) or (0,)."""
        moves = self.subject.offsets
        return _moved(np.zeros(moves.shape[1], np.float32), moves, self.amounts)


def still(codes: NDArray[np.float32]) -> Latent:
    """Return the latent of style codes, shape (slots, dim), that nothing moves."""
    none = Subject(codes, np.zeros((0, *codes.shape), np.float32), np.zeros((0, 0), np.float32))
    return Latent(none, np.zeros(0, np.float32))


def fused(latent: Latent) -> Latent:
    """Return a latent of the same picture with ``DIRECTIONS`` at most; mostly the same latent.

    Those beyond are added up into the last one, so that its subject is another with every amount.
    """
    if len(latent.amounts) <= DIRECTIONS:
        return latent
    if latent.halves:
        halves = tuple((side, fused(half)) for side, half in latent.halves)
        return replace(fused(replace(latent, halves=())), halves=halves)
    first, rest = slice(0, DIRECTIONS - 1), slice(DIRECTIONS - 1, None)
    subject, amounts = latent.subject, latent.amounts
    directions, offsets = (
        np.concatenate([moves[first], np.tensordot(amounts[rest], moves[rest], 1)[None]])
        for moves in (subject.directions, subject.offsets)
    )
    whole = Subject(subject.codes, directions, offsets, subject.weights)
    return Latent(whole, np.append(amounts[first], np.float32(1.0)))


def _moved(
    values: NDArray[np.float32], moves: NDArray[np.float32], amounts: NDArray[np.float32]
) -> NDArray[np.float32]:
    # One after the other: the same sum, bit for bit, wherever it is made.
    for move, amount in zip(moves, amounts, strict=True):
        values += amount * move
    return values
