"""Choice of the codec for a file, and the errors where a codec does not go into it."""

import pytest

from vjnode.errors import InputError
from vjnode.output import base
from vjnode.output.record import codecs
from vjnode.output.record.codecs import choose_codec
from vjnode.output.registry import parse_output


def test_every_codec_that_can_be_asked_for_is_there():
    assert {codec.name for codec in codecs.CODECS} == set(base.CODECS)


@pytest.mark.parametrize(
    ("target", "name", "alpha", "label"),
    [
        ("a.mp4", "", "opaque", "H.264"),
        ("a.mov", "", "opaque", "H.264"),
        ("a.MKV", "h264", "opaque", "H.264"),
        ("a.mov", "prores", "opaque", "ProRes 422"),
        ("a.mkv", "prores", "opaque", "ProRes 422"),
        ("a.mov", "prores", "luma", "ProRes 4444"),
        ("a.mov", "", "luma", "ProRes 4444"),
        ("a.mov", "", "matte", "ProRes 4444"),
        ("a.mkv", "prores4444", "matte", "ProRes 4444"),
        ("a.mov", "hap", "opaque", "HAP"),
        ("a.mov", "hap", "matte", "HAP Alpha"),
        ("a.mov", "hap_alpha", "matte", "HAP Alpha"),
        ("a.mov", "mjpeg", "opaque", "MJPEG"),
    ],
)
def test_the_codec_is_the_one_asked_for_or_what_suits_the_file(target, name, alpha, label):
    assert choose_codec(target, name, alpha).label == label


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("record:a.mp4,codec=prores", ["a.mp4", ".mp4 takes no ProRes", ".mov", "codec=h264"]),
        ("record:a.mp4,codec=mjpeg", [".mp4 takes no MJPEG", ".mov"]),
        ("record:a.mp4,alpha=luma", ["carries no alpha", "codec=prores,alpha=luma"]),
        ("record:a.mov,codec=h264,alpha=luma", ["H.264", "carries no alpha", "codec=prores"]),
        ("record:a.mov,codec=mjpeg,alpha=luma", ["MJPEG", "carries no alpha"]),
        ("record:a.avi,codec=mjpeg", [".mp4, .mov, .mkv"]),
        ("record:a.mov,codec=vp9", ["codec=vp9", "prores, prores4444, hap, hap_alpha, mjpeg"]),
        ("record:a.mkv,codec=hap", [".mkv takes no HAP", ".mov"]),
        ("record:a.mov,codec=hap_alpha", ["HAP Alpha is for pictures with alpha", "codec=hap"]),
        (
            "record:a.mov,codec=prores4444",
            ["ProRes 4444 is for pictures with alpha", "alpha=matte"],
        ),
        ("record:a.mp4,codec=hap_alpha,alpha=matte", [".mp4 takes no HAP Alpha", ".mov"]),
        ("preview,codec=h264", ["preview", "leave out codec="]),
    ],
)
def test_what_does_not_go_together_is_told_before_the_show(text, parts):
    with pytest.raises(InputError) as caught:
        parse_output(text)
    for part in parts:
        assert part in str(caught.value)


def test_a_codec_stands_among_the_other_wishes():
    spec = parse_output("record:my, set.mov,size=512,codec=prores,fps=25")
    assert (spec.target, spec.delivery.codec, spec.delivery.size) == ("my, set.mov", "prores", 512)
