"""Reading OSC maps: TOML files that a person can edit, checked against the tables.

A map's name is its file's name. A file in ``osc`` in the system's configuration folder for vjnode
replaces a shipped one of the same name.
"""

import difflib
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vjnode.control.address import ROOT
from vjnode.control.destination import Sender
from vjnode.control.features import FEATURES, Feature
from vjnode.control.osc_map import TYPES, MapLine, OscMap, Type
from vjnode.control.osc_validation import is_address
from vjnode.control.parameter import MAX_SHOWN, Parameter
from vjnode.control.parameters import BY_NAME, KNOWN
from vjnode.control.toml_tables import check_keys, read_flag, read_number
from vjnode.errors import InputError, reason_of
from vjnode.paths import config_dir, shipped

VERSION = 1
"""Version of the file's layout; increased when an old file would be misread."""

RATE, RATE_HIGH = 30.0, 120.0
"""Times a second that a feature is sent which is measured all the time, and the most."""

MOST_LINES = 512

_TOP_KEYS = ("version", "about", "to", "rate", "send")
_LINE_KEYS = ("from", "address", "to", "type", "in", "out", "rate", "skip", "release")
_HEAD = re.compile(r"\s*\[\[\s*send\s*\]\]")
_TYPE_OF: Mapping[str, Type] = {"float": "f", "choice": "s", "toggle": "i", "trigger": "i"}


def map_folders() -> list[Path]:
    """Return the folders that maps are looked for in; later ones override earlier ones."""
    return [shipped("osc"), config_dir("osc")]


def find_map(text: str) -> tuple[Path, Sender | None]:
    """Return the file that ``NAME[,to=HOST:PORT]`` or ``FILE.toml[,to=HOST:PORT]`` means.

    Also the place that its values are to go to, if one is given.

    Raises:
        InputError: there is no such map, or something else stands behind the comma.
    """
    name, comma, more = text.partition(",to=")
    target = _target(more) if comma else None
    if "/" in name or "\\" in name or name.endswith(".toml"):
        return Path(name).expanduser(), target
    found = {path.stem: path for folder in map_folders() for path in sorted(folder.glob("*.toml"))}
    if name not in found:
        raise InputError(
            f"there is no OSC map {name!r:.{MAX_SHOWN}}; there are: {', '.join(sorted(found))}; "
            "or name a file: --osc-map FILE.toml"
        )
    return found[name], target


def read_map(text: str) -> OscMap:
    """Read the map that ``text`` means; see ``find_map``.

    Raises:
        InputError: unreadable, not TOML, an unknown key, or a value that does not fit; it names
            the file and the line.
    """
    path, target = find_map(text)
    try:
        written = path.read_text("utf-8")
        table = tomllib.loads(written)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"the OSC map {path} cannot be read: {reason_of(error)}") from error
    try:
        return _map(path.stem, table, target, written.splitlines())
    except InputError as error:
        raise InputError(f"the OSC map {path} is wrong: {error}") from error


def _map(name: str, table: Mapping[str, Any], target: Sender | None, lines: list[str]) -> OscMap:
    check_keys(table, _TOP_KEYS)
    if table.get("version") != VERSION:
        raise InputError(f"it needs 'version = {VERSION}', not {table.get('version')!r}")
    rate = read_number(table, "rate", 0.0, RATE_HIGH, RATE)
    entries = table.get("send", [])
    if not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
        raise InputError("'send' is written as [[send]]")
    if not 1 <= len(entries) <= MOST_LINES:
        raise InputError(f"it has {len(entries)} [[send]]; 1 to {MOST_LINES} are taken")
    places = [number for number, line in enumerate(lines, 1) if _HEAD.match(line)]
    read = []
    for number, entry in enumerate(entries):
        try:
            read.append(_line(entry, table.get("to"), target, rate))
        except InputError as error:
            line = places[number] if len(places) == len(entries) else 0
            place = f"[[send]] at line {line}" if line else f"[[send]] number {number + 1}"
            raise InputError(f"{place}: {error}") from error
    return OscMap(name, str(table.get("about", "")), tuple(read))


def _line(entry: Mapping[str, Any], to: object, target: Sender | None, rate: float) -> MapLine:
    check_keys(entry, _LINE_KEYS)
    source = _source(entry.get("from"))
    address = entry.get("address")
    if not isinstance(address, str) or not is_address(address):
        raise InputError(
            f"'address' is an OSC address such as \"/level\", not {address!r:.{MAX_SHOWN}}"
        )
    kind = entry.get("type", source.type if isinstance(source, Feature) else _TYPE_OF[source.kind])
    if kind not in TYPES:
        raise InputError(f"'type' is one of {', '.join(TYPES)}, not {kind!r:.{MAX_SHOWN}}")
    low, high, to_low, to_high = _ranges(entry, source)
    if kind == "s" and to_low is not None:
        raise InputError("a text is not scaled: leave 'out' away, or make 'type' f or i")
    measured = isinstance(source, Feature) and source.when == "rate"
    line = MapLine(
        source,
        target or _target(entry.get("to", to)),
        address,
        kind,
        low,
        high,
        to_low,
        to_high,
        read_number(entry, "rate", 0.0, RATE_HIGH, rate if measured else 0.0),
        read_number(entry, "skip", -1e9, 1e9, 0.0) if "skip" in entry else None,
        read_flag(entry, "release", default=False),
    )
    if not line.happens and line.release:
        raise InputError("'release' is for what happens: triggers, beat, bar and onset")
    if line.happens and "rate" in entry:
        raise InputError("'rate' is for what has a value all the time; this just happens")
    return line


def _source(given: object) -> Parameter | Feature:
    """Return what is to be sent."""
    if isinstance(given, str):
        name = given.removeprefix(ROOT)
        found = FEATURES.get(name) or BY_NAME.get(name)
        if found is not None:
            return found
    near = difflib.get_close_matches(str(given)[:MAX_SHOWN], [*FEATURES, *BY_NAME], n=1)
    hint = f"did you mean '{near[0]}'? " if near else ""
    raise InputError(
        f"'from' is {given!r:.{MAX_SHOWN}}, which is nothing that there is; {hint}"
        f"features: {', '.join(FEATURES)}; parameters: {KNOWN}"
    )


def _ranges(
    entry: Mapping[str, Any], source: Parameter | Feature
) -> tuple[float | None, float | None, float | None, float | None]:
    """Return the range of the source, and that which it becomes."""
    low, high = _span(entry, "in")
    to_low, to_high = _span(entry, "out")
    if low is not None and high is not None and low >= high:
        raise InputError(f"'in' goes from {low:g} to {high:g}; turn 'out' round instead")
    if to_low is not None and low is None:
        low, high = _own_range(source)
        if low >= high:
            raise InputError(f"{source.name} has no range of its own: give 'in' as well as 'out'")
    return low, high, to_low, to_high


def _own_range(source: Parameter | Feature) -> tuple[float, float]:
    if isinstance(source, Parameter):
        switch = source.kind in ("toggle", "trigger")
        return (0.0, 1.0) if switch else (source.low, source.high)
    return (0.0, 1.0) if source.when == "event" else (source.low, source.high)


def _span(entry: Mapping[str, Any], key: str) -> tuple[float | None, float | None]:
    if key not in entry:
        return None, None
    given = entry[key]
    if not isinstance(given, list) or len(given) != 2:
        raise InputError(f"'{key}' is two numbers, such as [0.0, 1.0], not {given!r:.{MAX_SHOWN}}")
    first, second = ({key: one} for one in given)
    return read_number(first, key, -1e9, 1e9, 0.0), read_number(second, key, -1e9, 1e9, 0.0)


def _target(given: object) -> Sender:
    if isinstance(given, str):
        host, _, port = given.rpartition(":")
        if host and port.isascii() and port.isdigit() and 1 <= int(port) <= 65535:
            return host, int(port)
    raise InputError(f"'to' is HOST:PORT, such as \"127.0.0.1:7000\", not {given!r:.{MAX_SHOWN}}")
