"""Saved state of a show: every parameter, in a file that the next show can go on from."""

import json
import logging
from collections.abc import Mapping
from pathlib import Path

from vjnode.control.parameter import MAX_SHOWN, Value, fires, number_in_range
from vjnode.control.parameters import BY_NAME
from vjnode.control.state import Controls, Stock
from vjnode.errors import InputError

_log = logging.getLogger(__name__)

VERSION = 1
"""Version of the file's layout; increased when an old file would be misread."""


def state_text(controls: Controls, *, ended: bool) -> str:
    """Return the content of the file. ended: whether the show has ended in order."""
    changed = controls.changed().items()
    values = {key: value for key, value in changed if BY_NAME[key].kind != "trigger"}
    said = {"version": VERSION, "ended": ended, "values": values}
    return json.dumps(said, indent=1, ensure_ascii=False) + "\n"


def read_state(path: Path) -> tuple[dict[str, object], bool]:
    """Return the values in a file by key, not checked, and whether that show ended in order.

    Raises:
        FileNotFoundError: there is none.
        InputError: it cannot be read, or is no whole state.
    """
    try:
        said = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"the state {path} cannot be read: {error}") from error
    if not isinstance(said, dict) or said.get("version") != VERSION:
        raise InputError(f"the state {path} needs a version of {VERSION}")
    values, ended = said.get("values"), said.get("ended")
    if not isinstance(values, dict) or not isinstance(ended, bool):
        raise InputError(f"the state {path} has no values, or does not say whether it has ended")
    return values, ended


def resumed(path: Path, controls: Controls, stock: Stock, *, always: bool) -> Controls:
    """Return the controls that a show goes on from, or ``controls`` where there are none.

    After a crash it goes on by itself. always: after an end in order, too.

    What a file says that cannot be had any more, and a file that cannot be read, is logged.
    """
    try:
        values, ended = read_state(path)
    except FileNotFoundError:
        return controls
    except InputError as error:
        _log.warning("nothing is resumed: %s", error)
        return controls
    if ended and not always:
        return controls
    restored = _restored(values, controls, stock)
    _log.info(
        "the show goes on %s: %s with %s, preset %s",
        "from its last state" if ended else "after a crash",
        restored.choice("face"),
        restored.choice("expression"),
        restored.choice("preset") or "none",
    )
    return restored


def _restored(values: Mapping[str, object], controls: Controls, stock: Stock) -> Controls:
    """Return the controls of a file; those that cannot be had are as in ``controls``."""
    restored = Controls("", "", "")
    for name in dict.fromkeys(("face", "expression", *values)):
        try:
            kept = _checked(name, values.get(name), stock)
        except InputError as error:
            _log.warning("%s is not resumed: %s", name[:MAX_SHOWN], error)
            if name not in BY_NAME:
                continue
            kept = controls.value(name)
        restored = restored.with_(**{name: kept})
    return stock.fitted(restored)


def _checked(name: str, value: object, stock: Stock) -> Value:
    """Return a value that its parameter can have.

    Raises:
        InputError: it cannot, or there is no such parameter.
    """
    if (row := BY_NAME.get(name)) is None or row.kind == "trigger":
        raise InputError("there is no such parameter with a value")
    if row.kind == "float":
        return number_in_range(row, value)
    if row.kind == "toggle":
        return fires(row, value)
    if isinstance(value, str) and (value in stock.names(name) or (not value and not row.default)):
        return value
    raise InputError(f"there is no {value!r:.{MAX_SHOWN}}")
