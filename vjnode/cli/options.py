"""Options that several commands share, and the controls that they set."""

import argparse
import math
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from vjnode.control.parameter import Parameter
from vjnode.control.parameters import AGC_MODES, find
from vjnode.control.state import Controls, Stock, change
from vjnode.errors import InputError
from vjnode.generators.registry import DEFAULT, PLAYABLE
from vjnode.modulation.interpolation import COUNT, INTERVAL_S
from vjnode.output.clock import FPS_HIGH, FPS_LOW, parse_fps
from vjnode.output.delivery import SIZE_HIGH, SIZE_LOW

DEFAULT_PRESET = "stage"

POINTS_HIGH = 100
INTERVAL_LOW_S, INTERVAL_HIGH_S = 0.02, 5.0

WITH_OPTION = ("face", "expression", "gain", "agc", "gate", "bpm")
"""Parameters with an option of their own."""


class Parser(argparse.ArgumentParser):
    """A parser that reports a bad request in the same form as the rest of vjnode."""

    def error(self, message: str) -> NoReturn:
        """Refuse the request.

        Raises:
            InputError: always.
        """
        raise InputError(f"{message}; see: {self.prog} --help")


@dataclass(frozen=True)
class Number:
    """Parser of an option's number, which must be from ``low`` to ``high``, or ``off``.

    whole: whether it must be an integer. off: a valid number outside the range; off_means tells
    its effect.
    """

    low: float
    high: float
    unit: str = ""
    whole: bool = False
    off: float | None = None
    off_means: str = ""

    @property
    def takes(self) -> str:
        """Return a description of its valid values, for errors and lists."""
        kind = "a whole number" if self.whole else "a number"
        off = f", or {self.off:g} ({self.off_means})" if self.off is not None else ""
        return f"{kind} from {self.low:.10g} to {self.high:.10g} {self.unit}".rstrip() + off

    def __call__(self, text: str) -> float:
        """Return the number in ``text``.

        Raises:
            argparse.ArgumentTypeError: it is not a number, or not valid.
        """
        try:
            number = int(text) if self.whole else float(text)
        except ValueError:
            number = math.nan
        if number != self.off and not self.low <= number <= self.high:
            raise argparse.ArgumentTypeError(f"{text[:32]!r} is not {self.takes}")
        return number


def number_of(parameter: Parameter) -> Number:
    """Return the parser of a number for ``parameter``."""
    return Number(
        parameter.low,
        parameter.high,
        parameter.unit,
        off=parameter.off,
        off_means=parameter.off_means,
    )


def add_generator(parser: argparse.ArgumentParser) -> None:
    """Add the option for the generator, which faces and expressions belong to."""
    parser.add_argument(
        "--generator",
        choices=list(PLAYABLE),
        default=DEFAULT.name,
        metavar="NAME",
        help=f"what draws: {', '.join(PLAYABLE)} (default: %(default)s)",
    )


def add_look(parser: argparse.ArgumentParser) -> None:
    """Add the options for the look, and for the effect of the sound on it."""
    add_generator(parser)
    parser.add_argument("--preset", metavar="NAME", help=f"default: {DEFAULT_PRESET}")
    parser.add_argument("--face", metavar="NAME", help="instead of the preset's")
    parser.add_argument("--expression", metavar="NAME", help="instead of the preset's")
    parser.add_argument("--agc", metavar="|".join(AGC_MODES), help=find("agc").about)
    for name, metavar in (("gain", "X"), ("gate", "DBFS"), ("bpm", "X")):
        row = find(name)
        parser.add_argument(
            f"--{name}", type=number_of(row), metavar=metavar, help=f"{row.about}: {row.takes}"
        )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="repeatable: whatever OSC can set, by its address after /vjnode/",
    )


def add_picture(parser: argparse.ArgumentParser) -> None:
    """Add the options for size and rate of the pictures."""
    add_size(parser, "the generator's largest")
    add_fps(parser)


DEFAULT_FPS = "60"


def add_size(parser: argparse.ArgumentParser, default: str) -> None:
    """Add the option for the size of the pictures. default: what it is without, in words."""
    parser.add_argument(
        "--size",
        type=Number(SIZE_LOW, SIZE_HIGH, "px", whole=True),
        metavar="|".join(map(str, DEFAULT.sizes)),
        help=f"px; of your own generators also others (default: {default})",
    )


def size_asked_for(options: argparse.Namespace) -> int:
    """Return the size of the pictures, px: the generator's largest unless another is asked for."""
    return PLAYABLE[options.generator].sizes[0] if options.size is None else int(options.size)


def add_fps(parser: argparse.ArgumentParser) -> None:
    """Add the option for the rate of the pictures."""
    about = f"frames/s, {FPS_LOW} to {FPS_HIGH} (default: %(default)s)"
    parser.add_argument("--fps", type=parse_fps, default=DEFAULT_FPS, metavar="N", help=about)


def add_interpolation(parser: argparse.ArgumentParser) -> None:
    """Add the options for the time points of a song and their interpolation."""
    parser.add_argument(
        "--interval",
        type=(interval := Number(INTERVAL_LOW_S, INTERVAL_HIGH_S, "s", off=0, off_means="as live")),
        default=INTERVAL_S,
        metavar="S",
        help=f"from one time point to the next: {interval.takes} (default: %(default)s)",
    )
    parser.add_argument(
        "--points",
        type=Number(0, POINTS_HIGH, whole=True),
        default=COUNT,
        metavar="N",
        help="points in between that are interpolated (default: %(default)s)",
    )


def add_trace(parser: argparse.ArgumentParser) -> None:
    """Add the option for the trace file, which tells what each frame was drawn from."""
    parser.add_argument(
        "--trace", type=Path, metavar="FILE.jsonl", help="write one JSON object a frame"
    )


def controls_asked_for(options: argparse.Namespace, available: Stock) -> Controls:
    """Return the initial controls: a preset, changed by the options.

    Raises:
        InputError: an option names something that does not exist or is out of range.
    """
    controls = available.fitted(Controls("", available.faces[0], available.expressions[0]))
    preset = options.preset
    if preset is None and DEFAULT_PRESET in available.presets:
        preset = DEFAULT_PRESET
    if options.preset is None and available.entries:
        controls = change(controls, "set", 1.0, available)
    elif preset is not None:
        controls = change(controls, "preset", preset, available)
    for name in WITH_OPTION:
        if (value := getattr(options, name)) is not None:
            controls = change(controls, name, value, available)
    for setting in options.set:
        name, value = read_setting(setting)
        controls = change(controls, name, value, available)
    return controls


def looks_given(options: argparse.Namespace) -> list[str]:
    """Return the options of the look, and of the effect of the sound, that were given."""
    given = [f"--{name}" for name in ("preset", *WITH_OPTION) if getattr(options, name) is not None]
    return [*given, *(["--set"] if options.set else [])]


def read_setting(text: str) -> tuple[str, float | str]:
    """Return the name and the value in ``--set text``.

    Raises:
        InputError: it is not NAME=VALUE, or there is no such parameter, or it takes no value.
    """
    name, equals, value = (part.strip() for part in text.partition("="))
    if not equals:
        raise InputError(f"--set {text} is not NAME=VALUE, such as curve=1.5")
    name = name.removeprefix("/vjnode/").replace(".", "/")  # as in presets, too
    kind = find(name).kind
    if kind == "trigger":
        raise InputError(f"--set {name}: it has no value; fire it in a show: /vjnode/{name} 1")
    try:
        return name, float(value) if kind in ("float", "toggle") else value
    except ValueError:
        return name, value  # ``change`` raises an error that lists the valid values
