"""The user's own presets: saved from what is on, renamed, deleted, and put in order.

They are kept beside those that ship, which stay as they are: one of the user's own stands for a
shipped one of the same name.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from vjnode.control.parameter import Value
from vjnode.control.parameters import BY_NAME
from vjnode.control.preset_order import order_file, read_order, write_order
from vjnode.control.presets import VERSION, allowed
from vjnode.control.state import Controls, Preset
from vjnode.errors import InputError, VjnodeError
from vjnode.modulation.matrix import CHANNELS
from vjnode.naming import check_new_name
from vjnode.paths import backup_of, config_dir, move, replace_file_with_backup, shipped

DIGITS = 7
"""Digits of a number in a file; OSC's floats have no more."""

MOST = 500
"""Presets that the user's folder takes: whoever can send OSC could fill a disk."""

TAKEN = frozenset({"next", "previous", "random", "save", "rename", "delete", "move", "go"})
"""Names that stand for something else in an address."""


def check_preset_name(name: str) -> None:
    """Refuse a name that a new preset cannot have.

    Raises:
        InputError: it has other characters, is too long, a number, or part of an address.
    """
    check_new_name("preset", name)
    if name in TAKEN or name.isdigit():
        why = "is a number" if name.isdigit() else f"means something else in /vjnode/preset/{name}"
        raise InputError(f"{name!r} cannot be the name of a preset: it {why}")


def captured(
    controls: Controls, name: str, *, about: str = "", named: Iterable[str] = ()
) -> Preset:
    """Return a preset that brings back what ``controls`` are.

    named: parameters that it sets in any case. Others that belong to the room and the song stay
    out of it.
    """
    keys = {BY_NAME[one].key for one in named}
    looks = ("face", "expression")
    rows = [row for row in allowed() if row.name == row.key and row.name not in looks]
    values: dict[str, float | str] = {}
    for row in rows:
        value = controls.value(row.name)
        moved = not row.stays and value != row.default
        if isinstance(value, float | str) and (moved or row.key in keys):
            values[row.name] = value
    return Preset(name, controls.choice("face"), controls.choice("expression"), values, about)


def preset_text(preset: Preset) -> str:
    """Return the content of a preset's file.

    Its version stands at the end: a file that is not whole has none, and is refused.
    """
    told: dict[str, Value] = {
        "about": "".join(one for one in preset.about if one.isprintable()),
        "face": preset.face,
        "expression": preset.expression,
    }
    each = {**told, **preset.values}.items()
    lines = [f"{_as_key(name)} = {_as_toml(value)}" for name, value in each]
    return "\n".join([*lines, f"version = {VERSION}", ""])


def _as_key(name: str) -> str:
    """Return the key for a parameter; ``expression`` has a value, so that nothing is below it."""
    if name in CHANNELS[1:]:
        return f"channel.{CHANNELS.index(name) + 1}.expression"
    return name.replace("/", ".")


def _as_toml(value: Value) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)  # a text in JSON is one in TOML
    assert isinstance(value, float)  # noqa: S101 - a preset has no other
    return repr(float(f"{value:.{DIGITS}g}"))


def own_folder() -> Path:
    """Return the folder of the user's presets, which need not be there."""
    return config_dir("presets")


def save_preset(preset: Preset, folder: Path | None = None) -> str:
    """Keep a preset in the user's folder; one of the same name there is kept as NAME.toml.bak.

    folder: None for the user's.

    Returns: a line about it, for people.

    Raises:
        InputError: see ``check_preset_name``; or there are too many.
        VjnodeError: it cannot be written; what was there is as it was.
    """
    check_preset_name(preset.name)
    path = (folder or own_folder()) / f"{preset.name}.toml"
    if not path.exists() and len([*path.parent.glob("*.toml")]) >= MOST:
        raise InputError(f"there are {MOST} presets in {path.parent}, which is the most")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file_with_backup(path, preset_text(preset).encode(errors="replace"))
    except OSError as error:
        raise VjnodeError(f"{path} cannot be written ({error.strerror or error})") from error
    ships = ", which stands for the one that ships" if preset.name in _shipped_names() else ""
    return f"saved {preset.name}{ships}: {path}"


def rename_preset(
    old: str,
    new: str,
    presets: Mapping[str, Preset],
    folder: Path | None = None,
    order: Path | None = None,
) -> str:
    """Give a preset of the user's another name, at the same place in the order.

    presets: those that there are. folder: see ``save_preset``. order: file with the order; None
    for the user's.

    Returns: a line about it, for people.

    Raises:
        InputError: it is none of the user's, or the new name cannot be or is taken.
        VjnodeError: it cannot be written.
    """
    path = _own(old, folder or own_folder())
    check_preset_name(new)
    target = path.with_name(f"{new}.toml")
    if new in presets or target.exists():
        raise InputError(
            f"there is a preset {new!r} already; delete it first, or take another name"
        )
    try:
        move(path, target)
        if backup_of(path).exists():
            move(backup_of(path), backup_of(target))
        placed = read_order(order or order_file())
        if old in placed:
            write_order(order or order_file(), [new if name == old else name for name in placed])
    except OSError as error:
        raise VjnodeError(f"{path} cannot be renamed ({error.strerror or error})") from error
    return f"renamed {old} to {new}"


def delete_preset(name: str, folder: Path | None = None) -> str:
    """Delete a preset of the user's, and keep its file as NAME.toml.bak.

    Returns: a line about it, for people.

    Raises:
        InputError: it is none of the user's.
        VjnodeError: it cannot be done.
    """
    path = _own(name, folder or own_folder())
    try:
        move(path, backup_of(path))
    except OSError as error:
        raise VjnodeError(f"{path} cannot be deleted ({error.strerror or error})") from error
    again = "; the one that ships is there again" if name in _shipped_names() else ""
    return f"deleted {name}; its file is kept as {backup_of(path)}{again}"


def move_preset(
    name: str, number: int, presets: Mapping[str, Preset], order: Path | None = None
) -> str:
    """Put a preset at another place in the order of all. number: from 1.

    Returns: a line about it, for people.

    Raises:
        InputError: there is no such preset, or no such place.
        VjnodeError: the order cannot be written.
    """
    if name not in presets:
        raise InputError(f"there is no preset {name[:64]!r}; there are: {', '.join(presets)}")
    if not 1 <= number <= len(presets):
        raise InputError(
            f"there is no place {number} for a preset; they go from 1 to {len(presets)}"
        )
    names = [one for one in presets if one != name]
    names.insert(number - 1, name)
    path = order or order_file()
    try:
        write_order(path, names)
    except OSError as error:
        raise VjnodeError(f"{path} cannot be written ({error.strerror or error})") from error
    return f"{name} is number {number}"


def _shipped_names() -> set[str]:
    return {path.stem for path in shipped().glob("*.toml")}


def _own(name: str, folder: Path) -> Path:
    """Return the file of one of the user's presets, found in a list of them.

    Raises:
        InputError: there is none.
    """
    own = {path.stem: path for path in sorted(folder.glob("*.toml"))}
    if (path := own.get(name)) is None:
        there = ", ".join(own) or "none yet"
        raise InputError(f"{name[:64]!r} is not a preset of your own; there are: {there}")
    return path
