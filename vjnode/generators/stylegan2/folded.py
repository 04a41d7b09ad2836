"""StyleGAN2 folded for inference: constant kernels, small numbers, the same pictures.

Every change is exact.

- Features are scaled, not kernels, so that the kernels are constants; see
  ``vjnode.generators.stylegan2.demodulation``.
- The gain after an activation is part of the demodulation, of the bias and of the noise; the
  range 0…255 and an opaque alpha are part of the ToRGB layers.
- Transposed convolution and filter are two passes, or one with the composed kernel: 6×6
  transposed, or its four phases as one 3×3 convolution and a depth-to-space. The composed
  ones take four times the multiply-adds and save a pass over the larger picture; on
  processors they take one and a half times as long.
"""

from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's own convention)

from vjnode.errors import InputError
from vjnode.generators.mobilestylegan.model import SLOPE
from vjnode.generators.ops import convolved, doubled, doubling_taps, plain_taps
from vjnode.generators.stylegan2.demodulation import Factors, normalised
from vjnode.generators.stylegan2.model import GAIN, TAPS, Block, StyledConv, Synthesis, ToRGB

UpForm: TypeAlias = Literal["filter", "transposed", "phases"]
"""Forms of doubling: transposed convolution and filter; one 6×6 transposed; one 3×3 and shuffle."""


class FoldedConv(nn.Module):
    """Modulated and demodulated convolution, then noise, bias and activation.

    up: None, or the form of doubling the size. noise: whether the frozen noise is kept.
    dtype: of features and kernels.
    """

    def __init__(
        self, conv: StyledConv, *, up: UpForm | None, noise: bool, dtype: torch.dtype
    ) -> None:
        super().__init__()
        self.up, self.clamp = up, conv.clamp
        self.taps: nn.Parameter | None = None
        kernel, _ = normalised(conv)
        if up == "filter":
            self.low_pass = nn.Parameter(low_pass(len(kernel)).to(dtype))
            kernel = kernel.transpose(0, 1)
        elif up == "transposed":
            kernel = composed(kernel).transpose(0, 1)
        elif up == "phases":
            kernel = phases(composed(kernel))
        self.weight = nn.Parameter(kernel.to(dtype).contiguous())
        self.noise = nn.Parameter((GAIN * conv.noise).to(dtype)) if noise else None
        self.bias = nn.Parameter((GAIN * conv.bias[:, None, None]).to(dtype))

    def forward(self, x: Tensor, before: Tensor, after: Tensor, noise_strength: Tensor) -> Tensor:
        """Return features [1, O, px, px].

        x: [1, C, px, px], of half that size for ``up``. before, after: factors of ``Factors``.
        """
        x = self.convolve(x * before) * after + self.bias
        if self.noise is not None:
            x = x + noise_strength * self.noise
        x = F.leaky_relu(x, SLOPE)
        return x if self.clamp is None else x.clamp(-self.clamp, self.clamp)

    def convolve(self, x: Tensor) -> Tensor:
        """Return the convolution of x, [1, C, px, px], which is modulated already."""
        if self.up == "filter":
            x = F.conv_transpose2d(x, self.weight, stride=2)
            if self.taps is not None:
                return convolved(x, self.taps)
            return F.conv2d(x, self.low_pass, padding=1, groups=x.shape[1])
        if self.up == "transposed":
            return F.conv_transpose2d(x, self.weight, stride=2, padding=2)
        x = F.conv2d(x, self.weight, padding=1)
        return F.pixel_shuffle(x, 2) if self.up == "phases" else x


class FoldedToRGB(nn.Module):
    """ToRGB layer: features → their contribution to the levels 0…255, [1, 4, px, px], float32.

    last: also add the middle grey and an opaque alpha, as only one layer may.
    """

    def __init__(self, head: ToRGB, *, last: bool) -> None:
        super().__init__()
        kernel = 127.5 * head.weight
        bias = 127.5 * head.bias + (127.5 if last else 0.0)
        alpha = bias.new_full((1,), 255.0 if last else 0.0)
        # In single precision: it is scaled for every picture, and only then rounded.
        self.weight = nn.Parameter(torch.cat((kernel, torch.zeros_like(kernel[:1]))))
        self.bias = nn.Parameter(torch.cat((bias, alpha))[:, None, None])

    def forward(self, x: Tensor, colours: Tensor) -> Tensor:
        """Return the contribution of x, [1, C, px, px]; colours: factors of ``Factors``."""
        return F.conv2d(x, (self.weight * colours).to(x.dtype)).float() + self.bias


class FoldedSynthesis(nn.Module):
    """Style codes → RGBA picture; draws one at a time.

    size: the network's own, or a smaller one for area means of the same picture, taken
        before clamping.
    up: form of every up-convolution; or the form by the size, px, of its output.
    drawn_px: size up to which features are drawn; a larger picture is smoothly enlarged from there.
        None: the network's own.
    noise: False leaves the frozen noise out; ``noise_strength`` then does nothing.
    dtype: of features and kernels; torch.float16 for half precision. Codes and noise_strength are
        float32 all the same, and ``Module.half`` would undo that.

    Raises:
        InputError: ``size`` is not one that this network can draw.
    """

    def __init__(
        self,
        synthesis: Synthesis,
        size: int,
        *,
        up: UpForm | dict[int, UpForm] = "filter",
        drawn_px: int | None = None,
        noise: bool = True,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        full = synthesis.size
        if not 0 < size <= full or full % size:
            raise InputError(
                f"a network for {full} px cannot draw {size} px; "
                f"choose {full} or a half, a quarter … of it"
            )
        drawn_px = drawn_px or full
        self.size, self.pooled = size, max(drawn_px // size, 1)
        convs, heads = [synthesis.conv], [synthesis.head]
        forms: list[UpForm | None] = [None]
        for block in synthesis.blocks.children():
            assert isinstance(block, Block)  # noqa: S101 - as Synthesis has made it
            if block.up.noise.shape[-1] > drawn_px:
                break
            convs += [block.up, block.conv]
            heads.append(block.head)
            forms += [up[block.up.noise.shape[-1]] if isinstance(up, dict) else up, None]
        self.dtype = dtype
        self.taps: nn.Parameter | None = None
        self.factors = Factors(convs, heads, dtype)
        self.input = nn.Parameter(synthesis.input.to(dtype))
        self.convs = nn.ModuleList(
            FoldedConv(conv, up=form, noise=noise, dtype=dtype)
            for conv, form in zip(convs, forms, strict=True)
        )
        self.heads = nn.ModuleList(FoldedToRGB(head, last=head is heads[-1]) for head in heads)
        self.low_pass = nn.Parameter(low_pass(4))
        self.requires_grad_(requires_grad=False)

    def write_out(self) -> None:
        """Write out all filters as sums for a compiler; see ``vjnode.generators.ops``."""
        one = low_pass(1).to(self.low_pass)
        self.taps = nn.Parameter(doubling_taps(one), requires_grad=False)
        for conv in self.convs:
            assert isinstance(conv, FoldedConv)  # noqa: S101 - as made above
            if conv.up == "filter":
                taps = plain_taps(one).to(conv.weight.dtype)
                conv.taps = nn.Parameter(taps, requires_grad=False)

    def forward(
        self, codes: Tensor, noise_strength: Tensor, offsets: Tensor | None = None
    ) -> Tensor:
        """Return the picture of codes [1, slots, DIM]: [1, size, size, 4], uint8, opaque.

        noise_strength: [1], the strength of the frozen noise, 1 as trained, 0 for none.
        offsets: see ``Factors.forward``.
        """
        levels = self.levels(codes, noise_strength, offsets)
        return levels.clamp(0, 255).round().permute(0, 2, 3, 1).to(torch.uint8)

    def levels(
        self, codes: Tensor, noise_strength: Tensor, offsets: Tensor | None = None
    ) -> Tensor:
        """Return the picture before it is clamped and rounded: [1, 4, size, size], float32."""
        before, after, colours = self.factors(codes, offsets)
        noise_strength = noise_strength.to(self.dtype)
        x, levels = self.input, None
        for i, conv in enumerate(self.convs):
            x = conv(x, before[i], after[i], noise_strength)
            if i % 2 == 0:
                drawn: Tensor = self.heads[i // 2](x, colours[i // 2])
                levels = drawn if levels is None else self.doubled(levels) + drawn
        assert levels is not None  # noqa: S101 - there is a ToRGB layer at 4×4
        if levels.shape[-1] < self.size:
            return F.interpolate(levels, (self.size, self.size), mode="bilinear")
        return F.avg_pool2d(levels, self.pooled) if self.pooled > 1 else levels

    def doubled(self, levels: Tensor) -> Tensor:
        """Return levels at twice the size, low-pass filtered: [1, 4, H, W] → [1, 4, 2·H, 2·W]."""
        if self.taps is not None:
            return doubled(levels, self.taps)
        return F.conv_transpose2d(levels, self.low_pass, stride=2, padding=1, groups=4)


def low_pass(channels: int) -> Tensor:
    """Return the filter of a doubling for every channel: [C, 1, 4, 4]."""
    taps = torch.tensor(TAPS)
    return taps.outer(taps).repeat(channels, 1, 1, 1)


def composed(kernel: Tensor) -> Tensor:
    """Return transposed 3×3 kernels composed with the filter: [O, I, 3, 3] → [O, I, 6, 6]."""
    # The filter is symmetric, so that correlation with it is convolution.
    both = F.conv2d(kernel.flatten(0, 1)[:, None], low_pass(1), padding=3)
    return both.reshape(*kernel.shape[:2], 6, 6)


def phases(kernel: Tensor) -> Tensor:
    """Return transposed 6×6 kernels of stride 2 as plain ones: [O, I, 6, 6] → [4·O, I, 3, 3].

    Each of an input pixel's four output pixels has every other tap; their order is that of
    ``torch.pixel_shuffle``.
    """
    outputs, inputs = kernel.shape[:2]
    taps = kernel.reshape(outputs, inputs, 3, 2, 3, 2).flip((2, 4))
    return taps.permute(0, 3, 5, 1, 2, 4).reshape(4 * outputs, inputs, 3, 3)
