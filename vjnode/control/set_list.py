"""Set list: the presets of an evening in their order, each with notes, a morph and a length."""

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from vjnode.control.parameter import MAX_SHOWN
from vjnode.control.parameters import find
from vjnode.errors import InputError, reason_of
from vjnode.naming import check_new_name, choose

VERSION = 1
"""Version of the file's layout; increased when an old file would be misread."""

SECONDS_HIGH, BARS_HIGH = 86400.0, 9999.0
"""Longest time that an entry may last."""

ENTRIES_HIGH = 999
NOTES_HIGH = 300
"""Characters of notes, which are sent about."""

_KEYS = ("preset", "name", "notes", "morph", "morph_bars", "seconds", "bars")
_VERBS = frozenset({"next", "previous", "random", "go"})


@dataclass(frozen=True)
class SetEntry:
    """An entry of a set list.

    preset: its name. notes: for people.
    morph_s, morph_bars: length of the way to it; None: as the preset and the show have it.
    seconds, bars: time after which the next one comes by itself; None: it waits for somebody.
    """

    preset: str
    notes: str = ""
    morph_s: float | None = None
    morph_bars: float | None = None
    seconds: float | None = None
    bars: float | None = None


SetList = Mapping[str, SetEntry]
"""Entries by their names, in their order."""


def lacking(entries: SetList, presets: Collection[str]) -> set[str]:
    """Return the names of entries whose preset there is not any more."""
    return {name for name, entry in entries.items() if entry.preset not in presets}


def playable(entries: SetList, presets: Collection[str], on: str) -> SetList:
    """Return the entries that can be stepped to. on: name of the one that is on, which stays."""
    gone = lacking(entries, presets) - {on}
    return {name: entry for name, entry in entries.items() if name not in gone}


def renamed(entries: SetList, old: str, new: str) -> SetList:
    """Return entries with another name for one of their presets."""
    return {
        name: replace(entry, preset=new) if entry.preset == old else entry
        for name, entry in entries.items()
    }


def read_set_list(path: Path, presets: Collection[str]) -> dict[str, SetEntry]:
    """Read a set list. presets: names to choose from.

    An entry without a name has its preset's; one that is there already gets a number behind it.

    Raises:
        InputError: unreadable, not TOML, an unknown key or preset, or a value out of range.
    """
    try:
        told = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"the set list {path} cannot be read: {reason_of(error)}") from error
    entries = told.get("entry")
    if told.get("version") != VERSION or not isinstance(entries, list) or not entries:
        raise InputError(
            f"the set list {path} needs 'version = {VERSION}', and an [[entry]] with a preset for "
            "each of its parts"
        )
    if len(entries) > ENTRIES_HIGH:
        raise InputError(f"the set list {path} has {len(entries)} entries; take {ENTRIES_HIGH}")
    found: dict[str, SetEntry] = {}
    for number, row in enumerate(entries, 1):
        try:
            name, entry = _read_entry(row, list(presets))
            if name in found and "name" in row:
                raise InputError(f"there is an entry {name!r} already")
        except InputError as error:
            raise InputError(f"entry {number} of the set list {path}: {error}") from error
        again = 2
        unique = name
        while unique in found:
            unique, again = f"{name}-{again}", again + 1
        found[unique] = entry
    return found


def _read_entry(row: object, presets: list[str]) -> tuple[str, SetEntry]:
    """Return the name and the entry in a table.

    Raises:
        InputError: see ``read_set_list``.
    """
    if not isinstance(row, dict):
        raise InputError("it is no table")
    if unknown := set(row) - set(_KEYS):
        raise InputError(f"unknown key '{min(unknown)[:MAX_SHOWN]}'; there are: {', '.join(_KEYS)}")
    if "preset" not in row:
        raise InputError("it does not name its preset")
    preset = choose("preset", presets, row["preset"], first=1)
    if not isinstance(name := row.get("name", preset), str):
        raise InputError(f"name takes a text, not {name!r:.{MAX_SHOWN}}")
    if "name" in row:
        check_new_name("entry", name)
        if name in _VERBS or name.isdigit():
            raise InputError(f"{name!r} cannot be the name of an entry; it means something else")
    for one, other in (("morph", "morph_bars"), ("seconds", "bars")):
        if one in row and other in row:
            raise InputError(f"{one} and {other} say two things; leave one of them out")
    notes = "".join(c for c in str(row.get("notes", "")) if c.isprintable())[:NOTES_HIGH]
    entry = SetEntry(
        preset,
        notes,
        _number(row, "morph", 0.0, find("morph").high),
        _number(row, "morph_bars", 0.0, find("morph_bars").high),
        _number(row, "seconds", 0.1, SECONDS_HIGH),
        _number(row, "bars", 1.0, BARS_HIGH),
    )
    return name, entry


def _number(row: Mapping[str, object], key: str, low: float, high: float) -> float | None:
    if key not in row:
        return None
    value = row[key]
    if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
        return float(value)
    raise InputError(f"{key} takes a number from {low:g} to {high:g}, not {value!r:.{MAX_SHOWN}}")
