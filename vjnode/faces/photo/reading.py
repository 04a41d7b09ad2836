"""Reading of photos: JPEG, PNG, WebP and HEIC, upright, opaque, and in sRGB."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from vjnode.errors import InputError
from vjnode.faces.photo.colours import in_srgb, profile_of
from vjnode.faces.photo.heif import is_heif, read_heif

MOST_MB = 200
"""Largest file that is read."""

MOST_PX = 4096
"""Longest side that is kept; a larger photo is reduced to it."""

GREY = 128
"""Level of what is laid behind transparent pixels, whose own colours are any."""

_TOO_MANY = "CV_IO_MAX_IMAGE_PIXELS"
"""Said by OpenCV about a picture of more than 2³⁰ pixels."""

Picture: TypeAlias = NDArray[np.uint8]
"""(H, W, 3), sRGB."""


def read_photo(path: Path) -> Picture:
    """Return the picture in a file, upright and in sRGB as the file says, ``MOST_PX`` at most.

    Of an animation it is the first picture.

    Raises:
        InputError: it is not there, is too large, or holds no picture that can be read.
    """
    data = _bytes_of(path)
    if is_heif(data):
        found, profile = read_heif(path, data)
    else:
        found, profile = _decoded(path, data), profile_of(path, data)
    if profile:
        found[..., :3] = in_srgb(path, np.ascontiguousarray(found[..., :3]), profile)
    if found.shape[-1] == 4:
        found = over_grey(found)
    share = MOST_PX / max(found.shape[:2])
    if share < 1:
        side = [max(round(share * px), 1) for px in found.shape[1::-1]]
        found = np.asarray(cv2.resize(found, side, interpolation=cv2.INTER_AREA), np.uint8)
    return np.ascontiguousarray(found)


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Name the photo in errors about it."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _bytes_of(path: Path) -> bytes:
    """Return the content of a file.

    Raises:
        InputError: it cannot be read, is empty or too large.
    """
    most = MOST_MB * 2**20
    try:
        with path.open("rb") as file:
            data = file.read(int(most) + 1)  # a device has no size, and no end
            size_mb = max(path.stat().st_size, len(data)) / 2**20
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror})") from error
    if not data:
        raise InputError(f"{path} is empty; copy the photo again")
    if len(data) > most:
        raise InputError(
            f"{path} has {size_mb:.0f} MB; a photo has at most {MOST_MB} MB: save a smaller one"
        )
    return data


def _decoded(path: Path, data: bytes) -> NDArray[np.uint8]:
    """Return a picture that OpenCV reads, (H, W, 3) or (H, W, 4) RGB with alpha.

    Raises:
        InputError: there is none that it reads.
    """
    packed = np.frombuffer(data, np.uint8)
    try:
        # It turns the picture by its EXIF.
        found: NDArray[Any] | None = cv2.imdecode(packed, cv2.IMREAD_COLOR)
        alpha = None if found is None else _alpha(packed, found)
    except cv2.error as error:
        if _TOO_MANY in str(error):
            raise InputError(
                f"{path} has more than 1000 million pixels; save it smaller: {MOST_PX} px a side "
                "are enough"
            ) from error
        found = None
    if found is None:
        raise InputError(
            f"{path} holds no picture that can be read, or not all of it; take a JPEG, PNG, WebP "
            "or HEIC file, or copy it again"
        )
    picture = np.ascontiguousarray(found[..., ::-1], np.uint8)
    return picture if alpha is None else np.dstack((picture, alpha))


def _alpha(packed: NDArray[np.uint8], upright: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """Return the alpha of a picture, (H, W); None: it is opaque, or was turned by its EXIF."""
    if packed[:2].tobytes() == b"\xff\xd8":  # no JPEG has alpha
        return None
    # Not turned, and of any depth.
    whole: NDArray[Any] | None = cv2.imdecode(packed, cv2.IMREAD_UNCHANGED)
    if whole is None or whole.ndim < 3 or whole.shape[2] != 4:
        return None
    if whole.dtype == np.uint16:
        whole = (whole >> 8).astype(np.uint8)
    if whole.dtype != np.uint8 or whole[..., 3].min() == 255:
        return None
    stored = cv2.imdecode(packed, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    was_turned = stored is None or not np.array_equal(stored, upright)
    return None if was_turned else np.asarray(whole[..., 3])


def over_grey(picture: NDArray[np.uint8]) -> Picture:
    """Return a picture with alpha, (H, W, 4) RGBA, over grey."""
    alpha = picture[..., 3:].astype(np.uint16)
    return ((picture[..., :3] * alpha + GREY * (255 - alpha) + 127) // 255).astype(np.uint8)
