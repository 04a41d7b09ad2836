"""Weights of the distilled networks, which ``distilled`` builds."""

import hashlib
from pathlib import Path

from vjnode.errors import InputError
from vjnode.paths import shipped

SIZES = (512, 256)
"""Sizes of the pictures of the reduced networks, px."""


def file() -> Path:
    """Return the path of the trained tails, which ship with vjnode."""
    return shipped("heads", "heads.safetensors")


def file_sha256(size: int) -> str:
    """Return the SHA-256 of ``file()`` in hexadecimal, for the reduced network of ``size`` px.

    Raises:
        InputError: there is no reduced network of this size, or the file is missing.
    """
    if size not in SIZES:
        raise InputError(f"nothing draws {size} px live; choose one of {SIZES}")
    try:
        return hashlib.sha256(file().read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(
            f"{file()} cannot be read ({error.strerror}); restore it, or make it with "
            "python -m tools.train.distil"
        ) from error
