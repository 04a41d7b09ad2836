"""Options that several commands share, and the controls that they ask for."""

import argparse
from pathlib import Path

from vjnode.control.controls import Controls, Stock, change
from vjnode.control.parameters import AGC_MODES, find
from vjnode.drive.interpolate import COUNT, INTERVAL_S
from vjnode.engine.base import SIZES
from vjnode.errors import InputError

DEFAULT_PRESET = "stage"

_WITH_OPTION = ("face", "expression", "gain", "agc", "gate", "bpm")


def add_look(parser: argparse.ArgumentParser) -> None:
    """Add what is shown, and how the sound acts on it."""
    parser.add_argument("--preset", metavar="NAME", help=f"default: {DEFAULT_PRESET}")
    parser.add_argument("--face", metavar="NAME", help="instead of the preset's")
    parser.add_argument("--expression", metavar="NAME", help="instead of the preset's")
    parser.add_argument("--gain", type=float, metavar="X", help="0 to 4, instead of the preset's")
    agc, gate, bpm = (find(name) for name in ("agc", "gate", "bpm"))
    parser.add_argument("--agc", metavar="|".join(AGC_MODES), help=agc.about)
    for name, row, metavar in (("--gate", gate, "DBFS"), ("--bpm", bpm, "X")):
        parser.add_argument(name, type=float, metavar=metavar, help=f"{row.about}: {row.takes}")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="repeatable: whatever OSC can set, by its address after /vjnode/",
    )


def add_picture(parser: argparse.ArgumentParser) -> None:
    """Add size and rate of the pictures."""
    parser.add_argument("--size", type=int, default=SIZES[0], metavar="|".join(map(str, SIZES)))
    parser.add_argument("--fps", default="60", metavar="N", help="frames/s (default: 60)")


def add_interpolation(parser: argparse.ArgumentParser) -> None:
    """Add how the time points of a song are laid."""
    parser.add_argument(
        "--interval",
        type=float,
        default=INTERVAL_S,
        metavar="S",
        help="from one time point to the next, s (default: %(default)s)",
    )
    parser.add_argument(
        "--points",
        type=int,
        default=COUNT,
        metavar="N",
        help="points in between that are interpolated (default: %(default)s)",
    )


def add_trace(parser: argparse.ArgumentParser) -> None:
    """Add the file that says what each frame was drawn from."""
    parser.add_argument(
        "--trace", type=Path, metavar="FILE.jsonl", help="write one JSON object a frame"
    )


def controls_asked_for(options: argparse.Namespace, available: Stock) -> Controls:
    """Return the controls to begin with: a preset, and what the options change in it.

    Raises:
        InputError: an option names something that is not there or is out of range.
    """
    controls = Controls("", available.faces[0], available.expressions[0])
    preset = options.preset
    if preset is None and DEFAULT_PRESET in available.presets:
        preset = DEFAULT_PRESET
    if preset is not None:
        controls = change(controls, "preset", preset, available)
    for name in _WITH_OPTION:
        if (value := getattr(options, name)) is not None:
            controls = change(controls, name, value, available)
    for setting in options.set:
        name, value = _setting(setting)
        controls = change(controls, name, value, available)
    return controls


def _setting(text: str) -> tuple[str, float | str]:
    """Return the name and the value that ``--set text`` means.

    Raises:
        InputError: it is not NAME=VALUE, or there is no such parameter, or it has no value.
    """
    name, equals, value = (part.strip() for part in text.partition("="))
    if not equals:
        raise InputError(f"--set {text} is not NAME=VALUE, such as curve=1.5")
    name = name.removeprefix("/vjnode/").replace(".", "/")  # as presets write it, too
    kind = find(name).kind
    if kind == "trigger":
        raise InputError(f"--set {name}: it has no value; fire it in a show: /vjnode/{name} 1")
    try:
        return name, float(value) if kind in ("float", "toggle") else value
    except ValueError:
        return name, value  # ``change`` says what it takes instead
