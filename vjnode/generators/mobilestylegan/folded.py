"""The generator folded for inference: fewer and cheaper passes, the same pictures.

Every change is exact but one: noise too weak to be seen is left out.

- The inverse Haar transform becomes sums of four channel quarters and a depth-to-space; the
  convolutions before it are reordered so that each quarter is contiguous.
- A factor per channel commutes with the Haar transform and with a depthwise convolution.
  So the first convolution's factors join those of the up-sampling, and the second's scale
  its pointwise kernel, which on large pictures is far smaller than the picture.
- The last Haar transform, the range 0…255 and an opaque alpha are part of the ToRGB kernel.
- On a processor the large pictures are drawn in bands of rows, one on each core, since cores that
  share every layer wait for each other after each; and a band is drawn in strips, each through a
  whole block, so that its features stay in the core's cache from one layer to the next.
"""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn

from vjnode.generators.mobilestylegan.folded_layers import (
    FoldedAffine,
    FoldedConv,
    FoldedToRGB,
    Rows,
    butterfly,
    quarters,
)
from vjnode.generators.mobilestylegan.layout import BLOCKS, ROOT, TRUNK
from vjnode.generators.mobilestylegan.model import Block, Synthesis

SCALED_KERNEL_PX = 64
"""Size from which on scaling a kernel is cheaper than scaling the picture."""

STRIP_BYTES = 4 << 20
"""Most bytes of a strip of a block's features; several strips fit into a shared cache."""

Then = Callable[[Tensor], Tensor]
"""A function that is applied to each strip of a block's features."""


def unchanged(x: Tensor) -> Tensor:
    """Return x."""
    return x


class FoldedBlock(nn.Module):
    """Doubling of the size, then two convolutions."""

    def __init__(self, block: Block, *, last: bool, strips: bool) -> None:
        super().__init__()
        inputs = block.up.affine.out_features
        # Half of the gain is the Haar transform's own factor.
        self.up = FoldedAffine(block.up.affine, 0.5 * block.conv1.gain, quarters(inputs))
        self.style1 = FoldedAffine(block.conv1.affine)
        self.style2 = FoldedAffine(block.conv2.affine, block.conv2.gain)
        outputs = block.conv2.weight.shape[0]
        self.widths = [len(one.bias) for one in (self.up, self.style1, self.style2)]
        self.px = block.conv2.noise.shape[-1]
        self.row_bytes = 4 * outputs * self.px if strips else 0
        self.conv1 = FoldedConv(block.conv1, torch.arange(outputs))
        self.conv2 = FoldedConv(block.conv2, torch.arange(outputs) if last else quarters(outputs))

    def forward(
        self,
        x: Tensor,
        codes: Tensor,
        noise_strength: Tensor,
        then: Then = unchanged,
        *,
        rows: Rows | None = None,
        begins: int = 0,
        offsets: Tensor | None = None,
    ) -> Tensor:
        """Return the block's output for ``rows`` of x, twice as many rows; None: for all.

        x: [1, C, rows, px/2], channels in quarters; its first row is number ``begins``, and it
        has at least the rows that are ``seen``. codes: [1, 3, DIM]. then: applied to each strip.
        offsets: of its factors, [1, sum of ``widths``].
        """
        up, one, two = [None] * 3 if offsets is None else torch.split(offsets, self.widths, 1)
        factors = self.up(codes[:, 0], up) * self.style1(codes[:, 0], one).repeat(1, 4)
        first = factors[:, :, None, None].to(x.dtype)
        second = self.style2(codes[:, 1], two)[:, :, None, None].to(x.dtype)
        top, bottom = rows or (0, self.px // 2)
        count = -(-2 * (bottom - top) * self.row_bytes // STRIP_BYTES) or 1
        edges = [top + (bottom - top) * i // count for i in range(count + 1)]
        strips = []
        for strip in pairwise(edges):
            above, below = self.seen(strip)
            whole = begins == 0 and below - above == self.px // 2
            seen = x if whole else x[:, :, above - begins : below - begins]
            strips.append(then(self._strip(seen, first, second, noise_strength, strip)))
        return torch.cat(strips, 2) if len(strips) > 1 else strips[0]

    def seen(self, rows: Rows) -> Rows:
        """Return the rows of x that the output for ``rows`` needs: one more above and below."""
        return max(rows[0] - 1, 0), min(rows[1] + 1, self.px // 2)

    def _strip(
        self, x: Tensor, first: Tensor, second: Tensor, noise_strength: Tensor, rows: Rows
    ) -> Tensor:
        """Return the block's output for ``rows``; x: all rows that are ``seen``."""
        top, bottom = 2 * rows[0], 2 * rows[1]
        x = butterfly(x * first)
        x = self.conv1(x, noise_strength, rows=(max(top - 1, 0), min(bottom + 1, self.px)))
        small = self.px < SCALED_KERNEL_PX
        x, factors = (x * second, None) if small else (x, second)
        y: Tensor = self.conv2(x, noise_strength, factors, rows=(top, bottom))
        return y


class FoldedSynthesis(nn.Module):
    """Style codes → RGBA picture; draws one at a time.

    size: 1024, or 512 or 256 for area means of the same picture, taken before clamping.
    strips: whether to draw in strips; the picture is the same.
    """

    def __init__(self, synthesis: Synthesis, size: int, *, strips: bool = False) -> None:
        super().__init__()
        self.input = synthesis.input
        conv1 = synthesis.conv1
        self.style = FoldedAffine(conv1.affine, conv1.gain)
        self.conv1 = FoldedConv(conv1, quarters(conv1.weight.shape[0]))
        self.blocks = nn.ModuleList(
            FoldedBlock(block, last=i == BLOCKS - 1, strips=strips)
            for i, block in enumerate(synthesis.blocks.children())
            if isinstance(block, Block)
        )
        self.head = FoldedToRGB(synthesis.head, size)
        self.requires_grad_(requires_grad=False)

    def forward(
        self, codes: Tensor, noise_strength: Tensor, offsets: Tensor | None = None
    ) -> Tensor:
        """Return the picture of codes [1, SLOTS, DIM]: [1, size, size, 4], uint8, opaque.

        noise_strength: [1], of the frozen noise, 1 as trained. As it is an input, a runtime cannot
        fold noise and bias into constants as large as the features.
        offsets: what is added to the factors of the affine maps, [1, STYLES].
        """
        return self.picture(self.features(codes, noise_strength, offsets), codes, noise_strength)

    def levels(
        self, codes: Tensor, noise_strength: Tensor, offsets: Tensor | None = None
    ) -> Tensor:
        """Return the picture before it is clamped and rounded: [1, 4, size, size]."""
        x = self.features(codes, noise_strength, offsets)
        return self._band(x, codes, noise_strength, unchanged, (0, 1))

    def features(
        self, codes: Tensor, noise_strength: Tensor, offsets: Tensor | None = None
    ) -> Tensor:
        """Return the features of root and trunk, [1, 512, 32, 32]."""
        x = self.root(codes, noise_strength, offsets)
        return self.trunk(x, codes, noise_strength, offsets)

    def root(self, codes: Tensor, noise_strength: Tensor, offsets: Tensor | None = None) -> Tensor:
        """Return the features of the root, [1, 512, 8, 8], from the codes of ``ROOT_SLOTS``."""
        first, _ = self._split(offsets)
        factors = self.style(codes[:, 0], first)[:, :, None, None].to(self.input.dtype)
        x: Tensor = self.conv1(self.input * factors, noise_strength)
        return self._through(range(ROOT), x, codes, noise_strength, offsets)

    def trunk(
        self,
        x: Tensor,
        codes: Tensor,
        noise_strength: Tensor,
        offsets: Tensor | None = None,
        *,
        end: int = TRUNK,
    ) -> Tensor:
        """Return the features of the last block before ``end``, from those of the root.

        Returns: [1, C, px, px] with px = 4 · 2^end: [1, 512, 32, 32] up to ``TRUNK``.
        """
        return self._through(range(ROOT, end), x, codes, noise_strength, offsets)

    def _through(
        self,
        blocks: range,
        x: Tensor,
        codes: Tensor,
        noise_strength: Tensor,
        offsets: Tensor | None,
    ) -> Tensor:
        _, each = self._split(offsets)
        for i in blocks:
            own = codes[:, 3 * i + 1 : 3 * i + 4]
            x = self.blocks[i](x, own, noise_strength, offsets=each.get(i))
        return x

    def _split(self, offsets: Tensor | None) -> tuple[Tensor | None, dict[int, Tensor]]:
        """Return the offsets of the first convolution, and of each of the trunk's blocks."""
        if offsets is None:
            return None, {}
        trunk = [block for block in self.blocks[:TRUNK] if isinstance(block, FoldedBlock)]
        widths = [len(self.style.bias), *(sum(block.widths) for block in trunk)]
        first, *each = torch.split(offsets, widths, 1)
        return first, dict(enumerate(each))

    def picture(
        self, x: Tensor, codes: Tensor, noise_strength: Tensor, index: int = 0, count: int = 1
    ) -> Tensor:
        """Return one of ``count`` bands of rows, from the top: [1, size / count, size, 4], uint8.

        x: all features of the trunk.
        """
        return self._band(x, codes, noise_strength, to_bytes, (index, count)).permute(0, 2, 3, 1)

    def _band(
        self, x: Tensor, codes: Tensor, noise_strength: Tensor, then: Then, which: tuple[int, int]
    ) -> Tensor:
        """Return the levels of a band, [1, 4, rows, size]. then: applied to each strip."""
        late, code = self.blocks[TRUNK:], codes[:, 3 * BLOCKS]
        for i, (block, (begins, rows)) in enumerate(
            zip(late, self._rows(*which), strict=True), TRUNK
        ):
            finish = unchanged if i < BLOCKS - 1 else lambda strip: then(self.head(strip, code))
            own = codes[:, 3 * i + 1 : 3 * i + 4]
            x = block(x, own, noise_strength, finish, rows=rows, begins=begins)
        return x

    def _rows(self, index: int, count: int) -> list[tuple[int, Rows]]:
        """Return, for each late block, the first row of its input and the rows to process."""
        late = [block for block in self.blocks[TRUNK:] if isinstance(block, FoldedBlock)]
        px = late[-1].px // 2
        rows: list[Rows] = [(px * index // count, px * (index + 1) // count)]
        for block in reversed(late[1:]):
            top, bottom = block.seen(rows[0])
            rows.insert(0, (top // 2, -(-bottom // 2)))
        begins = [0, *(2 * top for top, _ in rows[:-1])]
        return list(zip(begins, rows, strict=True))


def to_bytes(levels: Tensor) -> Tensor:
    """Return levels, 0…255 and a little beyond, clamped and rounded to uint8."""
    return levels.clamp(0, 255).round().to(torch.uint8)
