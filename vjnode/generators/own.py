"""The user's own generators: pairs of files NAME.toml and NAME.safetensors in one folder."""

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path

from vjnode.errors import InputError
from vjnode.generators.spec import GeneratorSpec
from vjnode.generators.stylegan2 import spec as stylegan2
from vjnode.generators.stylegan2.layout import SIZES
from vjnode.generators.stylegan2.spec import SMALLEST
from vjnode.generators.stylegan3 import spec as stylegan3
from vjnode.paths import config_dir

FAMILIES = ("stylegan2", "stylegan3")

CHANNELS_HIGH, SLOTS_HIGH, DIM_HIGH, DEPTH_HIGH = 4096, 64, 4096, 64
"""Most channels of a layer, style codes, numbers of one, and layers of a mapping network."""


def folder() -> Path:
    """Return the folder of the user's generators, which need not be there."""
    return config_dir("generators")


@dataclass(frozen=True)
class About:
    """A generator as its .toml file tells it.

    family: one of ``FAMILIES``.
    about, source: for people: a line about it, and the name of the file that it came from.
    size: of its pictures, px. slots, dim: number of its style codes, and their length.
    channels: of a StyleGAN2, at 4, 8, … px. depth: of the mapping network.
    """

    family: str
    about: str
    source: str
    size: int
    slots: int
    dim: int
    depth: int
    channels: tuple[int, ...] = ()

    def text(self) -> str:
        """Return the content of its .toml file."""
        # A text in JSON is one in TOML.
        told = {"family": self.family, "about": self.about, "source": self.source}
        lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in told.items()]
        numbers = {"size": self.size, "slots": self.slots, "dim": self.dim, "mapping": self.depth}
        lines += [f"{key} = {value}" for key, value in numbers.items()]
        lines += [f"channels = {[*self.channels]}"] if self.channels else []
        return "\n".join(lines) + "\n"


def read_about(path: Path) -> About:
    """Read a .toml file.

    Raises:
        InputError: it cannot be read, or a value is out of range.
    """
    try:
        text = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    family = text.get("family")
    if family not in FAMILIES:
        raise InputError(f"{path} has family = {str(family)[:32]!r}; take one of {FAMILIES}")
    size = text.get("size")
    if size not in (sizes := [one for one in SIZES if one >= SMALLEST]):
        raise InputError(f"{path} has size = {str(size)[:32]}; take one of {sizes}")
    channels = text.get("channels", [])
    wanted = SIZES.index(size) + 1 if family == "stylegan2" else 0
    if not isinstance(channels, list) or len(channels) != wanted:
        raise InputError(f"{path} needs {wanted} channels, one for each size from 4 to {size} px")
    return About(
        family,
        str(text.get("about", "")),
        str(text.get("source", "")),
        size,
        _whole(path, "slots", text.get("slots"), SLOTS_HIGH),
        _whole(path, "dim", text.get("dim"), DIM_HIGH),
        _whole(path, "mapping", text.get("mapping"), DEPTH_HIGH),
        tuple(_whole(path, "channels", one, CHANNELS_HIGH) for one in channels),
    )


def _whole(path: Path, name: str, value: object, high: int) -> int:
    if type(value) is not int or not 1 <= value <= high:
        raise InputError(f"{path} has {name} = {str(value)[:32]}; take whole numbers 1 to {high}")
    return value


def own_specs() -> tuple[dict[str, GeneratorSpec], list[str]]:
    """Return the user's generators by name, and why others in the folder were left out."""
    found, left_out = dict[str, GeneratorSpec](), list[str]()
    for path in sorted(folder().glob("*.toml")):
        weights = path.with_suffix(".safetensors")
        try:
            about = read_about(path)
            if not weights.is_file():
                raise InputError(f"{weights} is not there; add the generator again")
        except InputError as error:
            left_out.append(str(error))
        else:
            found[path.stem] = spec_of(path.stem, about, weights)
    return found, left_out


def spec_of(name: str, told: About, weights: Path) -> GeneratorSpec:
    """Return the row of a generator in the registry. weights: path of its numbers."""
    if told.family == "stylegan3":
        network = stylegan3.StyleGan3(name, weights, told.size, told.slots, told.dim)
        return stylegan3.own_spec(network, told.about)
    return stylegan2.own_spec(name, told.about, weights, told.channels, told.dim)
