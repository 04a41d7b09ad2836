"""Reduced networks: distilled generators that draw small pictures many times per second.

Up to an eighth of their picture's size they are the generator itself (its trunk). The next block,
at a quarter of the size, has fewer channels. The blocks after it do not double the size: they work
on averages of the features that they have in the generator, which is enough for a small picture. A
ToRGB layer makes a coarse picture of them, and a narrow block of the generator's form, at half the
size, adds the fine details. ``tools/train/distil.py`` initialises them with the generator's
weights and distils its pictures.

Channels that become a picture twice as large are in quarters, as in
``vjnode.generators.mobilestylegan.folded``: means, then differences along rows, along columns, and
diagonal.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's own convention)

from vjnode.errors import InputError
from vjnode.generators.mobilestylegan import distilled_weights
from vjnode.generators.mobilestylegan.folded import FoldedSynthesis, to_bytes
from vjnode.generators.mobilestylegan.folded_layers import depth_to_space
from vjnode.generators.mobilestylegan.layout import BLOCKS
from vjnode.generators.mobilestylegan.model import SLOPE, Affine, Synthesis, ToRGB


@dataclass(frozen=True)
class Plan:
    """Architecture of the reduced network of one size, as a reduction of the generator.

    trunk: number of blocks that are the generator's own. middle: channels between the convolutions
    of the next block, of the ``groups`` · 4 that the generator has there. fine_groups: number of
    its groups whose details the fine block gets. flat: channels after both convolutions of each
    later block. fine: channels after those of the fine block.
    """

    trunk: int
    middle: int
    groups: int
    fine_groups: int
    flat: tuple[tuple[int, int], ...]
    fine: tuple[int, int]

    @property
    def px(self) -> int:
        """Size, px, at which the doubling as in the generator ends."""
        return 8 << self.trunk


PLANS = {
    256: Plan(3, 288, 128, 32, ((256, 64), (128, 32), (64, 64)), (96, 64)),
    512: Plan(4, 192, 64, 16, ((128, 32), (64, 64)), (48, 32)),
}
"""Plans by the size of the picture, px."""

AVERAGED = 32
"""Most inputs of the flat blocks without noise: these are late ones, where noise averages out."""

HEAD_SLOT = 21
"""Slot of the code of both ToRGB layers; the fine block uses the codes of block 6."""


class DistilledConv(nn.Module):
    """Modulated depthwise and pointwise convolution, then frozen noise, bias and activation.

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

    def forward(self, x: Tensor, code: Tensor, noise_strength: Tensor) -> Tensor:
        """Return features [N, outputs, px, px].

        x: [N, inputs, px, px]; code: [N, DIM]; noise_strength: [1], strength of the noise.
        """
        x = F.conv2d(x, self.depthwise, padding=1, groups=x.shape[1])
        x = pointwise(x, self.weight, self.gain * self.affine(code), self.bias)
        if self.noise is not None:
            x = x + noise_strength * self.noise
        return F.leaky_relu(x, SLOPE)


class DistilledBlock(nn.Module):
    """Optional doubling of the size, then two convolutions.

    inputs: channels of each input; several inputs can be doubled and joined.
    """

    def __init__(
        self,
        inputs: tuple[int, ...],
        outputs: tuple[int, int],
        px: int,
        *,
        doubles: bool,
        noisy: tuple[bool, bool] = (False, False),
    ) -> None:
        super().__init__()
        self.ups = nn.ModuleList(map(Affine, inputs)) if doubles else None
        entering = sum(inputs) // 4 if doubles else sum(inputs)
        self.conv1 = DistilledConv(entering, outputs[0], px, noisy=noisy[0])
        self.conv2 = DistilledConv(outputs[0], outputs[1], px, noisy=noisy[1])

    def forward(self, xs: list[Tensor], codes: Tensor, noise_strength: Tensor) -> Tensor:
        """Return features [N, outputs, px, px].

        xs: each [N, inputs, …]; codes: [N, 3, DIM], the block's slots; noise_strength: [1].
        """
        x = xs[0]
        if self.ups is not None:
            factors = [up(codes[:, 0]).to(x.dtype) for up in self.ups]
            x = doubled([x * factor for x, factor in zip(xs, factors, strict=True)])
        x = self.conv1(x, codes[:, 0], noise_strength)
        y: Tensor = self.conv2(x, codes[:, 1], noise_strength)
        return y


class DistilledToRGB(ToRGB):
    """The generator's ToRGB layer, but with the factors on the kernel, and RGB in quarters."""

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        """Return Haar coefficients of RGB, [N, 12, px, px], in quarters.

        x: [N, inputs, px, px]; code: [N, DIM].
        """
        return pointwise(x, self.weight, self.gain * self.affine(code), self.bias)


class DistilledSynthesis(nn.Module):
    """The distilled tail of a reduced network: features of the trunk → picture, 256 or 512 px."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size, self.plan = size, PLANS[size]
        plan, px = self.plan, self.plan.px
        details = 4 * plan.fine_groups
        first = (plan.middle, plan.groups + details - plan.fine_groups)
        # Noise as in the generator, except where it is too weak there or averages out here.
        self.block = DistilledBlock((512,), first, px, doubles=True, noisy=(True, True))
        inputs = (plan.groups, *(outputs for _, outputs in plan.flat))
        self.flat = nn.ModuleList(
            DistilledBlock(
                (entering,), outputs, px, doubles=False, noisy=(entering > AVERAGED, False)
            )
            for entering, outputs in zip(inputs, plan.flat, strict=False)
        )
        self.fine = DistilledBlock((inputs[-1], details), plan.fine, 2 * px, doubles=True)
        self.heads = nn.ModuleList(map(DistilledToRGB, (inputs[-1], plan.fine[1])))

    def forward(self, x: Tensor, codes: Tensor, noise_strength: Tensor) -> Tensor:
        """Return the picture, [N, 3, size, size], RGB, −1…1 and a little beyond.

        x: [N, 512, size / 8, size / 8], from the trunk; codes: [N, SLOTS, DIM];
        noise_strength: [1].
        """
        return self.pictures(self.first(x, codes, noise_strength), codes, noise_strength)[-1]

    def first(self, x: Tensor, codes: Tensor, noise_strength: Tensor) -> Tensor:
        """Return the first block's features, from those of the trunk."""
        y: Tensor = self.block([x], _codes_of(self.plan.trunk, codes), noise_strength)
        return y

    def pictures(self, x: Tensor, codes: Tensor, noise_strength: Tensor) -> list[Tensor]:
        """Return pictures of half the size and of ``size`` px; x: the first block's features."""
        groups, few = self.plan.groups, self.plan.fine_groups
        means, details = x[:, :groups], torch.cat((x[:, :few], x[:, groups:]), 1)
        for i, block in enumerate(self.flat, self.plan.trunk + 1):
            means = block([means], _codes_of(i, codes), noise_strength)
        fine = self.fine([means, details], _codes_of(BLOCKS - 1, codes), noise_strength)
        coarse, rest = (
            doubled([head(x, codes[:, HEAD_SLOT])])
            for head, x in zip(self.heads, (means, fine), strict=True)
        )
        return [coarse, F.interpolate(coarse, scale_factor=2.0) + rest]


def _codes_of(block: int, codes: Tensor) -> Tensor:
    """Return the codes of one of the generator's blocks, [N, 3, DIM], out of [N, SLOTS, DIM]."""
    return codes[:, 3 * block + 1 : 3 * block + 4]


class DistilledGenerator(nn.Module):
    """A reduced network in the form that runs: style codes → RGBA picture, one at a time."""

    def __init__(self, synthesis: Synthesis, tail: DistilledSynthesis) -> None:
        super().__init__()
        self.generator = FoldedSynthesis(synthesis, 1024)
        self.generator.blocks = self.generator.blocks[: tail.plan.trunk]
        self.tail = tail
        self.requires_grad_(requires_grad=False)

    def forward(
        self, codes: Tensor, noise_strength: Tensor, offsets: Tensor | None = None
    ) -> Tensor:
        """Return the picture of codes [1, SLOTS, DIM]: [1, size, size, 4], uint8, opaque.

        noise_strength: [1], the strength of the frozen noise, 1 as trained.
        offsets: what is added to the factors of the generator's affine maps, [1, STYLES].
        """
        x = self.generator.root(codes, noise_strength, offsets)
        return self.rest(x, codes, noise_strength, offsets)

    def rest(
        self, x: Tensor, codes: Tensor, noise_strength: Tensor, offsets: Tensor | None = None
    ) -> Tensor:
        """Return the picture, as ``forward`` does, from the features of the generator's root."""
        return to_bytes(self._levels(x, codes, noise_strength, offsets)).permute(0, 2, 3, 1)

    def levels(
        self, codes: Tensor, noise_strength: Tensor, offsets: Tensor | None = None
    ) -> Tensor:
        """Return the picture before it is clamped and rounded: [1, 4, size, size]."""
        x = self.generator.root(codes, noise_strength, offsets)
        return self._levels(x, codes, noise_strength, offsets)

    def _levels(
        self, x: Tensor, codes: Tensor, noise_strength: Tensor, offsets: Tensor | None
    ) -> Tensor:
        x = self.generator.trunk(x, codes, noise_strength, offsets, end=self.tail.plan.trunk)
        picture = self.tail(x, codes, noise_strength)
        return F.pad(127.5 * picture + 127.5, (0, 0, 0, 0, 0, 1), value=255.0)


def doubled(xs: list[Tensor]) -> Tensor:
    """Return the inverse Haar transforms of xs, each [N, 4·C, H, W], joined: [N, ΣC, 2·H, 2·W]."""
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
    factors = factors.to(x.dtype)
    if len(x) == 1:
        return F.conv2d(x, weight * factors, bias)
    kernels = weight[None, :, :, 0, 0] * factors[:, None, :, 0, 0]
    y = torch.baddbmm(bias[:, None], kernels, x.flatten(2))
    return y.reshape(len(x), -1, *x.shape[2:])


def load_tail(size: int, path: Path | None = None) -> DistilledSynthesis:
    """Read the tail for pictures of ``size`` px, for inference; without a path, the shipped one.

    Raises:
        InputError: there is none for this size, or the file is not valid.
    """
    if size not in distilled_weights.SIZES:
        raise InputError(f"nothing draws {size} px live; choose one of {distilled_weights.SIZES}")
    path, tail = path or distilled_weights.file(), DistilledSynthesis(size)
    try:
        tensors = load_file(path)
        state = {name: tensors[f"{size}.{name}"].float() for name in tail.state_dict()}
        tail.load_state_dict(state)
    except (OSError, SafetensorError, KeyError, RuntimeError) as error:
        raise InputError(
            f"{path} holds no reduced networks of this version ({error}); restore it, or make it "
            "with python -m tools.train.distil"
        ) from error
    return tail.eval().requires_grad_(requires_grad=False)
