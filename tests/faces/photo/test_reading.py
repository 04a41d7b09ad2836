"""Reading of photos: they stand upright, and what is no photo is refused with a remedy."""

import struct
import sys
import zlib

import cv2
import numpy as np
import pytest

from tests.photos import keep, portrait
from vjnode.errors import InputError
from vjnode.faces.photo import reading
from vjnode.faces.photo.reading import read_photo

EXIF = b"Exif\0\0" + b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x112, 3, 1, 6, 0, 0)
"""An EXIF block that says: turn it by a quarter to the right."""


def test_a_photo_stands_as_its_exif_says(tmp_path):
    photo = portrait()
    _, data = cv2.imencode(".jpg", np.rot90(photo)[..., ::-1])
    data = data.tobytes()
    lying, told = tmp_path / "lying.jpg", tmp_path / "told.jpg"
    lying.write_bytes(data)
    marker = b"\xff\xe1" + struct.pack(">H", len(EXIF) + 2) + EXIF
    told.write_bytes(data[:2] + marker + data[2:])
    assert np.abs(read_photo(told).astype(int) - photo).mean() < 4
    assert np.abs(read_photo(lying).astype(int) - photo).mean() > 8


@pytest.mark.parametrize("kind", ["jpg", "png", "webp"])
def test_each_kind_is_read_in_its_colours(tmp_path, kind):
    path = tmp_path / f"orange.{kind}"
    cv2.imwrite(str(path), np.full((40, 60, 3), (20, 120, 240), np.uint8))
    found = read_photo(path)
    assert found.shape == (40, 60, 3)
    assert np.abs(found[20, 30].astype(int) - (240, 120, 20)).max() < 8


def test_odd_kinds_are_read_in_their_colours(tmp_path):
    """16 bits a colour; grey; printers' inks; several pictures, of which the first counts."""
    image = pytest.importorskip("PIL.Image")
    orange = image.new("RGB", (60, 40), (240, 120, 20))
    cv2.imwrite(str(tmp_path / "deep.png"), np.full((40, 60, 3), (20, 120, 240), np.uint16) * 257)
    orange.convert("CMYK").save(tmp_path / "inks.jpg", quality=95)
    others = [image.new("RGB", (60, 40), (0, 0, 255))] * 2
    orange.save(tmp_path / "moves.webp", save_all=True, append_images=others)
    for path in tmp_path.iterdir():
        assert np.abs(read_photo(path)[20, 30].astype(int) - (240, 120, 20)).max() < 8, path
    orange.convert("L").save(tmp_path / "grey.jpg")
    assert np.ptp(read_photo(tmp_path / "grey.jpg"), axis=2).max() == 0


@pytest.mark.parametrize(
    ("name", "dtype"), [("cut.png", np.uint8), ("cut.png", np.uint16), ("cut.webp", np.uint8)]
)
def test_behind_transparent_pixels_is_grey(tmp_path, name, dtype):
    """Their own colours, which nobody has seen, would be a background of any kind."""
    picture = np.full((40, 60, 4), (20, 120, 240, 255), dtype)
    picture[:, 30:, 3] = 0
    if dtype == np.uint16:
        picture *= 257
    cv2.imwrite(str(tmp_path / name), picture)
    found = read_photo(tmp_path / name).astype(int)
    assert np.abs(found[:, :25] - (240, 120, 20)).max() < 8
    assert np.abs(found[:, 35:] - reading.GREY).max() <= 1


def heic(path, picture, *, bits=8, exif=None):
    """Write a picture, (H, W, 3 or 4), as a HEIC file, as a phone does; return its path."""
    pillow_heif = pytest.importorskip("pillow_heif", reason="pillow-heif is not installed")
    mode = {3: "RGB", 4: "RGBA"}[picture.shape[2]]
    height, width = picture.shape[:2]
    if bits > 8:
        mode, picture = f"{mode};16", picture.astype(np.uint16) * 257
    file = pillow_heif.from_bytes(mode, (width, height), picture.tobytes())
    file.save(path, quality=95, exif=exif)
    return path


@pytest.mark.parametrize("bits", [8, 10])
def test_a_phones_picture_is_read(tmp_path, bits):
    photo = portrait()
    found = read_photo(heic(tmp_path / "phone.heic", photo, bits=bits))
    assert np.abs(found.astype(int) - photo).mean() < 3


def test_a_phones_picture_is_turned_once(tmp_path):
    """Its EXIF says what its transformations say, too."""
    photo = portrait()
    path = heic(tmp_path / "phone.heic", np.rot90(photo), exif=EXIF)
    assert b"irot" in path.read_bytes()
    assert EXIF[6:] in path.read_bytes()
    assert np.abs(read_photo(path).astype(int) - photo).mean() < 3


def test_behind_transparent_pixels_of_a_phones_picture_is_grey(tmp_path):
    picture = np.full((64, 96, 4), (240, 120, 20, 255), np.uint8)
    picture[:, 48:, 3] = 0
    found = read_photo(heic(tmp_path / "cut.heic", picture)).astype(int)
    assert np.abs(found[:, :32] - (240, 120, 20)).max() < 12
    assert np.abs(found[:, 64:] - reading.GREY).max() < 12


def test_a_phones_picture_that_is_torn_is_refused(tmp_path):
    path = heic(tmp_path / "phone.heic", portrait())
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(InputError, match=r"HEIC picture that cannot be read \(.*copy it again"):
        read_photo(path)


def test_without_its_reader_a_phones_picture_is_refused_with_the_command(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    path = tmp_path / "phone.heic"
    path.write_bytes(b"\0\0\0\x18ftypheic" + bytes(100))
    with pytest.raises(InputError, match=r"install .*heic.*or save it as JPEG or PNG"):
        read_photo(path)


def test_a_huge_photo_is_reduced(tmp_path, monkeypatch):
    path = keep(portrait(), tmp_path / "photo.png")
    monkeypatch.setattr(reading, "MOST_PX", 256)
    assert read_photo(path).shape == (256, 256, 3)


def png_head(width, height):
    """Return a PNG that says its size, and holds none of its pixels."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = (b"IHDR", head), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("gone.jpg", None, "cannot be read (No such file"),
        ("empty.jpg", b"", "is empty"),
        ("text.jpg", b"hello " * 100, "holds no picture that can be read.*take a JPEG, PNG, WebP"),
        ("vast.png", png_head(60000, 30000), "more than 1000 million pixels; save it smaller"),
    ],
)
def test_what_is_no_photo_is_refused(tmp_path, name, data, said):
    path = tmp_path / name
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(InputError, match=said.replace("(", r"\(")):
        read_photo(path)


def test_a_file_that_is_too_large_is_not_read(tmp_path, monkeypatch):
    path = keep(portrait(), tmp_path / "photo.png")
    monkeypatch.setattr(reading, "MOST_MB", 0.01)
    with pytest.raises(InputError, match=r"a photo has at most 0.01 MB"):
        read_photo(path)
