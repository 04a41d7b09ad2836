"""Start of a show: the names to choose from, and its looks."""

from vjnode.control.presets import PresetShelf, load_stock
from vjnode.control.state import Controls, Stock
from vjnode.errors import InputError
from vjnode.faces.catalogue import expression_names, face_names
from vjnode.generators.registry import DEFAULT, GENERATORS
from vjnode.generators.spec import GeneratorSpec
from vjnode.remedies import run_vjnode
from vjnode.render.base import Look
from vjnode.render.frame_renderer import asked_look


def stock(generator: GeneratorSpec = DEFAULT) -> Stock:
    """Return every name that can be chosen of what ``generator`` draws.

    Raises:
        InputError: it has no faces, or no expressions.
    """
    faces, expressions = face_names(generator), expression_names(generator)
    if not (faces and expressions):
        add = run_vjnode("faces", "add", "NAME", "--seed", "1", "--generator", generator.name)
        find = run_vjnode("expressions", "find", "--generator", generator.name, "--components", "8")
        raise InputError(
            f"the generator {generator.name} has no faces, or no expressions; make some: "
            f"{add}; {find}"
        )
    return load_stock(faces, expressions, other_faces=_other_faces(faces))


def preset_shelf(available: Stock) -> PresetShelf:
    """Return the presets of a show, which may be read anew, for what else it can choose from."""
    faces, expressions = list(available.faces), list(available.expressions)
    others = _other_faces(faces)
    return PresetShelf(faces=faces, expressions=expressions, other_faces=others, told=True)


def _other_faces(faces: list[str]) -> set[str]:
    """Return the names of faces that belong to other generators alone."""
    return {name for one in GENERATORS.values() for name in face_names(one)}.difference(faces)


def looks(controls: Controls, available: Stock) -> tuple[Look, ...]:
    """Return the looks that presets may switch to, the one in use first."""
    presets = (preset.applied(controls) for preset in available.presets.values())
    each = (controls, *map(available.fitted, presets))
    return tuple(dict.fromkeys(map(asked_look, each)))
