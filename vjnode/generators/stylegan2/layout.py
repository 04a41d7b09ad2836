"""Sizes, channels and style codes of a StyleGAN2."""

from collections.abc import Sequence

from vjnode.errors import InputError

SIZES: tuple[int, ...] = tuple(4 * 2**i for i in range(9))
"""Picture sizes that a network may have, px: 4 to 1024."""


def channels_for(size: int, *, base: int = 32_768, most: int = 512) -> tuple[int, ...]:
    """Return the feature channels at 4, 8, … ``size`` px: base/px, at most ``most``.

    Raises:
        InputError: ``size`` is not one of ``SIZES``.
    """
    if size not in SIZES:
        raise InputError(f"StyleGAN2 cannot draw {size} px; choose one of {SIZES}")
    return tuple(min(most, base // px) for px in SIZES[: SIZES.index(size) + 1])


def slots_for(size: int) -> int:
    """Return the number of style codes in W+ of a network for ``size`` px.

    Slot 0 is the convolution at 4×4. Block i, at 8·2^i px, has slot 2i+1 for its
    up-convolution and 2i+2 for its convolution. A ToRGB layer uses the slot after that of the
    preceding convolution, and so shares it with the next block's up-convolution.
    """
    return 2 * len(channels_for(size))


def styles_for(channels: Sequence[int]) -> int:
    """Return the number of factors that a network's affine maps give, all layers together.

    channels: at 4, 8, … px. Each block has an up-convolution from the channels before it, a
    convolution and a ToRGB layer; at 4×4 there is no up-convolution.
    """
    *before, last = channels
    return 3 * sum(before) + 2 * last
