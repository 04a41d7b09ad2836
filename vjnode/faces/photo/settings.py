"""Constants of the recipe by which a photo becomes a face."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rounds:
    """Rounds of the stages: style code, trunk, and all layers at the size that is shown.

    laughs: of the trunk at that size, for a face whose laugh opens the mouth too little.
    """

    pivot: int = 100
    trunk: int = 90
    output: int = 90
    laughs: int = 10  # as by laughs_for


def laughs_for(output: int) -> int:
    """Return the rounds that a laugh is widened in, for so many of all layers."""
    return output // 9


FINE_PX = 1024
"""Size from which on the generator's own last layers draw, which rounds blur: there are fewer."""


def rounds_for(size: int) -> Rounds:
    """Return the rounds, unless others are asked for, of a face that is shown at ``size`` px."""
    return Rounds(output=75, laughs=laughs_for(75)) if size >= FINE_PX else Rounds()


@dataclass(frozen=True)
class Settings:
    """Weights of the losses, and rates.

    Of all stages: perceptual, pixels, person: of the picture at rest against the photo. pixels is
    for levels of 0…2.
    code: of the mean square of the whitened style code. pivot_rate, rate: of Adam.
    held: part of the rounds after which the rate falls, of the pivot and of the others.
    fine, edges: of pixels and of their gradients at the shown size. grain: of what is finest,
    compared by its means.
    Of rounds with an expression: mouth: perceptual, around what it moves, against the untuned
    generator. moved_person: of the person, who is to stay. still: of pixels around the face, which
    are to stay. change: of the change of pixels, which is to be the untuned generator's. lips: of
    the same around a mouth that opens, which is too small a part of the picture to do so by that
    alone. within: of shut eyes, which are to be the untuned generator's own: a change cannot take
    away an open eye that is another one.
    opening: of a mouth that laughs, eye distances, that a face is to be taught where the untuned
    generator can: a little more than the mean of the faces that ship, for some is lost.
    enough: the same of the tuned face, that is left alone. widened: that one below learns from
    itself.
    saved_s: interval of saving, s.
    """

    perceptual: float = 1.0
    pixels: float = 1.0
    person: float = 0.5
    code: float = 0.02
    pivot_rate: float = 0.05
    rate: float = 1e-3
    held: tuple[float, float] = (0.25, 0.5)
    fine: float = 0.5
    edges: float = 0.3
    grain: float = 8.0
    mouth: float = 0.3
    moved_person: float = 0.25
    still: float = 0.5
    change: float = 0.5
    within: float = 0.4
    lips: float = 0.15
    opening: float = 0.4
    enough: float = 0.31
    widened: float = 0.32
    saved_s: float = 10.0
    seed: int = 0


WEIGHTS = (0.25, 0.5, 0.75, 1.0)
"""Of an expression, that are drawn in turn."""
