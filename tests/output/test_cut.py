"""Heads that are cut out: their colours and alpha by the formulas, whatever stands behind them."""

import cv2
import numpy as np
import pytest

from vjnode.errors import InputError
from vjnode.output.delivery import Adapter, split_delivery
from vjnode.output.registry import KINDS, parse_output
from vjnode.output.test_pattern import ramp_matte

SIZE = 64


def picture(seed=0, size=SIZE):
    pixels = np.random.default_rng(seed).integers(0, 256, (size, size, 4), np.uint8)
    pixels[..., 3] = 255
    pixels.flags.writeable = False
    return pixels


def matte():
    """Every share of a head, and any colour."""
    made = ramp_matte(256)
    made[..., :3] = picture(1, 256)[..., :3]
    return made


def cutting(options, size=256, given=None):
    adapter = Adapter(split_delivery(f"x,{options}")[1], size)
    adapter.use(matte() if given is None else given)
    return adapter


def parts(pixels, given):
    """Share of the head, and its colours, in floating point."""
    share = given[..., 3:] / 255
    return share, share * pixels[..., :3] + (1 - share) * given[..., :3]


def test_straight_colours_are_the_heads_own():
    pixels, given = picture(size=256), matte()
    found = cutting("alpha=matte").adapt(pixels)
    _, head = parts(pixels, given)
    np.testing.assert_array_equal(found[..., 3], given[..., 3])
    np.testing.assert_allclose(found[..., :3], head, atol=1)
    whole = given[..., 3] == 255
    np.testing.assert_array_equal(found[whole], pixels[whole])


def test_premultiplied_colours_can_be_added_to_what_is_behind():
    pixels, given = picture(size=256), matte()
    found = cutting("alpha=matte,premultiplied").adapt(pixels)
    share, head = parts(pixels, given)
    np.testing.assert_allclose(found[..., 3], given[..., 3], atol=1)
    np.testing.assert_allclose(found[..., :3], share * head, atol=1.5)
    assert not found[:, 0].any()


def test_a_colour_stands_behind_the_head():
    pixels, given = picture(size=256), matte()
    found = cutting("background=#204060").adapt(pixels)
    share, head = parts(pixels, given)
    behind = np.array([0x20, 0x40, 0x60])
    np.testing.assert_allclose(found[..., :3], share * head + (1 - share) * behind, atol=1.5)
    assert (found[..., 3] == 255).all()


def test_a_picture_stands_behind_the_head(tmp_path):
    wide = np.zeros((300, 600, 3), np.uint8)
    wide[:, 150:450] = (10, 20, 200)  # BGR; the square in the middle
    cv2.imwrite(str(tmp_path / "behind.png"), wide)
    found = cutting(f"background={tmp_path / 'behind.png'}").adapt(picture(size=256))
    assert (found[:, 0] == (200, 20, 10, 255)).all()


def test_a_blurred_background_has_nothing_of_the_head():
    pixels = np.full((256, 256, 4), 255, np.uint8)
    pixels[..., :3] = (30, 90, 30)
    given = np.zeros((256, 256, 4), np.uint8)
    cv2.circle(pixels, (128, 128), 60, (250, 0, 0, 255), -1)
    cv2.circle(given, (128, 128), 70, (250, 0, 0, 255), -1)
    found = cutting("background=blur", given=given).adapt(pixels)
    outside = given[..., 3] == 0
    np.testing.assert_allclose(
        found[outside], np.broadcast_to((30, 90, 30, 255), (256, 256, 4))[outside], atol=2
    )


def test_the_key_is_the_matte_in_grey():
    found = cutting("key").adapt(picture(size=256))
    given = matte()[..., 3]
    np.testing.assert_array_equal(found, np.dstack([given, given, given, np.full_like(given, 255)]))


def test_a_hard_edge_is_narrow_and_in_the_same_place():
    soft, hard = (
        cutting(f"alpha=matte,matte-edge={edge}").adapt(picture(size=256))[0, :, 3].astype(int)
        for edge in ("soft", "hard")
    )
    between = [int(((one > 0) & (one < 255)).sum()) for one in (soft, hard)]
    assert between[1] < between[0] / 3
    assert abs(np.argmax(hard > 127) - np.argmax(soft > 127)) <= 1


@pytest.mark.parametrize(
    "options", ["alpha=matte", "alpha=matte,premultiplied", "background=blur", "key"]
)
@pytest.mark.parametrize("size", [48, 256, 300])
def test_any_size_is_cut_like_the_shows_own(options, size):
    smooth = cv2.GaussianBlur(picture(size=256), (0, 0), 16)
    given = ramp_matte(256)
    whole = cutting(options, given=given).adapt(smooth)
    found = cutting(f"{options},size={size}", given=given).adapt(smooth)
    wanted = cv2.resize(whole, (size, size), interpolation=cv2.INTER_AREA)
    inner = slice(size // 16, -size // 16)
    assert np.abs(found.astype(int) - wanted)[inner, inner].max() <= 6


def test_without_a_matte_the_whole_picture_is_shown():
    pixels = picture()
    for options in ("alpha=matte", "background=black"):
        adapter = Adapter(split_delivery(f"x,{options}")[1], SIZE)
        np.testing.assert_array_equal(adapter.adapt(pixels), pixels)


def test_another_matte_takes_the_place_of_the_first():
    adapter, pixels = cutting("alpha=matte"), picture(size=256)
    adapter.adapt(pixels)
    adapter.use(np.ascontiguousarray(matte()[:, ::-1]))
    np.testing.assert_array_equal(adapter.adapt(pixels)[..., 3], matte()[:, ::-1, 3])


@pytest.mark.parametrize(
    ("options", "left"),
    [
        ("alpha=matte", 0),
        ("alpha=matte,premultiplied", 0),
        ("background=#ffffff", 255),
        ("key", 255),
    ],
)
def test_a_blackout_leaves_nothing_of_it(options, left):
    adapter = cutting(options)
    half = adapter.adapt(picture(size=256), darkness=0.5).astype(int)
    np.testing.assert_allclose(half[..., :3], adapter.adapt(picture(size=256))[..., :3] / 2, atol=1)
    dark = adapter.adapt(picture(size=256), darkness=1.0)
    assert not dark[..., :3].any()
    assert (dark[..., 3] == left).all()


@pytest.mark.parametrize("name", KINDS)
def test_a_background_stands_in_every_output(name):
    target = ":a.mov" if name == "record" else ""
    assert parse_output(f"{name}{target},background=black").delivery.cuts
    assert parse_output(f"{name}{target},key").delivery.cuts


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("null,alpha=matte", "carries no alpha"),
        ("camera,alpha=matte", "carries no alpha; those that do: record, preview, ndi"),
        ("window,alpha=matte", "carries no alpha; those that do: record, preview, ndi"),
        ("ndi,alpha=matte,background=blur", "leave out one"),
        ("ndi,alpha=luma,background=black", "leave out one"),
        ("ndi,key,alpha=matte", "another --output"),
        ("ndi,premultiplied", "alpha=matte"),
        ("ndi,alpha=luma,premultiplied", "alpha=matte"),
        ("ndi,matte-edge=hard", "alpha=matte, key or background="),
        ("ndi,alpha=matte,matte-edge=round", "soft, hard"),
        ("null,background=green", "background=green .*#00ff00"),
        ("null,background=#12345", "#12345"),
        ("null,background=nowhere.png", "nowhere.png"),
    ],
)
def test_what_does_not_go_together_is_told(text, part):
    with pytest.raises(InputError, match=part):
        parse_output(text)


def test_a_file_that_is_no_picture_is_refused(tmp_path):
    (tmp_path / "song.png").write_bytes(b"la la la")
    with pytest.raises(InputError, match=r"song\.png cannot be read as a picture"):
        parse_output(f"null,background={tmp_path / 'song.png'}")
