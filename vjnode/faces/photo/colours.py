"""Colours of photos: phones keep them in Display P3, and say so in a profile within the file."""

import io
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_log = logging.getLogger(__name__)

_WEBP_PROFILE = 30
"""Place of a WebP file's profile, which comes first of its parts; see its container's
specification."""

_RGB = "RGB"
"""Colour space, in profiles, of what is read here; printers' inks are mixed before."""


def profile_of(path: Path, data: bytes) -> bytes | None:
    """Return the ICC profile in a JPEG, PNG or WebP file; None: there is none, or a torn one."""
    if data[8:12] == b"WEBP":
        size = int.from_bytes(data[_WEBP_PROFILE + 4 : _WEBP_PROFILE + 8], "little")
        begin = _WEBP_PROFILE + 8
        there = data[_WEBP_PROFILE : _WEBP_PROFILE + 4] == b"ICCP"
        return data[begin : begin + size] if there else None
    from PIL.JpegImagePlugin import JpegImageFile  # noqa: PLC0415 - not without a photo
    from PIL.PngImagePlugin import PngImageFile  # noqa: PLC0415

    # By Image.open, large photos would be refused, although only their heads are read.
    kinds: dict[bytes, Callable[[Any], Any]] = {b"\xff\xd8": JpegImageFile, b"\x89P": PngImageFile}
    if (kind := kinds.get(data[:2])) is None:
        return None
    try:
        profile: bytes | None = kind(io.BytesIO(data)).info.get("icc_profile")
    except (OSError, SyntaxError, ValueError) as error:
        _taken_as_srgb(path, error)
        return None
    return profile


def in_srgb(path: Path, picture: NDArray[np.uint8], profile: bytes) -> NDArray[np.uint8]:
    """Return a picture, (H, W, 3), in sRGB; as it is, which is logged, if its profile is damaged.

    path: for the log.
    """
    from PIL import Image, ImageCms  # noqa: PLC0415 - not without a photo

    try:
        own = ImageCms.getOpenProfile(io.BytesIO(profile))
        space = own.profile.xcolor_space.strip()
        if space != _RGB:
            raise ValueError(f"it is for {space}")
        transform = ImageCms.buildTransform(own, ImageCms.createProfile("sRGB"), _RGB, _RGB)
        found = ImageCms.applyTransform(Image.fromarray(picture), transform)
    except (ImageCms.PyCMSError, OSError, ValueError) as error:
        _taken_as_srgb(path, error)
        return picture
    return np.asarray(found, np.uint8)


def _taken_as_srgb(path: Path, error: Exception) -> None:
    why = " ".join(str(error).split())
    _log.warning("%s: its colour profile cannot be used (%s); colours are taken as sRGB", path, why)
