from fractions import Fraction

import numpy as np
import pytest

from vjnode.errors import InputError
from vjnode.output.base import Delivery
from vjnode.output.delivery import Adapter, split_delivery
from vjnode.output.registry import parse_output

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def chart(size=64):
    """Red and green above, blue and white below."""
    picture = np.full((size, size, 4), 255, np.uint8)
    half = size // 2
    picture[:half, :half, :3], picture[:half, half:, :3] = RED, GREEN
    picture[half:, :half, :3], picture[half:, half:, :3] = BLUE, WHITE
    return picture


def adapted(picture, **asked):
    return Adapter(Delivery(**asked), len(picture)).adapt(picture)


def corners(picture):
    """Colours of the four quarters, row by row."""
    q = len(picture) // 4
    return [tuple(map(int, picture[y, x, :3])) for y in (q, -q) for x in (q, -q)]


@pytest.mark.parametrize(
    ("text", "plain", "delivery"),
    [
        ("null", "null", Delivery()),
        ("ndi:Face,size=512", "ndi:Face", Delivery(size=512)),
        ("ndi:A, B,fps=29.97,flip-y", "ndi:A, B", Delivery(fps=Fraction(30000, 1001), flip_y=True)),
        ("record:a,b.mp4", "record:a,b.mp4", Delivery()),
        ("record:a.mp4,part=90", "record:a.mp4", Delivery(part_min=90.0)),
        ("record:a.mp4,part=0", "record:a.mp4", Delivery(part_min=0.0)),
        ("record:size=512.mp4", "record:size=512.mp4", Delivery()),
        ("x,order=bgra,alpha=luma", "x", Delivery(order="bgra", alpha="luma")),
    ],
)
def test_how_frames_are_wanted_stands_behind_the_output(text, plain, delivery):
    assert split_delivery(text) == (plain, delivery)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("null,size=8", "16 to 4096"),
        ("null,size=big", "16 to 4096"),
        ("null,fps=500", "1 to 240"),
        ("null,fps=x", "30000/1001"),
        ("null,order=argb", "rgba, bgra"),
        ("null,alpha=half", "opaque, luma"),
        ("record:x.mp4,order=bgra", "takes rgba"),
        ("record:x.mp4,alpha=luma", "carries no alpha"),
        ("record:x.mp4,part=0.01", "part=0.01 .*0.1 to 1440, or 0"),
        ("record:x.mp4,part=1e9", "0.1 to 1440, or 0"),
        ("record:x.mp4,part=nan", "0.1 to 1440, or 0"),
        ("record:x.mp4,part=hour", "0.1 to 1440, or 0"),
        ("null,part=5", "makes no files; leave out part="),
    ],
)
def test_what_cannot_be_delivered_is_told(text, part):
    with pytest.raises(InputError, match=part):
        parse_output(text)


def test_an_output_keeps_the_name_that_was_written():
    spec = parse_output("null,size=512", flip_y=True)
    assert (spec.kind, spec.target, str(spec)) == ("null", "", "null,size=512")
    assert (spec.delivery.size, spec.delivery.flip_y) == (512, True)


def test_a_recording_makes_a_file_an_hour_unless_told_otherwise():
    for text, minutes in (("record:a.mp4", 60.0), ("record:a.mp4,part=5", 5.0), ("null", None)):
        assert parse_output(text).delivery.part_min == minutes


def test_what_needs_nothing_is_not_copied():
    picture = chart()
    assert adapted(picture) is picture


def test_upside_down():
    assert corners(adapted(chart(), flip_y=True)) == [BLUE, WHITE, RED, GREEN]


def test_blue_first():
    found = adapted(chart(), order="bgra")
    assert corners(found) == [BLUE, GREEN, RED, WHITE]
    assert (found[..., 3] == 255).all()


def test_alpha_as_bright_as_the_picture():
    picture = chart()
    found = adapted(picture, alpha="luma")
    assert [int(found[y, x, 3]) for y in (16, -16) for x in (16, -16)] == [54, 182, 18, 255]
    np.testing.assert_array_equal(found[..., :3], picture[..., :3])
    assert (picture[..., 3] == 255).all()  # not the show's own


@pytest.mark.parametrize("size", [32, 48, 100, 256])
def test_another_size_is_the_same_picture(size):
    found = adapted(chart(), size=size, flip_y=True, order="bgra", alpha="luma")
    assert found.shape == (size, size, 4)
    assert corners(found) == [RED, WHITE, BLUE, GREEN]
    assert [int(found[-size // 4, x, 3]) for x in (size // 4, -size // 4)] == [54, 182]


def test_smaller_is_the_mean():
    rng = np.random.default_rng(1)
    noise = rng.integers(0, 256, (64, 64, 4), np.uint8)
    wanted = noise.reshape(32, 2, 32, 2, 4).mean((1, 3))
    assert np.abs(adapted(noise, size=32) - wanted).max() <= 0.51


def test_larger_is_smooth():
    ramp = np.repeat(np.arange(0, 256, 4, dtype=np.uint8)[None, :, None], 64, 0).repeat(4, 2)
    found = adapted(np.ascontiguousarray(ramp), size=256)[128, 8:-8, 0].astype(int)
    assert (np.diff(found) >= 0).all()
    assert np.diff(found).max() <= 2
