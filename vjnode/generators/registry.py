"""The generators there are: those of vjnode, and the user's own.

A new family is a folder with a ``GeneratorSpec`` and a row here.
"""

from vjnode.generators.mobilestylegan.spec import DISTILLED, MOBILESTYLEGAN
from vjnode.generators.own import own_specs
from vjnode.generators.spec import GeneratorSpec
from vjnode.generators.stylegan2.spec import STYLEGAN2

__all__ = [
    "DEFAULT",
    "DISTILLED",
    "GENERATORS",
    "LEFT_OUT",
    "PLAYABLE",
    "SHIPPED",
    "read_own_generators",
]

SHIPPED = {spec.name: spec for spec in (MOBILESTYLEGAN, DISTILLED, STYLEGAN2)}
"""Those that come with vjnode."""

GENERATORS: dict[str, GeneratorSpec] = dict(SHIPPED)
"""All of them, by name."""

PLAYABLE: dict[str, GeneratorSpec] = {}
"""Those that a show can be told to play; a copy is drawn where its original is asked for."""

LEFT_OUT: list[str] = []
"""Reasons why files in the user's folder are none."""

DEFAULT = MOBILESTYLEGAN
"""The generator that a show draws with unless another is asked for."""


def read_own_generators() -> None:
    """Read the user's folder again: a generator there is new, changed or gone.

    One that is bad, or has a name of vjnode's own, is left out: a show goes on.
    """
    found, LEFT_OUT[:] = own_specs()
    for name in found.keys() & SHIPPED.keys():
        LEFT_OUT.append(f"{name} is the name of a generator that ships; rename its files")
        del found[name]
    for name in GENERATORS.keys() - SHIPPED.keys():
        del GENERATORS[name]
    GENERATORS.update(found)
    PLAYABLE.clear()
    PLAYABLE.update({name: spec for name, spec in GENERATORS.items() if not spec.copy_of})


read_own_generators()
