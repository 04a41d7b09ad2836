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
from torch.nn import functional as F  # noqa: N812 (torch's own convention)

from vjnode.generators.mobilestylegan.layout import BLOCKS, ROOT, TRUNK
from vjnode.generators.mobilestylegan.model import (
    SLOPE,
    Block,
    StyledConv,
    Synthesis,
    ToRGB,
    inverse_haar,
)

FULL_PX = 1024

FAINT = 1e-3
"""Standard deviation below which noise is left out; features have one near 1."""

SCALED_KERNEL_PX = 64
"""Size from which on scaling a kernel is cheaper than scaling the picture."""

STRIP_BYTES = 4 << 20
"""Most bytes of a strip of a block's features; several strips fit into a shared cache."""

Then = Callable[[Tensor], Tensor]
"""A function that is applied to each strip of a block's features."""

Rows = tuple[int, int]
"""A range of rows: the first, and the one after the last."""


def unchanged(x: Tensor) -> Tensor:
    """Return x."""
    return x


class FoldedAffine(nn.Module):
    """One style code → factors [1, C], a constant gain included."""

    def __init__(self, affine: nn.Linear, gain: float = 1.0, order: Tensor | None = None) -> None:
        super().__init__()
        rows = slice(None) if order is None else order
        self.weight = nn.Parameter(gain * affine.weight[rows])
        self.bias = nn.Parameter(gain * affine.bias[rows])

    def forward(self, code: Tensor) -> Tensor:
        """Return the factors of a code [1, DIM]."""
        return F.linear(code, self.weight, self.bias)


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
        self.px = block.conv2.noise.shape[-1]
        self.row_bytes = 4 * outputs * self.px if strips else 0
        self.conv1 = FoldedConv(block.conv1, torch.arange(outputs))
        self.conv2 = FoldedConv(block.conv2, torch.arange(outputs) if last else quarters(outputs))

    def forward(
        self,
        x: Tensor,
        codes: Tensor,
        texture: Tensor,
        then: Then = unchanged,
        *,
        rows: Rows | None = None,
        begins: int = 0,
    ) -> Tensor:
        """Return the block's output for ``rows`` of x, twice as many rows; None: for all.

        x: [1, C, rows, px/2], channels in quarters; its first row is number ``begins``, and it
        has at least the rows that are ``seen``. codes: [1, 3, DIM]. then: applied to each strip.
        """
        first = (self.up(codes[:, 0]) * self.style1(codes[:, 0]).repeat(1, 4))[:, :, None, None]
        second = self.style2(codes[:, 1])[:, :, None, None]
        top, bottom = rows or (0, self.px // 2)
        count = -(-2 * (bottom - top) * self.row_bytes // STRIP_BYTES) or 1
        edges = [top + (bottom - top) * i // count for i in range(count + 1)]
        strips = []
        for strip in pairwise(edges):
            above, below = self.seen(strip)
            whole = begins == 0 and below - above == self.px // 2
            seen = x if whole else x[:, :, above - begins : below - begins]
            strips.append(then(self._strip(seen, first, second, texture, strip)))
        return torch.cat(strips, 2) if len(strips) > 1 else strips[0]

    def seen(self, rows: Rows) -> Rows:
        """Return the rows of x that the output for ``rows`` needs: one more above and below."""
        return max(rows[0] - 1, 0), min(rows[1] + 1, self.px // 2)

    def _strip(
        self, x: Tensor, first: Tensor, second: Tensor, texture: Tensor, rows: Rows
    ) -> Tensor:
        """Return the block's output for ``rows``; x: all rows that are ``seen``."""
        top, bottom = 2 * rows[0], 2 * rows[1]
        x = butterfly(x * first)
        x = self.conv1(x, texture, rows=(max(top - 1, 0), min(bottom + 1, self.px)))
        small = self.px < SCALED_KERNEL_PX
        x, factors = (x * second, None) if small else (x, second)
        y: Tensor = self.conv2(x, texture, factors, rows=(top, bottom))
        return y


class FoldedConv(nn.Module):
    """Depthwise and pointwise convolution, noise where it is visible, activation."""

    def __init__(self, conv: StyledConv, order: Tensor) -> None:
        super().__init__()
        self.px = conv.noise.shape[-1]
        self.depthwise = conv.depthwise
        self.pointwise: nn.Module = Pointwise(conv.weight[order], conv.bias[order])
        self.noise = Noise(conv.noise) if conv.noise.std() > FAINT else None

    def forward(
        self,
        x: Tensor,
        texture: Tensor,
        factors: Tensor | None = None,
        rows: Rows | None = None,
    ) -> Tensor:
        """Return the output for x, [1, C, rows, px].

        factors: of its channels, [1, C, 1, 1]. rows: which to return; x has one more row above
        and below them, except at the picture's edges. None: all.
        """
        top, bottom = rows or (0, self.px)
        if self.depthwise is not None:
            if bottom - top == self.px:
                x = F.conv2d(x, self.depthwise, padding=1, groups=x.shape[1])
            else:
                edges = (1, 1, int(top == 0), int(bottom == self.px))
                x = F.conv2d(F.pad(x, edges), self.depthwise, groups=x.shape[1])
        return self.mixed(x, texture, factors, (top, bottom))

    def mixed(
        self,
        x: Tensor,
        texture: Tensor,
        factors: Tensor | None = None,
        rows: Rows | None = None,
    ) -> Tensor:
        """Return the output, as ``forward`` does, for x after its depthwise convolution."""
        top, bottom = rows or (0, self.px)
        x = self.pointwise(x, factors)
        if self.noise is not None:
            x = x + self.noise(texture, top, bottom)
        return F.leaky_relu(x, SLOPE)


class Noise(nn.Module):
    """Frozen noise, the same for all channels."""

    def __init__(self, noise: Tensor) -> None:
        super().__init__()
        self.px = noise.shape[-1]
        self.noise = nn.Parameter(noise)

    def forward(self, texture: Tensor, top: int, bottom: int) -> Tensor:
        """Return rows of the noise times ``texture``: [1, 1, bottom - top, px]."""
        return texture * self.rows(top, bottom)

    def rows(self, top: int, bottom: int) -> Tensor:
        """Return rows of the noise, [1, 1, bottom - top, px]."""
        return self.noise if bottom - top == self.px else self.noise[:, :, top:bottom]


class Pointwise(nn.Module):
    """Convolution that mixes channels; at 4×4, where no depthwise one precedes, a dense 3×3."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)
        self.bias = nn.Parameter(bias)

    def forward(self, x: Tensor, factors: Tensor | None = None) -> Tensor:
        """Convolve x, [1, C, rows, px]; factors: of its channels, [1, C, 1, 1]."""
        weight = self.weight if factors is None else self.weight * factors
        return F.conv2d(x, weight, self.bias, padding=weight.shape[-1] // 2)


class FoldedToRGB(nn.Module):
    """Features → RGBA levels 0…255 as float, [1, 4, size, size]."""

    def __init__(self, head: ToRGB, size: int, full_px: int = FULL_PX) -> None:
        super().__init__()
        self.size, self.full_px = size, full_px
        self.style = FoldedAffine(head.affine, head.gain)
        kernel = torch.cat((head.weight[:, :, 0, 0], head.bias[:, None]), 1)
        if size == full_px:
            # The Haar transform of the kernel, as rows of phase-major RGB.
            kernel = inverse_haar(kernel.T[:, :, None, None]).permute(2, 3, 1, 0).flatten(0, 1)
        else:
            # The mean of each 2×2 pixels is half the Haar transform's mean channel.
            kernel = 0.5 * kernel[None, :3]
        kernel = 127.5 * kernel
        kernel[..., -1] += 127.5
        alpha = torch.zeros_like(kernel[:, :1])
        alpha[..., -1] = 255.0
        kernel = torch.cat((kernel, alpha), 1).flatten(0, 1)
        self.weight = nn.Parameter(kernel[:, :-1, None, None].contiguous())
        self.bias = nn.Parameter(kernel[:, -1].contiguous())

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        """Return the levels, for x, [1, C, full_px/2, full_px/2], and code, [1, DIM]."""
        weight = self.weight * self.style(code)[:, :, None, None]
        return self.arranged(F.conv2d(x, weight, self.bias))

    def arranged(self, x: Tensor) -> Tensor:
        """Return the picture from the kernel's output, [1, 16 or 4, full_px/2, full_px/2]."""
        if self.size == self.full_px:
            return depth_to_space(x)
        return F.avg_pool2d(x, x.shape[-1] // self.size)


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

    def forward(self, codes: Tensor, texture: Tensor) -> Tensor:
        """Return the picture of codes [1, SLOTS, DIM]: [1, size, size, 4], uint8, opaque.

        texture: [1], the strength of the frozen noise, 1 as trained. As it is an input, a runtime
        cannot fold noise and bias into constants as large as the features.
        """
        return self.picture(self.features(codes, texture), codes, texture)

    def levels(self, codes: Tensor, texture: Tensor) -> Tensor:
        """Return the picture before it is clamped and rounded: [1, 4, size, size]."""
        return self._band(self.features(codes, texture), codes, texture, unchanged, (0, 1))

    def features(self, codes: Tensor, texture: Tensor) -> Tensor:
        """Return the features of root and trunk, [1, 512, 32, 32]."""
        return self.trunk(self.root(codes, texture), codes, texture)

    def root(self, codes: Tensor, texture: Tensor) -> Tensor:
        """Return the features of the root, [1, 512, 8, 8], from the codes of ``ROOT_SLOTS``."""
        x: Tensor = self.conv1(self.input * self.style(codes[:, 0])[:, :, None, None], texture)
        return self._through(range(ROOT), x, codes, texture)

    def trunk(self, x: Tensor, codes: Tensor, texture: Tensor, end: int = TRUNK) -> Tensor:
        """Return the features of the last block before ``end``, from those of the root.

        Returns: [1, C, px, px] with px = 4 · 2^end: [1, 512, 32, 32] up to ``TRUNK``.
        """
        return self._through(range(ROOT, end), x, codes, texture)

    def _through(self, blocks: range, x: Tensor, codes: Tensor, texture: Tensor) -> Tensor:
        for i in blocks:
            x = self.blocks[i](x, codes[:, 3 * i + 1 : 3 * i + 4], texture)
        return x

    def picture(
        self, x: Tensor, codes: Tensor, texture: Tensor, index: int = 0, count: int = 1
    ) -> Tensor:
        """Return one of ``count`` bands of rows, from the top: [1, size / count, size, 4], uint8.

        x: all features of the trunk.
        """
        return self._band(x, codes, texture, to_bytes, (index, count)).permute(0, 2, 3, 1)

    def _band(
        self, x: Tensor, codes: Tensor, texture: Tensor, then: Then, which: tuple[int, int]
    ) -> Tensor:
        """Return the levels of a band, [1, 4, rows, size]. then: applied to each strip."""
        late, code = self.blocks[TRUNK:], codes[:, 3 * BLOCKS]
        for i, (block, (begins, rows)) in enumerate(
            zip(late, self._rows(*which), strict=True), TRUNK
        ):
            finish = unchanged if i < BLOCKS - 1 else lambda strip: then(self.head(strip, code))
            own = codes[:, 3 * i + 1 : 3 * i + 4]
            x = block(x, own, texture, finish, rows=rows, begins=begins)
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


def quarters(channels: int) -> Tensor:
    """Return the order of four contiguous quarters of [means, (rows, columns, diagonal) …]."""
    quarter = channels // 4
    details = quarter + torch.arange(3 * quarter).reshape(quarter, 3)
    return torch.cat((torch.arange(quarter), details.T.flatten()))


def butterfly(x: Tensor) -> Tensor:
    """Return twice the inverse Haar transform of quarters: [1, 4·C, H, W] → [1, C, 2H, 2W]."""
    mean, rows, columns, diagonal = x.chunk(4, 1)
    even, odd = mean + rows, mean - rows
    plus, minus = columns + diagonal, columns - diagonal
    return depth_to_space(torch.cat((even + plus, even - plus, odd + minus, odd - minus), 1))


def depth_to_space(x: Tensor) -> Tensor:
    """Return one picture of four phases, row-major: [1, 4·C, H, W] → [1, C, 2·H, 2·W]."""
    batch, channels, height, width = x.shape
    channels = channels // 4
    x = x.reshape(batch, 2, 2, channels, height, width).permute(0, 3, 4, 1, 5, 2)
    return x.reshape(batch, channels, 2 * height, 2 * width)
