"""The generators there are. A new family is a folder with a ``GeneratorSpec`` and a row here."""

from vjnode.errors import InputError
from vjnode.generators.mobilestylegan.spec import DISTILLED, MOBILESTYLEGAN
from vjnode.generators.spec import GeneratorSpec
from vjnode.generators.stylegan2.spec import STYLEGAN2

GENERATORS = {spec.name: spec for spec in (MOBILESTYLEGAN, DISTILLED, STYLEGAN2)}

__all__ = ["DEFAULT", "DISTILLED", "GENERATORS", "find_generator"]

DEFAULT = MOBILESTYLEGAN
"""The generator that a show draws with unless another is asked for."""


def find_generator(name: str) -> GeneratorSpec:
    """Return one of ``GENERATORS``.

    Raises:
        InputError: there is none of this name.
    """
    if name not in GENERATORS:
        raise InputError(f"there is no generator {name!r}; choose one of {', '.join(GENERATORS)}")
    return GENERATORS[name]
