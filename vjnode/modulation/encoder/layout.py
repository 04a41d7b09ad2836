"""Layout of the sound encoder: its blocks in numbers, and what is kept between two frames.

The network that has this layout is ``vjnode.modulation.encoder.network``. It imports torch, and
this does not: a show needs the numbers alone.
"""

from typing import NamedTuple

from vjnode.modulation.encoder.input import PLANES

VALUES = 512
"""Feature values per time point."""


class Shape(NamedTuple):
    """Shape of one block of the encoder. kernel, stride and padding of width act on coefficients.

    describing, intensity: output channels of the two branches.
    """

    describing: int
    intensity: int
    frames: int
    dilation: int
    width: int
    stride: int
    padding: int

    @property
    def history(self) -> int:
        """Number of columns before the newest that the block needs."""
        return (self.frames - 1) * self.dilation


BLOCKS = (
    Shape(16, 32, 3, 1, 3, 2, 1),
    Shape(24, 48, 2, 1, 3, 2, 1),
    Shape(40, 80, 2, 2, 3, 2, 1),
    Shape(64, 128, 2, 2, 3, 2, 1),
    Shape(80, 160, 1, 1, 3, 1, 1),
    Shape(96, 192, 1, 1, 2, 1, 0),
    Shape(160, 320, 2, 8, 1, 1, 0),
    Shape(VALUES // 2, VALUES // 2, 2, 16, 1, 1, 0),
)

_WIDTHS = (32, 16, 8, 4, 2, 2, 1, 1)


def histories() -> list[tuple[int, int, int, int]]:
    """Return the shapes of the inputs that ``Streaming`` keeps: (1, channels, columns, width).

    Blocks that need no column before the newest keep one of 0 columns.
    """
    return [
        (1, channels, shape.history, width)
        for outputs in (
            [shape.describing for shape in BLOCKS],
            [shape.intensity for shape in BLOCKS],
        )
        for shape, width, channels in zip(BLOCKS, _WIDTHS, (PLANES, *outputs[:-1]), strict=True)
    ]
