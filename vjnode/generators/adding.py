"""Adding and removing of the user's own generators."""

import re
import tempfile
from pathlib import Path

from vjnode.errors import InputError, VjnodeError
from vjnode.generators.checkpoints.confined import convert
from vjnode.generators.own import CHANNELS_HIGH, DEPTH_HIGH, DIM_HIGH, About, folder
from vjnode.generators.registry import PLAYABLE, SHIPPED, read_own_generators
from vjnode.generators.spec import GeneratorSpec
from vjnode.paths import move, remove, replace_file

NAME = re.compile(r"[a-z][a-z0-9_]{0,23}", re.ASCII)
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9]|encoder)", re.ASCII)


def check_new_name(name: str) -> None:
    """Refuse a name that a new generator cannot have.

    Raises:
        InputError: it has other characters, is too long, or is taken.
    """
    if not NAME.fullmatch(name) or _RESERVED.fullmatch(name):
        raise InputError(
            f"{name[:64]!r} cannot be the name of a generator; take up to 24 of a-z, 0-9 and _, "
            "a letter first"
        )
    if name in SHIPPED:
        raise InputError(f"a generator called {name!r} ships; choose another name")
    if name in PLAYABLE or (folder() / f"{name}.toml").exists():
        raise InputError(
            f"there is a generator {name!r} already; remove it first, or choose another name"
        )


def add_generator(
    path: Path, name: str, about: str = "", label: int | None = None
) -> tuple[GeneratorSpec, tuple[str, ...]]:
    """Take over the checkpoint ``path`` as a generator of the user's.

    about: a line about it; "" for one made of its layout and size. label: class to draw, of a
        network that was trained with labels.

    Returns: its row, and notes for people.

    Raises:
        InputError: the name cannot be, or the file is none that vjnode plays.
        VjnodeError: it cannot be written.
    """
    check_new_name(name)
    from vjnode.generators.stylegan2.checkpoint import load  # noqa: PLC0415 - imports torch

    target = folder() / f"{name}.toml"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".adding-", dir=target.parent) as place:
            weights = Path(place) / f"{name}.safetensors"
            answer = convert(path, weights, label)
            # What the reading process wrote is not trusted either: this checks all of it.
            mapping, synthesis = load(weights)
            channels = (len(synthesis.conv.bias), *_widths(synthesis.blocks.children()))
            told = About(
                about or f"{answer.layout}, {synthesis.size} px",
                path.name,
                channels,
                len(mapping.mean),
                len(mapping.layers),
            )
            _check(path, told)
            weights.chmod(0o644)  # like any other file
            move(weights, target.with_suffix(".safetensors"))
        replace_file(target, told.text().encode())
    except OSError as error:
        raise VjnodeError(f"{target} cannot be written ({error.strerror})") from error
    read_own_generators()
    return PLAYABLE[name], answer.notes


def _widths(blocks: object) -> list[int]:
    return [len(block.conv.bias) for block in blocks]  # type: ignore[attr-defined]


def _check(path: Path, told: About) -> None:
    """Refuse a network beyond the limits of ``read_about``."""
    found = max(told.channels), told.dim, told.depth
    if any(one > high for one, high in zip(found, _HIGH, strict=True)) or not told.depth:
        raise InputError(
            f"{path} has {found[0]} channels, {found[1]} numbers a style code and {found[2]} "
            f"layers of mapping; take up to {_HIGH}"
        )


_HIGH = (CHANNELS_HIGH, DIM_HIGH, DEPTH_HIGH)


def check_own(name: str) -> None:
    """Refuse a name that no generator of the user's has.

    Raises:
        InputError: none has it.
    """
    own = sorted(path.stem for path in folder().glob("*.toml"))
    if name not in own:
        there = ", ".join(own) or "none yet"
        raise InputError(f"{name[:64]!r} is not a generator of your own; there are: {there}")


def remove_generator(name: str) -> None:
    """Remove one of the user's own generators.

    Raises:
        InputError: none of this name is the user's.
        VjnodeError: a file cannot be removed.
    """
    check_own(name)
    try:
        for suffix in (".toml", ".safetensors"):
            remove(folder() / f"{name}{suffix}")
    except OSError as error:
        raise VjnodeError(f"{error.filename} cannot be removed ({error.strerror})") from error
    read_own_generators()
