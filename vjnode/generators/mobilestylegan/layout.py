"""Assignment of style codes to the generator's layers."""

from itertools import pairwise

SIZES = (1024, 512, 256)
"""Picture sizes, px; the smaller ones are area averages of the largest."""

DIM = 512
"""Length of one style code."""

BLOCKS = 7
"""Up-sampling blocks after the 4×4 stage; block i works at 8·2^i px."""

SLOTS = 3 * BLOCKS + 2
"""Number of style codes in W+, as the network was trained: slot 0 is the 4×4 convolution; block i
has slot 3i+1 for its up-sampling and first convolution, 3i+2 for its second convolution and 3i+3
for its ToRGB layer. Only the last block's ToRGB layer was kept in the published weights, so slots
3, 6, … 18 do nothing, and neither does slot 22, which the network declares and never reads."""

DEAD_SLOTS = frozenset({3, 6, 9, 12, 15, 18, 22})
"""Slots that no layer reads."""

_DETAIL = 4
"""Number of the first block of detail, which works at 128 px."""

DETAIL_SLOTS = tuple(slot for slot in range(3 * _DETAIL + 1, SLOTS) if slot not in DEAD_SLOTS)
"""Slots that draw detail."""

WIDTHS = (512, 512, 512, 512, 512, 256, 128, 64)
"""Channels after the 4×4 stage and after each block."""

ROOT, TRUNK = 1, 3
"""Numbers of blocks up to 8 px, which determine the pose, and up to 32 px, where there is too
little work to split."""


def _styles(blocks: int) -> int:
    """Return the number of factors up to the first so many blocks."""
    return WIDTHS[0] + sum(
        inputs + inputs // 4 + outputs for inputs, outputs in pairwise(WIDTHS[: blocks + 1])
    )


STYLES = _styles(TRUNK)
"""Factors that offsets are added to: those of the 4×4 convolution, then of each of the trunk's
blocks those of its up-sampling, first and second convolution. Later layers differ between the whole
generator and the distilled one, and draw no shapes."""

ROOT_SLOTS = 3 * ROOT + 1
"""Number of leading slots that alone determine the root's features. The shipped expressions do not
change them."""

ROOT_STYLES = _styles(ROOT)
"""Number of leading factors that are the root's."""
