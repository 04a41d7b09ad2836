"""Presets: small TOML files that a person can edit, found by scanning two folders.

A preset's name is its file's name. The folder that ships with vjnode comes first, then the
user's own (``presets`` in the system's configuration folder for vjnode); a file there
replaces a shipped one of the same name.
"""

import logging
import tomllib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from vjnode.control.parameter import Parameter, number_in_range
from vjnode.control.parameters import BY_NAME, PARAMETERS
from vjnode.control.state import Preset, Stock
from vjnode.errors import InputError
from vjnode.naming import choose
from vjnode.paths import config_dir, shipped

VERSION = 1
"""Version of the file's layout; increased when an old file would be misread."""

_log = logging.getLogger(__name__)


def preset_folders() -> list[Path]:
    """Return the folders that presets are looked for in; later ones override earlier ones."""
    return [shipped(), config_dir("presets")]


class OfAnotherGeneratorError(InputError):
    """The face of a preset is another generator's."""


def read_preset(
    path: Path,
    *,
    faces: list[str],
    expressions: list[str],
    other_faces: Collection[str] = (),
) -> Preset:
    """Read one preset.

    faces, expressions: names to choose from. other_faces: of other generators.

    Raises:
        OfAnotherGeneratorError: its face is one of ``other_faces``.
        InputError: unreadable, not TOML, an unknown key, or a value out of range.
    """
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"the preset {path} cannot be read: {error}") from error
    values = dict(_flat(table))
    if unknown := set(values) - {"version", "about"} - {row.name for row in _allowed()}:
        raise InputError(
            f"the preset {path} has an unknown key '{_as_key(min(unknown))}'; "
            f"there are: about, version, {_allowed_text()}"
        )
    if (version := values.pop("version", None)) != VERSION:
        raise InputError(f"the preset {path} needs 'version = {VERSION}', not {version!r}")
    for name in ("face", "expression"):
        if name not in values:
            raise InputError(f"the preset {path} does not name its {name}")
    if isinstance(values["face"], str) and values["face"] in other_faces:
        raise OfAnotherGeneratorError(f"the preset {path} has a face of another generator")
    about = str(values.pop("about", ""))
    for name in values:
        if (short := BY_NAME[name].key) != name and short in values:
            raise InputError(
                f"the preset {path} has '{_as_key(name)}', which is the same as '{short}'; "
                "leave one of them out"
            )
    stock = Stock(faces, expressions)
    try:
        checked = {name: _checked(name, value, stock) for name, value in values.items()}
    except InputError as error:
        raise InputError(f"the preset {path} is wrong: {error}") from error
    face, expression = (str(checked.pop(name)) for name in ("face", "expression"))
    return Preset(path.stem, face, expression, checked, about)


def _allowed() -> list[Parameter]:
    """Return the rows that a preset may set."""
    return [
        row for row in PARAMETERS if row.kind not in ("trigger", "toggle") and row.name != "preset"
    ]


def _allowed_text() -> str:
    names = [row.name for row in _allowed() if not (row.routes or row.of_channel)]
    return ", ".join([*names, "channel.N.gain …", "route.CHANNEL.SOURCE.amount …"])


def _flat(table: dict[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Yield names and values; TOML's nesting by dots becomes the parameters' by slashes."""
    for key, value in table.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{prefix}{key}/")
        else:
            yield prefix + key, value


def _as_key(name: str) -> str:
    return name.replace("/", ".")


def _checked(name: str, value: object, stock: Stock) -> float | str:
    parameter = BY_NAME[name]
    if parameter.kind == "float":
        return number_in_range(parameter, value)
    return choose(name, stock.names(name), value, first=1)


def scan_presets(
    *,
    faces: list[str],
    expressions: list[str],
    other_faces: Collection[str] = (),
    folders: list[Path] | None = None,
) -> dict[str, Preset]:
    """Return all valid presets by name, in the order of their names.

    A bad file is left out and logged: a typing mistake must not prevent the show. So is a preset
    with a face of another generator, which is no mistake.
    """
    names: dict[str, Any] = {"faces": faces, "expressions": expressions, "other_faces": other_faces}
    found: dict[str, Preset] = {}
    for folder in preset_folders() if folders is None else folders:
        for path in sorted(folder.glob("*.toml")):
            try:
                found[path.stem] = read_preset(path, **names)
            except OfAnotherGeneratorError as error:
                _log.debug("preset left out: %s", error)
            except InputError as error:
                _log.warning("preset left out: %s", error)
    return dict(sorted(found.items()))


def load_stock(
    faces: list[str], expressions: list[str], *, other_faces: Collection[str] = ()
) -> Stock:
    """Return the faces, expressions and presets that can be chosen in a show.

    other_faces: see ``read_preset``.
    """
    presets = scan_presets(faces=faces, expressions=expressions, other_faces=other_faces)
    return Stock(faces, expressions, presets)
