"""A generator in parts, as a processor draws it: what small sizes share, and bands of the picture.

Cores that share out every layer of a picture wait for each other after each. So a generator may
say which of its layers come first (``root``, which pictures of one pose share, and ``trunk``), and
how the rest is cut into bands of rows that are drawn at the same time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import Tensor

Quality = Literal["full", "reduced"]
"""The whole generator, or a smaller network that draws as much as it can of the same."""

Arithmetic = Literal["bf16", "int8", "f32"]
"""Arithmetic of a processor. int8: that of the largest layers; the rest is f32."""

Drawing = tuple[Callable[..., "Tensor"], tuple["Tensor", ...]]
"""A part as a function of tensors, and examples of these: of what is not drawn first, the result of
the part before it; codes [1, slots, dim] and noise strength [1]; offsets [1, styles], if it adds
them, as parts of a generator that takes offsets do."""


@dataclass(frozen=True)
class Plan:
    """Picture to draw, and the number of its bands; without any, the trunk makes the picture."""

    size: int
    quality: Quality
    arithmetic: Arithmetic
    bands: int


@dataclass(frozen=True)
class PartsForm:
    """The parts of a generator, and what they can be computed in.

    arithmetic: what it can be computed in.
    reduced_sizes: of the pictures that its smaller network draws, px.
    rooted: whether it has a root; the trunk then begins with the result of that.
    banded: whether its picture can be cut into bands.
    key: from a plan to the text that tells its weights apart from all others.
    stem: from a plan to the beginning of the name that its graphs are kept under.
    drawings: from a plan to its parts: root, trunk, bands.
    """

    arithmetic: tuple[Arithmetic, ...]
    key: Callable[[Plan], str]
    stem: Callable[[Plan], str]
    drawings: Callable[[Plan], list[Drawing]]
    reduced_sizes: tuple[int, ...] = ()
    rooted: bool = False
    banded: bool = False

    def names(self, plan: Plan) -> list[str]:
        """Return the names of a plan's parts, in the order in which they are drawn."""
        bands = [f"band{index}" for index in range(plan.bands)]
        return [*(["root"] if self.rooted else []), "trunk", *bands]
