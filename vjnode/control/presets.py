"""Presets: small TOML files that a person can edit, found by scanning two folders.

A preset's name is its file's name. The folder that ships with vjnode comes first, then the
user's own (``presets`` in the system's configuration folder for vjnode); a file there
replaces a shipped one of the same name.
"""

import logging
import os
import tomllib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from vjnode.control.parameter import Parameter, number_in_range
from vjnode.control.parameters import BY_NAME, PARAMETERS
from vjnode.control.preset_order import order_file, ordered, read_order
from vjnode.control.state import Preset, Stock
from vjnode.errors import InputError, reason_of
from vjnode.naming import choose
from vjnode.paths import config_dir, shipped

VERSION = 1
"""Version of the file's layout; increased when an old file would be misread."""

OF_THE_SHOW = ("preset", "safe_preset", "set")
"""Choices that are no preset's matter."""

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
        values = dict(_flat(tomllib.loads(path.read_text("utf-8"))))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"the preset {path} cannot be read: {reason_of(error)}") from error
    if unknown := set(values) - {"version", "about"} - {row.name for row in allowed()}:
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


def allowed() -> list[Parameter]:
    """Return the rows that a preset may set."""
    return [
        row
        for row in PARAMETERS
        if row.kind not in ("trigger", "toggle") and row.name not in OF_THE_SHOW
    ]


def _allowed_text() -> str:
    names = [row.name for row in allowed() if not (row.routes or row.of_channel)]
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


class PresetShelf:
    """All valid presets, read anew when a file has changed.

    A bad file is left out and logged, once: a typing mistake must not prevent the show. One that
    was good before stays as it was. A preset with a face of another generator is left out, too,
    which is no mistake.

    Args:
        faces, expressions, other_faces: see ``read_preset``.
        folders: None for those that ship and the user's own; later ones override earlier ones.
        order: file with their order; None for the user's own.
        told: whether bad files have been logged already, as they are now.

    """

    def __init__(
        self,
        *,
        faces: list[str],
        expressions: list[str],
        other_faces: Collection[str] = (),
        folders: list[Path] | None = None,
        order: Path | None = None,
        told: bool = False,
    ) -> None:
        self._told = told
        self._names: dict[str, Any] = {
            "faces": faces,
            "expressions": expressions,
            "other_faces": other_faces,
        }
        self._folders = preset_folders() if folders is None else folders
        self._order = order_file() if order is None else order
        self._good: dict[str, Preset] = {}
        self._said: set[str] = set()
        self._stamps: Mapping[str, tuple[int, int, int]] = {}
        self.presets: Mapping[str, Preset] = {}
        """Those that were there at the last look, by name, in their order."""
        self.refresh()
        self._told = False

    def refresh(self) -> bool:
        """Look whether files have changed, and read them if so; returns whether they have.

        A recall waits for the look, so it keeps to plain paths: with pathlib's it took 9 ms where
        there are 500.
        """
        files = [path for folder in self._folders for path in _files(folder)]
        stamps = {path: _stamp(path) for path in (*files, str(self._order))}
        before, self._stamps = self._stamps, stamps
        if stamps == before:
            return False
        found: dict[str, Preset] = {}
        self._good = {path: preset for path, preset in self._good.items() if path in stamps}
        for path in files:
            if stamps[path] != before.get(path):
                self._read(path)
            if (preset := self._good.get(path)) is not None:
                found[Path(path).stem] = preset
        try:
            order = read_order(self._order)
        except InputError as error:
            self._say(str(error))
            order = list(self.presets)
        self.presets = {name: found[name] for name in ordered(found, order)}
        return True

    def _read(self, path: str) -> None:
        """Take over what a file holds now, or else leave it at what it held before."""
        try:
            self._good[path] = read_preset(Path(path), **self._names)
        except OfAnotherGeneratorError as error:
            _log.debug("preset left out: %s", error)
            self._good.pop(path, None)
        except InputError as error:
            kept = "preset left as it was" if path in self._good else "preset left out"
            self._say(f"{kept}: {error}")

    def _say(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            _log.log(logging.DEBUG if self._told else logging.WARNING, "%s", text)


def _files(folder: Path) -> list[str]:
    """Return the paths of the presets in a folder, in order; none where it is not there."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.path for entry in entries if entry.name.endswith(".toml"))
    except OSError:
        return []


def _stamp(path: str) -> tuple[int, int, int]:
    """Return what changes with a file; one that is not there has zeros."""
    try:
        told = os.stat(path)  # noqa: PTH116 - see ``PresetShelf.refresh``
    except OSError:
        return 0, 0, 0
    return told.st_mtime_ns, told.st_size, told.st_ino


def scan_presets(
    *,
    faces: list[str],
    expressions: list[str],
    other_faces: Collection[str] = (),
    folders: list[Path] | None = None,
) -> Mapping[str, Preset]:
    """Return all valid presets by name, in their order; see ``PresetShelf``."""
    return PresetShelf(
        faces=faces, expressions=expressions, other_faces=other_faces, folders=folders
    ).presets


def load_stock(
    faces: list[str], expressions: list[str], *, other_faces: Collection[str] = ()
) -> Stock:
    """Return the faces, expressions and presets that can be chosen in a show.

    other_faces: see ``read_preset``.
    """
    presets = scan_presets(faces=faces, expressions=expressions, other_faces=other_faces)
    return Stock(faces, expressions, presets)
