"""Files of faces that are one by themselves: numbers, with the text in their metadata.

So a face that was made from a photo can be copied to another machine as it is.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from vjnode.errors import InputError
from vjnode.generators.latent import Weights
from vjnode.generators.spec import GeneratorSpec
from vjnode.paths import sha256_of

LAYOUT = 1
"""Number that a face's own weights give; it grows when their names or shapes change."""

_METADATA = "vjnode"
"""Name, in the metadata, of the text that other faces have in NAME.toml. There is no other, for
their order in the file is not the same every time."""


def own_files(folder: Path) -> list[Path]:
    """Return the file of each entry in a folder that has its text, by name."""
    alone = (path for path in folder.glob("*.safetensors") if not _is_of_two(path))
    return sorted((*folder.glob("*.toml"), *alone))


def _is_of_two(path: Path) -> bool:
    """Return whether a file of numbers belongs to a .toml file, or to nothing."""
    return path.with_suffix(".toml").exists() or text_within(path) is None


def text_within(path: Path) -> str | None:
    """Return the text in the metadata of a .safetensors file; None: there is none."""
    try:
        with safe_open(path, "np") as file:
            text: str | None = (file.metadata() or {}).get(_METADATA)
    except (OSError, SafetensorError):
        return None
    return text


def face_file(text: str, tensors: Mapping[str, NDArray[Any]]) -> bytes:
    """Return the file of a face that is one by itself. text: as in NAME.toml."""
    whole = {name: np.ascontiguousarray(value) for name, value in sorted(tensors.items())}
    return save(whole, metadata={_METADATA: text})


def weights_of(path: Path, text: Mapping[str, Any], spec: GeneratorSpec) -> Weights | None:
    """Return the weights of a face's own; None: it has none. text: of its file.

    Raises:
        InputError: they are of another version, or cannot be read.
    """
    size, layout = text.get("size"), text.get("layout")
    if size is None:
        return None
    if layout != LAYOUT or size not in spec.sizes:
        raise InputError(
            f"{path} has weights of layout {str(layout)[:16]} for {str(size)[:16]} px, which this "
            "version cannot draw; make the face again from its photo"
        )
    numbers = path.with_suffix(".safetensors")
    try:
        return Weights(numbers, sha256_of(numbers), int(size))
    except OSError as error:
        raise InputError(f"{numbers} cannot be read ({error.strerror})") from error
