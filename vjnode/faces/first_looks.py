"""First looks of a generator that is new: faces, expressions, a preset; and their removal."""

import tomllib
from pathlib import Path

from vjnode.errors import VjnodeError
from vjnode.faces.catalogue import forget_own
from vjnode.faces.finding.components import find_components
from vjnode.faces.own import TRUNCATION, add_face, random_codes
from vjnode.generators.spec import GeneratorSpec
from vjnode.paths import config_dir, remove, replace_file

FACES, COMPONENTS = 8, 8
"""Faces from the first so many seeds, and expressions from the largest components."""


def preset_of(generator: str) -> str:
    """Return the name of the preset that a generator is given."""
    return f"{generator}-dance"


def give_looks(spec: GeneratorSpec) -> None:
    """Keep random faces, components as expressions, and a preset in the user's folder.

    Raises:
        InputError: a file of another generator's is in the way.
        VjnodeError: a file cannot be written.
    """
    for seed, code in enumerate(random_codes(spec, range(FACES), TRUNCATION)):
        add_face(f"{spec.name}-{seed}", code, spec, f"random, seed {seed}")
    find_components(spec, min(COMPONENTS, spec.dim), 0, config_dir(), lambda written: None)
    path = config_dir("presets") / f"{preset_of(spec.name)}.toml"
    text = (
        f'version = 1\nabout = "{spec.name} flows with the music"\n'
        f'face = "{spec.name}-0"\nexpression = "{spec.name}-flow"\n'
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, text.encode())
    except OSError as error:
        raise VjnodeError(f"{path} cannot be written ({error.strerror})") from error


def remove_looks(generator: str) -> int:
    """Remove the user's looks of a generator, presets included, and return their number.

    Raises:
        VjnodeError: a file cannot be removed.
    """
    faces, count = set[object](), 0
    for folder in ("faces", "expressions", "actions"):
        for path in sorted(config_dir(folder).glob("*.toml")):
            if _told(path, "generator") == generator:
                faces |= {path.stem} if folder == "faces" else set()
                _remove(path)
                count += 1
    for path in sorted(config_dir("presets").glob("*.toml")):
        if _told(path, "face") in faces:
            _remove(path)
            count += 1
    forget_own()
    return count


def _told(path: Path, key: str) -> object:
    """Return what a file says under a key; None where it is no TOML, and nobody's."""
    try:
        told: object = tomllib.loads(path.read_text(encoding="utf-8")).get(key)
    except (OSError, ValueError):
        return None
    return told if isinstance(told, str) else None


def _remove(path: Path) -> None:
    try:
        for suffix in (".toml", ".safetensors", ".png", ".jpg"):
            remove(path.with_suffix(suffix))
    except OSError as error:
        raise VjnodeError(f"{path} cannot be removed ({error.strerror})") from error
