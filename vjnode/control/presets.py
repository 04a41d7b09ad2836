"""Presets: small TOML files that a person can edit, found by scanning two folders.

A preset's name is its file's name. The folder that ships with vjnode comes first, then the
user's own (``presets`` in the system's configuration folder for vjnode); a file there
replaces a shipped one of the same name.
"""

import logging
import tomllib
from pathlib import Path

import platformdirs

from vjnode.control.parameters import BY_NAME, Controls, Stock, number_in_range
from vjnode.errors import InputError
from vjnode.naming import choose
from vjnode.storage import shipped

VERSION = 1
"""The layout of the file; raised when an old file would be misread."""

_log = logging.getLogger(__name__)


def preset_folders() -> list[Path]:
    """Return the folders that presets are looked for in, the later one winning."""
    own = Path(platformdirs.user_config_dir("vjnode", appauthor=False)) / "presets"
    return [shipped(), own]


def read_preset(path: Path, *, faces: list[str], expressions: list[str]) -> tuple[Controls, str]:
    """Read one preset; returns its settings and its one-line description.

    Raises:
        InputError: unreadable, not TOML, an unknown key, or a value out of range.
    """
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"the preset {path} cannot be read: {error}") from error
    allowed = {"version", "about", *(name for name in BY_NAME if name != "preset")}
    if unknown := set(table) - allowed:
        raise InputError(
            f"the preset {path} has an unknown key '{min(unknown)}'; "
            f"there are: {', '.join(sorted(allowed))}"
        )
    if (version := table.get("version")) != VERSION:
        raise InputError(f"the preset {path} needs 'version = {VERSION}', not {version!r}")
    for name in ("face", "expression"):
        if name not in table:
            raise InputError(f"the preset {path} does not name its {name}")
    try:
        controls = Controls(
            preset=path.stem,
            face=choose("face", faces, table["face"]),
            expression=choose("expression", expressions, table["expression"]),
            **{
                name: number_in_range(parameter, table[name])
                for name, parameter in BY_NAME.items()
                if parameter.kind == "float" and name in table
            },
        )
    except InputError as error:
        raise InputError(f"the preset {path} is wrong: {error}") from error
    return controls, str(table.get("about", ""))


def scan_presets(
    *, faces: list[str], expressions: list[str], folders: list[Path] | None = None
) -> dict[str, tuple[Controls, str]]:
    """Return every good preset by name, in the order of their names.

    A bad file is left out and logged: the show must not hang on a typing mistake.
    """
    found: dict[str, tuple[Controls, str]] = {}
    for folder in preset_folders() if folders is None else folders:
        for path in sorted(folder.glob("*.toml")):
            try:
                found[path.stem] = read_preset(path, faces=faces, expressions=expressions)
            except InputError as error:
                _log.warning("preset left out: %s", error)
    return dict(sorted(found.items()))


def load_stock(faces: list[str], expressions: list[str]) -> Stock:
    """Return everything that can be chosen in a show."""
    presets = scan_presets(faces=faces, expressions=expressions)
    return Stock(faces, expressions, {name: controls for name, (controls, _) in presets.items()})
