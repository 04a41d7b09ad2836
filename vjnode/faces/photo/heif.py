"""Reading of HEIC, the format that iPhones keep photos in, by libheif."""

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vjnode.errors import InputError
from vjnode.remedies import install_extra

_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


def is_heif(data: bytes) -> bool:
    """Return whether a file's content begins as HEIC does."""
    return data[4:8] == b"ftyp" and data[8:12] in _BRANDS


def read_heif(path: Path, data: bytes) -> tuple[NDArray[np.uint8], bytes | None]:
    """Return the main picture of a HEIC file, (H, W, 4) RGBA, in 8 bits and upright; its profile.

    libheif turns it as the file's transformations say; its EXIF says the same once more, and is
    not obeyed again. path: for errors.

    Raises:
        InputError: the package that reads it is not installed, or cannot read it.
    """
    try:
        import pillow_heif  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise InputError(
            f"{path} is a HEIC picture, and pillow-heif, which reads those, is not there "
            f"({error}); run: {install_extra('heic')}, or save it as JPEG or PNG (on an iPhone: "
            "Settings, Camera, Formats, Most Compatible)"
        ) from error
    try:
        found = pillow_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=True)
        return np.array(found.to_pillow().convert("RGBA")), found.info.get("icc_profile")
    except (ValueError, OSError, EOFError, SyntaxError, RuntimeError, IndexError) as error:
        why = " ".join(str(error).split())
        raise InputError(
            f"{path} is a HEIC picture that cannot be read ({why}); copy it again, or save it "
            "as JPEG or PNG"
        ) from error
