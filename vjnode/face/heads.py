"""Live networks: the generator cut down to draw small pictures many times a second.

Up to 64 px they are the generator itself, less some channels. Its later blocks follow without
their doubling: at 64 px they see averages of what they see in the generator, which is what a small
picture is made of. A head makes a coarse picture of that, and narrow blocks of their own, in the
shape of the generator's, add what is finer: one up to 256 px, two up to 512 px.
``tools/train_heads.py`` starts them from the generator's weights and distils its pictures.

Channels that are to become a picture twice as large are in quarters, as in ``vjnode.face.fold``:
means, then differences along rows, along columns, and diagonal.
"""

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's own convention)

from vjnode.errors import InputError
from vjnode.face import live
from vjnode.face.fold import FoldedSynthesis, depth_to_space, to_bytes
from vjnode.face.layout import TRUNK
from vjnode.face.mobilestylegan import SLOPE, Affine, Head, Synthesis

PX = 64
"""Where the generator's doubling ends."""

MIDDLE = 448
"""Channels within block 3, of the generator's 512."""

GROUPS, FINE_GROUPS = 128, 32
"""What block 3 hands on: the means that the generator goes on with, and details of some."""

FLAT = ((256, 64), (128, 32), (64, 64))
"""Channels after both convolutions of blocks 4, 5 and 6."""

FINE = ((96, 64), (32, 24))
"""Channels after both convolutions of the blocks at 128 and at 256 px."""

HEAD_SLOT = 21
"""Code of all heads; the fine blocks have those of block 6."""


class LiveConv(nn.Module):
    """Convolve depthwise and pointwise, modulated; add frozen noise and bias, activate.

    The factors scale the pointwise kernel, which is smaller than the picture.
    """

    def __init__(self, inputs: int, outputs: int, px: int, *, noisy: bool) -> None:
        super().__init__()
        self.affine = Affine(inputs)
        self.gain = (inputs * 9) ** -0.5
        self.depthwise = nn.Parameter(torch.zeros(inputs, 1, 3, 3))
        self.weight = nn.Parameter(torch.zeros(outputs, inputs, 1, 1))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.noise = nn.Parameter(torch.zeros(1, 1, px, px)) if noisy else None

    def forward(self, x: Tensor, code: Tensor, texture: Tensor) -> Tensor:
        """x: [N, inputs, px, px]; code: [N, DIM]; texture: [1], strength of the noise."""
        x = F.conv2d(x, self.depthwise, padding=1, groups=x.shape[1])
        x = pointwise(x, self.weight, self.gain * self.affine(code), self.bias)
        if self.noise is not None:
            x = x + texture * self.noise
        return F.leaky_relu(x, SLOPE)


class LiveBlock(nn.Module):
    """Double what comes in, or not, then two convolutions.

    inputs: channels of everything that comes in; what is doubled may be several things.
    """

    def __init__(
        self, inputs: tuple[int, ...], outputs: tuple[int, int], px: int, *, doubles: bool
    ) -> None:
        super().__init__()
        self.ups = nn.ModuleList(map(Affine, inputs)) if doubles else None
        entering = sum(inputs) // 4 if doubles else sum(inputs)
        # As in the generator: other noise is too weak, or averages out.
        own = px == PX and entering > FLAT[1][1]
        self.conv1 = LiveConv(entering, outputs[0], px, noisy=own)
        self.conv2 = LiveConv(outputs[0], outputs[1], px, noisy=own and doubles)

    def forward(self, xs: list[Tensor], codes: Tensor, texture: Tensor) -> Tensor:
        """xs: each [N, inputs, …]; codes: [N, 3, DIM], the block's slots; texture: [1]."""
        x = xs[0]
        if self.ups is not None:
            x = doubled([x * up(codes[:, 0]) for x, up in zip(xs, self.ups, strict=True)])
        x = self.conv1(x, codes[:, 0], texture)
        y: Tensor = self.conv2(x, codes[:, 1], texture)
        return y


class LiveHead(Head):
    """As the generator's, with the factors on the kernel, and RGB in quarters."""

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        """x: [N, inputs, px, px]; code: [N, DIM]. Returns: [N, 12, px, px]."""
        return pointwise(x, self.weight, self.gain * self.affine(code), self.bias)


class Tail(nn.Module):
    """Features of the trunk → a picture of ``size`` px, 256 or 512."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        details = 4 * FINE_GROUPS
        first = (MIDDLE, GROUPS + details - FINE_GROUPS)
        self.block = LiveBlock((512,), first, PX, doubles=True)
        inputs = (GROUPS, *(outputs for _, outputs in FLAT))
        self.flat = nn.ModuleList(
            LiveBlock((entering,), outputs, PX, doubles=False)
            for entering, outputs in zip(inputs, FLAT, strict=False)
        )
        self.fine = nn.ModuleList()
        entering: tuple[int, ...] = (inputs[-1], details)
        for i, outputs in enumerate(FINE[: size // 256], 1):
            self.fine.append(LiveBlock(entering, outputs, PX * 2**i, doubles=True))
            entering = (outputs[1],)
        self.heads = nn.ModuleList(
            map(LiveHead, (inputs[-1], *(o for _, o in FINE[: size // 256])))
        )

    def forward(self, x: Tensor, codes: Tensor, texture: Tensor) -> Tensor:
        """Return the picture, [N, 3, size, size], RGB, −1…1 and a little beyond.

        x: [N, 512, 32, 32], from the trunk; codes: [N, SLOTS, DIM]; texture: [1].
        """
        return self.pictures(self.block([x], codes[:, 10:13], texture), codes, texture)[-1]

    def pictures(self, x: Tensor, codes: Tensor, texture: Tensor) -> list[Tensor]:
        """Return pictures of 128 px, 256 px … ``size`` px; x: what the first block makes."""
        means, details = x[:, :GROUPS], torch.cat((x[:, :FINE_GROUPS], x[:, GROUPS:]), 1)
        for i, block in enumerate(self.flat, TRUNK + 1):
            means = block([means], codes[:, 3 * i + 1 : 3 * i + 4], texture)
        found, xs = [self._picture(0, means, codes)], [means, details]
        for level, block in enumerate(self.fine, 1):
            xs = [block(xs, codes[:, HEAD_SLOT - 2 : HEAD_SLOT + 1], texture)]
            coarser = F.interpolate(found[-1], scale_factor=2.0)
            found.append(coarser + self._picture(level, xs[0], codes))
        return found

    def _picture(self, level: int, x: Tensor, codes: Tensor) -> Tensor:
        """Picture of twice the size of x."""
        return doubled([self.heads[level](x, codes[:, HEAD_SLOT])])


class LiveSynthesis(nn.Module):
    """Style codes → RGBA picture; draws one at a time. The form that runs."""

    def __init__(self, synthesis: Synthesis, tail: Tail) -> None:
        super().__init__()
        self.generator = FoldedSynthesis(synthesis, 1024)
        self.generator.blocks = self.generator.blocks[:TRUNK]
        self.tail = tail
        self.requires_grad_(requires_grad=False)

    def forward(self, codes: Tensor, texture: Tensor) -> Tensor:
        """Draw codes [1, SLOTS, DIM]. Returns: [1, size, size, 4], uint8, opaque.

        texture: [1], the strength of the frozen noise, 1 as trained.
        """
        return self.rest(self.generator.root(codes, texture), codes, texture)

    def rest(self, x: Tensor, codes: Tensor, texture: Tensor) -> Tensor:
        """Draw what the generator's root has begun; returns as ``forward`` does."""
        return to_bytes(self._levels(x, codes, texture)).permute(0, 2, 3, 1)

    def levels(self, codes: Tensor, texture: Tensor) -> Tensor:
        """Return the picture before it is clamped and rounded: [1, 4, size, size]."""
        return self._levels(self.generator.root(codes, texture), codes, texture)

    def _levels(self, x: Tensor, codes: Tensor, texture: Tensor) -> Tensor:
        picture = self.tail(self.generator.trunk(x, codes, texture), codes, texture)
        return F.pad(127.5 * picture + 127.5, (0, 0, 0, 0, 0, 1), value=255.0)


def doubled(xs: list[Tensor]) -> Tensor:
    """Inverse Haar transform of each of xs, [N, 4·C, H, W], joined: [N, all C, 2·H, 2·W]."""
    phases: list[list[Tensor]] = [[], [], [], []]
    for x in xs:
        mean, rows, columns, diagonal = (0.5 * x).chunk(4, 1)
        even, odd, plus, minus = mean + rows, mean - rows, columns + diagonal, columns - diagonal
        for phase, value in zip(
            phases, (even + plus, even - plus, odd + minus, odd - minus), strict=True
        ):
            phase.append(value)
    return depth_to_space(torch.cat([value for phase in phases for value in phase], 1))


def pointwise(x: Tensor, weight: Tensor, factors: Tensor, bias: Tensor) -> Tensor:
    """Convolve [N, C, H, W] by weight [O, C, 1, 1] with factors [N, C, 1, 1] of the inputs."""
    if len(x) == 1:
        return F.conv2d(x, weight * factors, bias)
    kernels = weight[None, :, :, 0, 0] * factors[:, None, :, 0, 0]
    y = torch.baddbmm(bias[:, None], kernels, x.flatten(2))
    return y.reshape(len(x), -1, *x.shape[2:])


def load_tail(size: int, path: Path | None = None) -> Tail:
    """Read the tail for pictures of ``size`` px, for inference; without a path, what ships.

    Raises:
        InputError: there is none for this size, or the file is not what it should be.
    """
    if size not in live.SIZES:
        raise InputError(f"nothing draws {size} px live; choose one of {live.SIZES}")
    path, tail = path or live.file(), Tail(size)
    try:
        tensors = load_file(path)
        state = {name: tensors[name].float() for name in tail.state_dict()}
        tail.load_state_dict(state)
    except (OSError, SafetensorError, KeyError, RuntimeError) as error:
        raise InputError(
            f"{path} holds no live networks of this version ({error}); restore it, or make it "
            "with tools/train_heads.py"
        ) from error
    return tail.eval().requires_grad_(requires_grad=False)
