"""Adding and removing of the user's own generators."""

import re
import tempfile
from pathlib import Path

from vjnode.errors import InputError, VjnodeError
from vjnode.generators.checkpoints.confined import convert
from vjnode.generators.own import (
    CHANNELS_HIGH,
    DEPTH_HIGH,
    DIM_HIGH,
    SLOTS_HIGH,
    About,
    folder,
)
from vjnode.generators.registry import PLAYABLE, SHIPPED, read_own_generators
from vjnode.generators.spec import GeneratorSpec
from vjnode.generators.stylegan2.spec import SMALLEST
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
    target = folder() / f"{name}.toml"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".adding-", dir=target.parent) as place:
            weights = Path(place) / f"{name}.safetensors"
            answer = convert(path, weights, label)
            # What the reading process wrote is not trusted either: this checks all of it.
            told = _told(weights, about, answer.layout, path.name)
            _check(path, told)
            weights.chmod(0o644)  # like any other file
            move(weights, target.with_suffix(".safetensors"))
        replace_file(target, told.text().encode())
    except OSError as error:
        raise VjnodeError(f"{target} cannot be written ({error.strerror})") from error
    read_own_generators()
    return PLAYABLE[name], answer.notes


def _told(weights: Path, about: str, layout: str, source: str) -> About:
    """Return what is told of a network in vjnode's layout, all of which is read."""
    # They import torch.
    from vjnode.generators.stylegan2 import checkpoint as stylegan2  # noqa: PLC0415
    from vjnode.generators.stylegan3 import checkpoint as stylegan3  # noqa: PLC0415

    channels: tuple[int, ...] = ()
    if stylegan3.shape_in(weights) is not None:
        mapping, moving = stylegan3.load(weights)
        family, size, slots = "stylegan3", moving.size, moving.slots
    else:
        mapping, synthesis = stylegan2.load(weights)
        family, size, slots = "stylegan2", synthesis.size, synthesis.slots
        channels = synthesis.channels
    said = about or f"StyleGAN{family[-1]}, {size} px, from {layout}"
    return About(
        family, said, source, size, slots, len(mapping.mean), len(mapping.layers), channels
    )


def _check(path: Path, told: About) -> None:
    """Refuse a network beyond the limits of ``read_about``."""
    found = max((1, *told.channels)), told.slots, told.dim, told.depth
    if told.size < SMALLEST or any(
        not 1 <= one <= high for one, high in zip(found, _HIGH, strict=True)
    ):
        raise InputError(
            f"{path} has {told.size} px, {found[0]} channels, {found[1]} style codes of {found[2]} "
            f"and {found[3]} layers of mapping; take from {SMALLEST} px, and up to {_HIGH}"
        )


_HIGH = (CHANNELS_HIGH, SLOTS_HIGH, DIM_HIGH, DEPTH_HIGH)


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
