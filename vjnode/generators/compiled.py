"""Generators arranged for a compiler that fuses operations, as on a graphics card.

There every operation costs microseconds to start, and every pass over the picture costs the memory
traffic of reading and writing it. So the factors of all layers come from one product; they scale
features, which costs nothing within a pass; and a transform followed by a depthwise convolution is
one sum.
"""

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's own convention)

from vjnode.generators.frame_graph import FrameGraph
from vjnode.generators.mobilestylegan.folded import FoldedBlock, FoldedSynthesis
from vjnode.generators.mobilestylegan.layout import BLOCKS, TRUNK
from vjnode.generators.ops import Affines, convolved, doubled, haar_taps, plain_taps, split
from vjnode.generators.stylegan2.folded import FoldedSynthesis as FoldedStyleGan2


def join(tick: FrameGraph) -> None:
    """Replace the generator of ``tick`` by one for a compiler, if it has one; it draws the same."""
    if isinstance(tick.generator, FoldedSynthesis):
        tick.generator = JoinedSynthesis(tick.generator)
    elif isinstance(tick.generator, FoldedStyleGan2):
        tick.generator.write_out()


class JoinedBlock(nn.Module):
    """Doubling of the size, then two convolutions."""

    def __init__(self, block: FoldedBlock) -> None:
        super().__init__()
        self.conv1, self.conv2 = block.conv1, block.conv2
        # Only the convolution at 4×4 has no depthwise kernel.
        assert block.conv1.depthwise is not None  # noqa: S101
        assert block.conv2.depthwise is not None  # noqa: S101
        taps = haar_taps(block.conv1.depthwise.float())
        self.taps1 = nn.Parameter(taps.to(block.conv1.depthwise.dtype))
        self.taps2 = nn.Parameter(plain_taps(block.conv2.depthwise))

    def forward(
        self, x: Tensor, up: Tensor, style1: Tensor, style2: Tensor, noise_strength: Tensor
    ) -> Tensor:
        """Return features [1, C', px, px].

        x: [1, C, px/2, px/2], channels in quarters; factors [1, C, 1, 1]; noise_strength: [1].
        """
        # These two factors commute with operations on each channel by itself.
        x = self.conv1.mixed(doubled(x * up, self.taps1) * style1, noise_strength)
        y: Tensor = self.conv2.mixed(convolved(x, self.taps2) * style2, noise_strength)
        return y


class JoinedSynthesis(nn.Module):
    """The default generator for a compiler; it draws the same as ``folded``, with its weights."""

    def __init__(self, folded: FoldedSynthesis) -> None:
        super().__init__()
        blocks = [block for block in folded.blocks if isinstance(block, FoldedBlock)]
        affines, slots = [folded.style], [0]
        for i, block in enumerate(blocks):
            affines += [block.up, block.style1, block.style2]
            slots += [3 * i + 1, 3 * i + 1, 3 * i + 2]
        maps = [(affine.weight, affine.bias) for affine in (*affines, folded.head.style)]
        moved, first = [], 0
        for affine in affines[: 1 + 3 * TRUNK]:
            moved.append((first + affine.order, affine.gain))
            first += len(affine.order)
        self.affines = Affines(maps, [*slots, 3 * BLOCKS], moved)
        self.input, self.conv1, self.head = folded.input, folded.conv1, folded.head
        self.blocks = nn.ModuleList(map(JoinedBlock, blocks))
        self.requires_grad_(requires_grad=False)

    def levels(
        self, codes: Tensor, noise_strength: Tensor, offsets: Tensor | None = None
    ) -> Tensor:
        """Return the picture before it is clamped and rounded: [1, 4, size, size]."""
        values = self.affines(codes, offsets).to(self.input.dtype)
        first, *factors, last = split(values, self.affines.widths)
        x = self.conv1(self.input * first, noise_strength)
        for i, block in enumerate(self.blocks):
            x = block(x, *factors[3 * i : 3 * i + 3], noise_strength)
        return self.head.arranged(F.conv2d(x * last, self.head.weight, self.head.bias))
