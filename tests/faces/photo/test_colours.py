"""Colours of photos: what a phone keeps in Display P3 is read in sRGB, by the formula."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest

from vjnode.faces.photo.reading import GREY, read_photo

P3 = np.array([[0.4865709, 0.2656677, 0.1982173], [0.2289746, 0.6917385, 0.0792869]])
P3 = np.vstack([P3, [0.0, 0.0451134, 1.0439444]])
"""From linear Display P3 to CIE XYZ at D65 (SMPTE EG 432-1)."""

SRGB = np.array([[0.4123908, 0.3575843, 0.1804808], [0.2126390, 0.7151687, 0.0721923]])
SRGB = np.vstack([SRGB, [0.0193308, 0.1191948, 0.9505322]])
"""From linear sRGB to the same (IEC 61966-2-1)."""

TO_D50 = np.array(
    [
        [1.0479298, 0.0229468, -0.0501922],
        [0.0296278, 0.9904344, -0.0170738],
        [-0.0092430, 0.0150552, 0.7518743],
    ]
)
"""From XYZ at D65 to XYZ at D50, in which profiles are (Bradford)."""

SKIN = (200, 150, 120)
"""A colour as a file in Display P3 has it."""


def p3_profile(space=b"RGB "):
    """Return a profile as a phone's, by its bytes: a matrix, and sRGB's curve."""

    def fixed(values):
        return b"".join(struct.pack(">i", round(65536 * value)) for value in values)

    curve = b"para\0\0\0\0\0\3\0\0" + fixed((2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045))
    matrix = TO_D50 @ P3
    tags = dict[bytes, bytes]()
    for i, name in enumerate((b"r", b"g", b"b")):
        tags |= {name + b"XYZ": b"XYZ \0\0\0\0" + fixed(matrix[:, i]), name + b"TRC": curve}
    tags[b"wtpt"] = b"XYZ \0\0\0\0" + fixed((0.9642, 1.0, 0.8249))
    table, body, begin = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for name, value in tags.items():
        table += name + struct.pack(">II", begin + len(body), len(value))
        body += value
    size = begin + len(body)
    head = struct.pack(">I4sI4s4s4s", size, b"\0" * 4, 0x04000000, b"mntr", space, b"XYZ ")
    head += bytes(12) + b"acsp" + bytes(28) + fixed((0.9642, 1.0, 0.8249))
    return head.ljust(128, b"\0") + table + body


def by_formula(levels):
    """Return levels of sRGB, (n, 3), of levels of Display P3."""
    share = np.asarray(levels) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear @ (np.linalg.inv(SRGB) @ P3).T, 0, 1)
    share = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return 255 * share


def png_with(picture, profile):
    """Return a PNG of a picture, (H, W, C) BGR, with a profile."""
    _, data = cv2.imencode(".png", picture)
    data, body = data.tobytes(), b"iCCP" + b"a phone's\0\0" + zlib.compress(profile)
    part = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return data[:33] + part + data[33:]  # behind its head


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_colours_of_a_phone_come_out_by_the_formula(tmp_path, dtype):
    levels = np.random.default_rng(1).integers(0, 256, (24, 32, 3))
    path = tmp_path / "phone.png"
    stored = (levels[..., ::-1] * (257 if dtype == np.uint16 else 1)).astype(dtype)
    path.write_bytes(png_with(stored, p3_profile()))
    found = read_photo(path).astype(int)
    assert np.abs(found - by_formula(levels)).max() <= 2
    assert np.abs(found - levels).mean() > 4  # which is what it does to them


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "HEIF"])
def test_other_kinds_have_their_profile_too(tmp_path, kind):
    from PIL import Image

    path, photo = tmp_path / "phone", Image.new("RGB", (64, 48), SKIN)
    if kind == "HEIF":
        writer = pytest.importorskip("pillow_heif", reason="pillow-heif is not installed")
        writer.from_pillow(photo).save(path, quality=95, icc_profile=p3_profile())
    else:
        photo.save(path, kind, quality=95, icc_profile=p3_profile())
    found = read_photo(path).astype(int)
    wanted = by_formula(SKIN)
    assert abs(wanted - SKIN).max() > 6
    assert np.abs(found - wanted).max() <= 4


def test_grey_behind_transparent_pixels_is_that_of_srgb(tmp_path):
    picture = np.full((40, 60, 4), (*SKIN[::-1], 255), np.uint8)
    picture[:, 30:, 3] = 0
    path = tmp_path / "cut.png"
    path.write_bytes(png_with(picture, p3_profile()))
    found = read_photo(path).astype(int)
    assert np.abs(found[:, :30] - by_formula(SKIN)).max() <= 2
    assert np.abs(found[:, 30:] - GREY).max() <= 1


@pytest.mark.parametrize(
    ("profile", "said"),
    [
        (b"damaged", "colour profile cannot be used"),
        (p3_profile()[:200], "colour profile cannot be used"),
        (p3_profile(b"CMYK"), "it is for CMYK"),
    ],
)
def test_a_profile_that_cannot_be_used_is_told_and_left_alone(tmp_path, caplog, profile, said):
    path = tmp_path / "odd.png"
    path.write_bytes(png_with(np.full((40, 60, 3), SKIN[::-1], np.uint8), profile))
    assert (read_photo(path) == SKIN).all()
    (record,) = caplog.records
    assert said in record.getMessage()
    assert "odd.png" in record.getMessage()


def test_inks_and_grey_are_read_as_before(tmp_path, caplog):
    """A profile for them is told; without one there is nothing to tell."""
    from PIL import Image

    for mode, profile in (("CMYK", p3_profile(b"CMYK")), ("L", p3_profile(b"GRAY")), ("L", None)):
        data = io.BytesIO()
        extra = {} if profile is None else {"icc_profile": profile}
        Image.new("RGB", (64, 48), (120,) * 3).convert(mode).save(data, "JPEG", **extra)
        path = tmp_path / "print.jpg"
        path.write_bytes(data.getvalue())
        assert np.abs(read_photo(path).astype(int) - 120).max() < 4
    assert len(caplog.records) == 2
