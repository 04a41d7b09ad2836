"""Table of a recording's codecs and their containers, and the choice from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePath

from vjnode.errors import InputError
from vjnode.output.base import Delivery

BT601, BT709 = 5, 1
"""Matrices from RGB to YUV, by the numbers of the standards: JPEG's own, and video's."""


@dataclass(frozen=True)
class Codec:
    """A codec for pictures, and the usual codec for sound beside it.

    name: as written on the command line. label: for people to read. encoder: FFmpeg's name.
    pixels: FFmpeg's name of its pixel format. suffixes: of the containers that support it.
    matrix: one of ``BT601`` and ``BT709``. full_range: whether black is 0, and not 16 of 255.
    intra: whether every picture can be decoded without the previous ones.
    threads: number of threads that share a picture.
    """

    name: str
    label: str
    encoder: str
    pixels: str
    suffixes: tuple[str, ...]
    options: Mapping[str, str] = field(default_factory=dict)
    sound: str = "aac"
    matrix: int = BT709
    full_range: bool = False
    alpha: bool = False
    intra: bool = True
    threads: int = 1


# The fastest preset keeps 60 frames/s at 1024² on one core; CABAC saves a fifth at no cost.
H264 = Codec(
    "h264",
    "H.264",
    "libx264",
    "yuv420p",
    (".mp4", ".mov", ".mkv"),
    {"preset": "ultrafast", "crf": "20", "forced-idr": "1", "x264-params": "cabac=1"},
    intra=False,
)

# A fixed quantiser (2, in FFmpeg's units of 1/118) saves the encoder the search for one that
# meets a bit rate: it is five times as fast, and faces get about the usual bit rate.
_PRORES_OPTIONS = {"vendor": "apl0", "flags": "+qscale", "global_quality": "236"}

PRORES = Codec(
    "prores",
    "ProRes 422",
    "prores_ks",
    "yuv422p10le",
    (".mov", ".mkv"),
    {"profile": "standard", **_PRORES_OPTIONS},
    sound="pcm_s16le",
    threads=2,
)

PRORES_4444 = Codec(
    "prores4444",
    "ProRes 4444",
    "prores_ks",
    "yuva444p10le",
    (".mov", ".mkv"),
    {"profile": "4444", "alpha_bits": "8", **_PRORES_OPTIONS},
    sound="pcm_s16le",
    alpha=True,
    threads=2,
)

HAP = Codec("hap", "HAP", "hap", "rgba", (".mov",), sound="pcm_s16le", full_range=True)

HAP_ALPHA = replace(HAP, name="hap_alpha", label="HAP Alpha", alpha=True)

# Huffman tables of the standard instead of the picture's own: a third faster, a tenth larger.
MJPEG = Codec(
    "mjpeg",
    "MJPEG",
    "mjpeg",
    "yuvj422p",
    (".mov", ".mkv"),
    {"qmin": "3", "qmax": "3", "huffman": "default"},
    sound="pcm_s16le",
    matrix=BT601,
    full_range=True,
)

CODECS = (H264, PRORES, PRORES_4444, HAP, HAP_ALPHA, MJPEG)
"""Codecs in order of preference when none is asked for."""

WITH_ALPHA = {PRORES.name: PRORES_4444.name, HAP.name: HAP_ALPHA.name}
"""Codecs that are meant as well when one is asked for: the same with alpha."""

SUFFIXES = (".mp4", ".mov", ".mkv")


def choose_codec(target: str, name: str, alpha: str) -> Codec:
    """Return the codec for the file ``target``.

    name: of a codec, or "" for the first that its container supports. alpha: one of ``ALPHAS``.

    Raises:
        InputError: unknown suffix, or a codec or alpha that this container does not support.
    """
    suffix = PurePath(target).suffix.lower()
    if suffix not in SUFFIXES:
        known = ", ".join(SUFFIXES)
        raise InputError(f"cannot record to '{target}': its name must end in one of {known}")
    names = {name, WITH_ALPHA.get(name, name)}
    asked = [codec for codec in CODECS if not name or codec.name in names]
    fitting = [codec for codec in asked if suffix in codec.suffixes]
    if not fitting:
        known = " or ".join(asked[0].suffixes)
        raise InputError(
            f"cannot record to '{target}': {suffix} takes no {asked[0].label}; "
            f"let its name end in {known}, or ask for codec={H264.name}"
        )
    keyed = alpha != "opaque"
    for codec in fitting:
        if codec.alpha == keyed:
            return codec
    if not keyed:
        plain = next((one for one, alike in WITH_ALPHA.items() if alike == name), PRORES.name)
        raise InputError(
            f"cannot record to '{target}': {fitting[0].label} is for pictures with alpha; "
            f"add alpha=matte (of a rendering: --alpha), or ask for codec={plain}"
        )
    raise InputError(
        f"cannot record to '{target}': {fitting[0].label} in {suffix} carries no alpha; "
        f"record:NAME.mov,codec={PRORES.name},alpha={alpha} does"
    )


def check_recording(target: str, delivery: Delivery) -> None:
    """Check that a recording to ``target`` can be made in the format of ``delivery``.

    Raises:
        InputError: as ``choose_codec`` does.
    """
    choose_codec(target, delivery.codec, delivery.alpha)
