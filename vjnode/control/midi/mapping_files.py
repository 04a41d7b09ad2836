"""Mapping files: those that ship, the user's own, and what learning adds to them.

A mapping's name is its file's name. A file in ``midi`` in the system's configuration folder for
vjnode replaces a shipped one of the same name.
"""

import logging
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from vjnode.control.midi.mapping import Control, Mapping
from vjnode.control.midi.mapping_reader import VERSION, parse_mapping, read_mapping
from vjnode.errors import InputError, VjnodeError
from vjnode.paths import config_dir, replace_file, shipped

_log = logging.getLogger(__name__)


def mapping_folders() -> list[Path]:
    """Return the folders that mappings are looked for in; later ones override earlier ones."""
    return [shipped("midi"), config_dir("midi")]


def scan_mappings(folders: Sequence[Path] | None = None) -> dict[str, Mapping]:
    """Return all valid mappings by name; a bad file is left out and logged, as of presets."""
    found: dict[str, Mapping] = {}
    for folder in mapping_folders() if folders is None else folders:
        for path in sorted(folder.glob("*.toml")):
            try:
                found[path.stem] = read_mapping(path)
            except InputError as error:
                _log.warning("MIDI mapping left out: %s", error)
    return dict(sorted(found.items()))


def mapping_for(port: str, mappings: Iterable[Mapping]) -> Mapping | None:
    """Return the mapping that matches most of a port's name; None for none."""
    best = max(mappings, key=lambda one: one.fit(port), default=None)
    return best if best is not None and best.fit(port) else None


def add_control(port: str, lines: str, mappings: Iterable[Mapping]) -> tuple[Path, Control]:
    """Add a control to the user's mapping for a port; return the mapping's file, and the control.

    The user's file begins as a copy of the shipped one, if there is one for that port. What stands
    later in a file counts, so that the new control replaces an old one on the same message.

    lines: the ``[[control]]`` as TOML.

    Raises:
        InputError: there can be no such control, or the file is wrong already; it is unchanged.
        VjnodeError: the file cannot be read or written; likewise.
    """
    known = mapping_for(port, mappings)
    port = re.sub(r" \(\d+\)$", "", port)  # a second of one name does the same
    name = known.name if known is not None else _file_name(port)
    path = config_dir("midi") / f"{name}.toml"
    if path.exists():
        read_mapping(path)
        text = path.read_text("utf-8")
    elif known is not None:
        text = shipped("midi", f"{name}.toml").read_text("utf-8")
    else:
        shown = port.replace("\\", "").replace('"', "")
        text = f'version = {VERSION}\nabout = "{shown}"\nmatch = ["{shown}"]\n'
    whole = text.rstrip("\n") + "\n\n" + lines
    try:
        control = parse_mapping(name, whole).controls[-1]
    except InputError as error:
        raise InputError(str(error.__cause__ or error)) from error
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, whole.encode())
    except OSError as error:
        raise VjnodeError(f"{path} cannot be written: {error.strerror or error}") from error
    return path, control


def _file_name(port: str) -> str:
    """Return a name for a file that is one on any system: words of plain letters and digits."""
    return re.sub(r"[^a-z0-9]+", "_", port.casefold()).strip("_")[:60] or "controller"
