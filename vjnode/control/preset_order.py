"""Order of presets, kept in a file of its own: presets that ship have a place in it, too."""

import json
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path

from vjnode.errors import InputError, reason_of
from vjnode.paths import config_dir, replace_file_with_backup

VERSION = 1
"""Version of the file's layout; increased when an old file would be misread."""


def order_file() -> Path:
    """Return the path of the file, which need not be there."""
    return config_dir("preset_order.toml")


def read_order(path: Path) -> list[str]:
    """Return the names in a file; none where there is no file.

    Raises:
        InputError: it cannot be read, or holds something else.
    """
    try:
        told = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return []
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(
            f"the order of presets {path} cannot be read: {reason_of(error)}"
        ) from error
    names = told.get("order")
    if told.get("version") != VERSION or not isinstance(names, list):
        raise InputError(
            f"the order of presets {path} needs 'order = [\"NAME\", …]' and 'version = {VERSION}'"
        )
    return [str(name) for name in names]


def write_order(path: Path, names: Iterable[str]) -> None:
    """Write the names to a file, in one step.

    Raises:
        OSError: it cannot be written; the file is as it was.
    """
    lines = [f"    {json.dumps(name)},\n" for name in names]  # a text in JSON is one in TOML
    text = f"order = [\n{''.join(lines)}]\nversion = {VERSION}\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file_with_backup(path, text.encode())


def ordered(names: Iterable[str], order: Sequence[str]) -> list[str]:
    """Return names in their order: those that it has first, all others by name."""
    there = set(names)
    first = [name for name in dict.fromkeys(order) if name in there]
    return [*first, *sorted(there.difference(first))]
