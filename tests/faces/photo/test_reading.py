"""Reading of photos: they stand upright, and what is no photo is refused with a remedy."""

import struct

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


def test_a_huge_photo_is_reduced(tmp_path, monkeypatch):
    path = keep(portrait(), tmp_path / "photo.png")
    monkeypatch.setattr(reading, "MOST_PX", 256)
    assert read_photo(path).shape == (256, 256, 3)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("gone.jpg", None, "cannot be read (No such file"),
        ("empty.jpg", b"", "holds no picture that can be read; take a JPEG, PNG or WebP"),
        ("text.jpg", b"hello " * 100, "holds no picture"),
        ("phone.heic", b"\0\0\0\x18ftypheic" + bytes(100), "is a HEIC picture.*save it as JPEG"),
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
