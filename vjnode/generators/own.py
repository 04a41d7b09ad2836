"""The user's own generators: pairs of files NAME.toml and NAME.safetensors in one folder."""

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path

from vjnode.errors import InputError
from vjnode.generators.spec import GeneratorSpec
from vjnode.generators.stylegan2.layout import SIZES
from vjnode.generators.stylegan2.spec import SMALLEST, own_spec
from vjnode.paths import config_dir

FAMILY = "stylegan2"

CHANNELS_HIGH, DIM_HIGH, DEPTH_HIGH = 2048, 4096, 64
"""Most channels of a layer, numbers of a style code, and layers of a mapping network."""


def folder() -> Path:
    """Return the folder of the user's generators, which need not be there."""
    return config_dir("generators")


@dataclass(frozen=True)
class About:
    """A generator as its .toml file tells it.

    about, source: for people: a line about it, and the name of the file that it came from.
    channels: at 4, 8, … px. dim: length of style codes. depth: of the mapping network.
    """

    about: str
    source: str
    channels: tuple[int, ...]
    dim: int
    depth: int

    @property
    def size(self) -> int:
        """Return the size of its pictures, px."""
        return SIZES[len(self.channels) - 1]

    def text(self) -> str:
        """Return the content of its .toml file."""
        # A text in JSON is one in TOML.
        told = {"family": FAMILY, "about": self.about, "source": self.source}
        lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in told.items()]
        lines += [f"channels = {[*self.channels]}", f"dim = {self.dim}", f"mapping = {self.depth}"]
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
    if text.get("family") != FAMILY:
        raise InputError(f"{path} has family = {str(text.get('family'))[:32]!r}, not {FAMILY!r}")
    channels = text.get("channels")
    low, high = SIZES.index(SMALLEST) + 1, len(SIZES)
    if not isinstance(channels, list) or not low <= len(channels) <= high:
        raise InputError(f"{path} needs {low} to {high} channels, one for each of its sizes")
    for one in channels:
        _whole(path, "channels", one, CHANNELS_HIGH)
    dim, depth = text.get("dim"), text.get("mapping")
    return About(
        str(text.get("about", "")),
        str(text.get("source", "")),
        tuple(channels),
        _whole(path, "dim", dim, DIM_HIGH),
        _whole(path, "mapping", depth, DEPTH_HIGH),
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
            found[path.stem] = own_spec(path.stem, about.about, weights, about.channels, about.dim)
    return found, left_out
