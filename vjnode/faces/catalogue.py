"""Catalogue of the faces and expressions, which are chosen by name or by number.

Each is a pair of files: NAME.toml for people, NAME.safetensors for its numbers. A face from a photo
is one file, NAME.safetensors, whose metadata hold the same text. The folder is scanned, and names
are looked up in the resulting list; no name ever becomes part of a path. Each belongs to the
generator that its file names, and only that one's are offered for it.
"""

import logging
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from vjnode.errors import InputError
from vjnode.faces.expression import Expression, Face, Movement, Part
from vjnode.faces.face_file import own_files, text_within, weights_of
from vjnode.generators.latent import Side
from vjnode.generators.registry import DEFAULT, GENERATORS
from vjnode.generators.spec import GeneratorSpec
from vjnode.naming import choose
from vjnode.paths import config_dir, shipped

_log = logging.getLogger(__name__)

LIMIT = 1.5
"""Largest amount of an action: up to here it was seen to hold on all faces."""

FUSIONS = ("add", "multiply")
"""Ways in which a direction of an expression's own meets the style codes."""

DETAIL = "detail"
"""Name, in files, of the slots of a generator that draw detail."""


@dataclass(frozen=True)
class Entry:
    """One catalogued face or expression: its text is read, its numbers are not yet.

    generator: the one whose codes it holds.
    """

    name: str
    generator: GeneratorSpec
    number: int
    path: Path
    text: dict[str, Any]

    def tensors(self) -> dict[str, NDArray[np.float32]]:
        """Read the numbers that go with the text."""
        numbers: dict[str, NDArray[np.float32]] = load_file(self.path.with_suffix(".safetensors"))
        return numbers


def face_names(generator: GeneratorSpec = DEFAULT) -> list[str]:
    """Return the names of a generator's faces, in their order."""
    return [entry.name for entry in _of(generator, "faces")]


def expression_names(generator: GeneratorSpec = DEFAULT) -> list[str]:
    """Return the names of a generator's expressions in their order, then those of its actions.

    An action by itself is an expression too; a file of the same name takes its place.
    """
    names = [entry.name for entry in _of(generator, "expressions")]
    return list(dict.fromkeys([*names, *action_names(generator)]))


def load_face(which: str | int, generator: GeneratorSpec = DEFAULT) -> Face:
    """Load a face of a generator by name, or by index in ``face_names(generator)``.

    Raises:
        InputError: there is no such face.
    """
    return read_face(find("face", which, _of(generator, "faces")).path)


def load_expression(which: str | int, generator: GeneratorSpec = DEFAULT) -> Expression:
    """Load an expression by name, or by index in ``expression_names(generator)``.

    Raises:
        InputError: there is no such expression.
    """
    name = choose("expression", expression_names(generator), which, first=_first(which))
    for entry in _of(generator, "expressions"):
        if entry.name == name:
            return read_expression(entry.path)
    return _action_alone(find("action", name, _of(generator, "actions")).path)


def _of(generator: GeneratorSpec, folder: str) -> tuple[Entry, ...]:
    """Return the entries that ``generator`` draws: those that ship, then the user's own."""
    entries = (*scan(shipped(folder)), *scan_own(config_dir(folder)))
    return tuple(one for one in entries if one.generator.name == generator.codes_of)


@cache
def scan(folder: Path) -> tuple[Entry, ...]:
    """Return the entries of a folder, by number and then by name.

    Raises:
        InputError: a file is not valid.
    """
    return tuple(sorted(map(_entry, folder.glob("*.toml")), key=lambda e: (e.number, e.name)))


@cache
def scan_own(folder: Path) -> tuple[Entry, ...]:
    """Return the user's entries, as ``scan`` does.

    A bad file is left out and logged, and so is one with a name that ships: a show goes on.
    """
    found = []
    taken = {(entry.name, entry.generator.name) for entry in scan(shipped(folder.name))}
    for path in own_files(folder):
        try:
            entry = _entry(path)
            if (entry.name, entry.generator.name) in taken:
                raise InputError(f"{path} has a name that ships already; rename it")
            entry.tensors()
        except (InputError, OSError, SafetensorError) as error:
            _log.warning("left out: %s", error)
        else:
            found.append(entry)
    return tuple(sorted(found, key=lambda entry: (entry.number, entry.name)))


def forget_own() -> None:
    """Have the user's folders read again: a file there is new, changed or gone."""
    for kept in (scan_own, read_face):
        kept.cache_clear()


def find(kind: str, which: str | int, entries: tuple[Entry, ...]) -> Entry:
    """Return one entry by name or by index.

    Raises:
        InputError: there is no such entry; the text lists all, the nearest name first.
    """
    names = [entry.name for entry in entries]
    return entries[names.index(choose(kind, names, which, first=_first(which)))]


def _first(which: str | int) -> int:
    """Return the number of the first entry: people count from 1, programs from 0."""
    return 1 if isinstance(which, str) else 0


@cache
def read_face(path: Path) -> Face:
    """Read a face from its .toml and .safetensors files, or from the one that it has.

    Raises:
        InputError: a file is not valid.
    """
    entry = _entry(path)
    shape = entry.generator.codes_shape
    codes = np.broadcast_to(_tensor(entry, "codes", (shape[1:], shape)), shape)
    weights = weights_of(path, entry.text, entry.generator)
    return Face(entry.name, str(entry.text.get("about", "")), codes, weights)


@cache
def read_expression(path: Path) -> Expression:
    """Read an expression from its .toml and .safetensors files.

    Raises:
        InputError: a file is not valid.
    """
    entry = _entry(path)
    try:
        weights = tuple(map(float, entry.text["weights"]))
        parts = tuple(
            Part(_movement(entry, part), tuple(map(float, part["amounts"])))
            for part in entry.text["part"]
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: {error!r} is missing or not as it should be") from error
    rising = len(weights) > 1 and all(np.diff(weights) > 0) and (weights[0], weights[-1]) == (0, 1)
    if not rising:
        raise InputError(f"{path}: weights {weights} must rise from 0 to 1")
    for part in parts:
        if len(part.amounts) != len(weights) or part.amounts[0] != 0:
            raise InputError(
                f"{path}: part {part.movement.name!r} needs {len(weights)} amounts, one for each "
                "weight, the first of them 0"
            )
    side, sides = entry.text.get("side"), get_args(Side)
    if side not in (None, *sides):
        raise InputError(
            f"{path}: side is {str(side)[:32]!r}; take {' or '.join(sides)}, as the viewer sees it"
        )
    return Expression(entry.name, str(entry.text.get("about", "")), weights, parts, side)


def action_names(generator: GeneratorSpec = DEFAULT) -> list[str]:
    """Return the names of a generator's actions, in their order."""
    return [entry.name for entry in _of(generator, "actions")]


@cache
def _action_alone(path: Path) -> Expression:
    """Return an action as an expression, whose amount is the weight."""
    movement = read_action(path)
    about = str(_entry(path).text.get("about", ""))
    return Expression(movement.name, about, (0.0, 1.0), (Part(movement, (0.0, 1.0)),))


@cache
def read_action(path: Path) -> Movement:
    """Read an action from its .toml and .safetensors files.

    Raises:
        InputError: a file is not valid.
    """
    entry = _entry(path)
    spec = entry.generator
    slots = _slots(entry, entry.text.get("slots", ()))
    rows = _tensor(entry, "rows", ((len(slots), spec.dim),))
    offsets = np.zeros(0, np.float32)
    if "offsets" in entry.tensors():
        offsets = _tensor(entry, "offsets", ((spec.styles,),))
    region = str(entry.text.get("region", ""))
    opens_mouth = float(entry.text.get("opens_mouth", 0.0))
    return Movement(entry.name, region, slots, rows, offsets, LIMIT, opens_mouth)


def _movement(entry: Entry, part: dict[str, Any]) -> Movement:
    """Return the movement of an expression's part: an action, or a direction of its own."""
    if "action" in part:
        action = find("action", str(part["action"]), _of(entry.generator, "actions"))
        return read_action(action.path)
    name, slots = str(part["name"]), _slots(entry, part["slots"])
    fuse = str(part.get("fuse", FUSIONS[0]))
    if fuse not in FUSIONS:
        raise InputError(
            f"{entry.path}: part {name!r} has fuse = {fuse[:32]!r}; take {' or '.join(FUSIONS)}"
        )
    shape = (len(slots), entry.generator.dim)
    rows = np.broadcast_to(_tensor(entry, name, (shape[1:], shape)), shape)
    return Movement(name, "", slots, rows, np.zeros(0, np.float32), multiplies=fuse == "multiply")


def _slots(entry: Entry, which: Iterable[int] | str) -> tuple[int, ...]:
    count = entry.generator.slots
    if which == DETAIL:
        return entry.generator.detail_slots
    if isinstance(which, str):
        raise InputError(
            f"{entry.path} has slots = {which[:32]!r}; the only name is {DETAIL!r}, "
            f"else a list of 0…{count - 1}"
        )
    slots = tuple(map(int, which))
    if len(set(slots) & set(range(count))) != len(slots):
        raise InputError(f"{entry.path} needs distinct slots 0…{count - 1}, not {list(slots)}")
    return slots


def _entry(path: Path) -> Entry:
    try:
        alone = path.suffix == ".safetensors"
        said = text_within(path) or "" if alone else path.read_text(encoding="utf-8")
        text = tomllib.loads(said)
        number = int(text["number"])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ValueError, TypeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    except KeyError as error:
        raise InputError(f"{path} has no {error}, its place in the order") from error
    name = str(text.get("generator", DEFAULT.name))
    if name not in GENERATORS:
        raise InputError(f"{path} is of the generator {name!r}; there are: {', '.join(GENERATORS)}")
    return Entry(path.stem, GENERATORS[name], number, path, text)


def _tensor(entry: Entry, name: str, shapes: tuple[tuple[int, ...], ...]) -> NDArray[np.float32]:
    path = entry.path.with_suffix(".safetensors")
    try:
        value = load_file(path)[name]
    except (OSError, SafetensorError, KeyError) as error:
        raise InputError(f"{path} has no readable tensor {name!r} ({error})") from error
    if value.dtype != np.float32 or value.shape not in shapes or not np.isfinite(value).all():
        raise InputError(
            f"{path}: {name!r} is {value.dtype} {value.shape}; it must be finite float32 of shape "
            + " or ".join(map(str, shapes))
        )
    tensor: NDArray[np.float32] = value
    tensor.setflags(write=False)
    return tensor
