"""The generators there are. A new family is a folder with a ``GeneratorSpec`` and a row here."""

from vjnode.generators.mobilestylegan.spec import DISTILLED, MOBILESTYLEGAN
from vjnode.generators.stylegan2.spec import STYLEGAN2

GENERATORS = {spec.name: spec for spec in (MOBILESTYLEGAN, DISTILLED, STYLEGAN2)}

__all__ = ["DEFAULT", "DISTILLED", "GENERATORS", "PLAYABLE"]

PLAYABLE = {name: spec for name, spec in GENERATORS.items() if not spec.copy_of}
"""Those that a show can be told to play; a copy is drawn where its original is asked for."""

DEFAULT = MOBILESTYLEGAN
"""The generator that a show draws with unless another is asked for."""
