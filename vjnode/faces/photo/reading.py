"""Reading of photos: JPEG, PNG and WebP, turned as their EXIF says."""

from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from vjnode.errors import InputError

MOST_MB = 200
"""Largest file that is read."""

MOST_PX = 4096
"""Longest side that is kept; a larger photo is reduced to it."""

_HEIF = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1")

Picture: TypeAlias = NDArray[np.uint8]
"""(H, W, 3), RGB."""


def read_photo(path: Path) -> Picture:
    """Return the picture in a file, upright as its EXIF says, ``MOST_PX`` at most.

    Raises:
        InputError: it is not there, is too large, or holds no picture that can be read.
    """
    try:
        size_mb = path.stat().st_size / 2**20
        if size_mb > MOST_MB:
            raise InputError(f"{path} has {size_mb:.0f} MB; a photo has at most {MOST_MB} MB")
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror})") from error
    if data[4:8] == b"ftyp" and data[8:12] in _HEIF:
        raise InputError(
            f"{path} is a HEIC picture, which cannot be read here; save it as JPEG or PNG "
            "(on an iPhone: Settings, Camera, Formats, Most Compatible)"
        )
    try:
        # It turns the picture by its EXIF.
        found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    except cv2.error:
        found = None
    if found is None:
        raise InputError(f"{path} holds no picture that can be read; take a JPEG, PNG or WebP file")
    share = MOST_PX / max(found.shape[:2])
    if share < 1:
        found = cv2.resize(found, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(found[..., ::-1])
