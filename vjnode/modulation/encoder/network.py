"""The sound encoder and the decoder that it is trained with.

Both are defined only here; the live encoder is exported from this definition (see
``vjnode.modulation.encoder.live``) and needs no torch.

The encoder's input is 32 MFCC frames, the newest last, but it is causal along time: its
convolutions reach only backwards and never pad. So it can be slid over a song of any length,
and live each new frame costs one column per block, because the previous columns are kept.

It is trained without labels: the 512 values must describe the sound, so that a decoder can
rebuild the MFCCs from them, and their mean, which drives the face, must rise with the intensity of
the music, a number computed from the sound itself (``vjnode.modulation.intensity``). If one set of
values is trained for both, the goals conflict: the mean of purely descriptive values falls as well
as rises with the music, and correcting it costs a good part of the description. So each block has
two branches, and each branch gives one half of the values. The describing branch is a pyramid of
principal components, found by ``init_principal``; its last block is rotated so that the sum of its
values never changes. The mean therefore follows the other branch, which is trained so that the
mean correlates with intensity, both over a whole batch, which orders silence, calm and loud, and
within each track, which orders its passages.

Shapes for one window, channels (describing + intensity) × time × coefficient:

====== ====================== ============ ======== ====================
block  encoder                kernel       dilation decoder
====== ====================== ============ ======== ====================
input  3 × 32 × 32                                  512 × 1 × 1
1      (16 + 32) × 30 × 16    3 × 3, s 2   1        8 × 32 × 16
2      (24 + 48) × 29 × 8     2 × 3, s 2   1        16 × 32 × 16
3      (40 + 80) × 27 × 4     2 × 3, s 2   2        16 × 32 × 16
4      (64 + 128) × 25 × 2    2 × 3, s 2   2        16 × 32 × 16
5      (80 + 160) × 25 × 2    1 × 3        1        16 × 32 × 16
6      (96 + 192) × 25 × 1    1 × 2        1        16 × 32 × 16
7      (160 + 320) × 17 × 1   2 × 1        8        8 × 32 × 16
8      (256 + 256) × 1 × 1    2 × 1        16       1 × 32 × 16
====== ====================== ============ ======== ====================

Strides (s) act on the coefficient axis only. The decoder's first block has a kernel as large as
the window, 32 × 16; the others have 3 × 3. Of the 16 coefficients that it puts out, the 13 real
ones are compared; the copies and the padding of the input need not be rebuilt.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from vjnode.audio.features.analyser import COEFFICIENTS
from vjnode.modulation.encoder.input import FRAMES, PLANES
from vjnode.modulation.encoder.layout import BLOCKS, VALUES, Shape


class Encoder(nn.Module):
    """Two branches of eight blocks of convolution, batch normalisation and ReLU."""

    def __init__(self) -> None:
        super().__init__()
        self.describing = _branch([shape.describing for shape in BLOCKS])
        self.intensity = _branch([shape.intensity for shape in BLOCKS])

    def forward(self, picture: Tensor) -> Tensor:
        """Return the feature values of pictures of sound.

        picture: shape (n, 3, 31 + t, 32), 0…1, time × coefficient; 32 frames are one window.
        Returns: shape (n, t, 512), ≥ 0: one row for each frame that ends a whole window.
        """
        values = torch.cat([self.describing(picture), self.intensity(picture)], dim=1)
        return values.squeeze(-1).transpose(1, 2)


@torch.no_grad()
def init_principal(describing: nn.Sequential, pictures: Tensor) -> None:
    """Initialise the describing branch as a pyramid of principal components of real sound.

    The directions of each block are those in which its own input varies most. A constant is added
    to each so that it hardly ever becomes negative: ReLU then does not change it, and the values
    keep nearly as much of a window as that many numbers can. In the last block the components are
    rotated at random, but so that the sum of the values does not change.

    describing: in evaluation mode. pictures: shape (n, 3, t, 32), as in ``Encoder.forward``.
    """
    for shape, block in zip(BLOCKS, describing, strict=True):
        convolution, normalisation, _ = block.children()
        assert isinstance(convolution, nn.Conv2d)  # noqa: S101 - tells the type checker
        assert isinstance(normalisation, nn.BatchNorm2d)  # noqa: S101
        patches = nn.functional.unfold(
            pictures,
            convolution.kernel_size,
            dilation=convolution.dilation,
            padding=(0, shape.padding),
            stride=convolution.stride,
        )
        flat = patches.transpose(1, 2).flatten(0, 1)
        flat -= flat.mean(dim=0)
        axes = torch.linalg.eigh(flat.T @ flat).eigenvectors.T.flip(0)
        if shape is BLOCKS[-1]:
            constant_and_others = torch.randn(shape.describing, shape.describing)
            constant_and_others[:, 0] = 1.0
            kernel = torch.linalg.qr(constant_and_others).Q[:, 1:] @ axes[: shape.describing - 1]
        else:
            kernel = axes[: shape.describing]
        convolution.weight.copy_(kernel.reshape(convolution.weight.shape))
        before = convolution(pictures)
        variance, mean = torch.var_mean(before, dim=(0, 2, 3))
        least = (before - mean[:, None, None]).amin(dim=(0, 2, 3))
        normalisation.running_mean, normalisation.running_var = mean, variance
        normalisation.weight.copy_((variance + normalisation.eps).sqrt())
        normalisation.bias.copy_(-_MARGIN * least)
        pictures = block(pictures)


_MARGIN = 1.2
"""Constant added to a describing channel, as a multiple of its lowest value seen, negated."""


class Streaming(nn.Module):
    """The encoder for one frame at a time: the same numbers, without computing a column twice."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.describing, self.intensity = encoder.describing, encoder.intensity

    def forward(self, column: Tensor, *history: Tensor) -> tuple[Tensor, ...]:
        """Return the values after the newest frame, and the new histories.

        column: shape (1, 3, 1, 32), 0…1.
        history: for each block of each branch its previous input columns, of the shapes that
            ``layout.histories()`` returns.
        Returns: values, shape (1, 512), and the histories for the next call.
        """
        before, kept, values = iter(history), [], []
        for branch in (self.describing, self.intensity):
            newest = column
            for block in branch:
                seen = torch.cat([next(before), newest], dim=2)
                kept.append(seen[:, :, 1:])
                newest = block(seen)
            values.append(newest.flatten(1))
        return torch.cat(values, dim=1), *kept


class Decoder(nn.Module):
    """Eight blocks of transposed convolution, batch normalisation and ReLU; training only.

    The first block writes the whole window at once, the others refine it.
    """

    def __init__(self) -> None:
        super().__init__()
        widths = (8, 16, 16, 16, 16, 16, 8, 1)
        first = _decoding(VALUES, widths[0], (FRAMES, 16), 0)
        others = [_decoding(a, b, (3, 3), 1) for a, b in pairwise(widths)]
        self.blocks = nn.Sequential(first, *others)

    def forward(self, values: Tensor) -> Tensor:
        """Return normalised MFCC windows, (n, 32, 13), ≥ 0, rebuilt from values, (n, 512)."""
        picture: Tensor = self.blocks(values[:, :, None, None])
        return picture[:, 0, :, :COEFFICIENTS]


@torch.no_grad()
def init_least_squares(decoder: Decoder, values: Tensor, windows: Tensor) -> None:
    """Initialise the decoder as the linear map that rebuilds ``windows`` best.

    The first block holds that map, with both signs; two channels of the others pass it on.

    values: shape (n, 512), the encoder's values of the windows. windows: shape (n, 32, 13).
    """
    centre = windows.mean()
    x = values.double()
    wanted = nn.functional.pad(windows - centre, (0, 16 - COEFFICIENTS)).flatten(1).double()
    gram = x.T @ x
    ridge = _RIDGE * gram.diagonal().mean() * torch.eye(VALUES, dtype=torch.float64)
    linear = torch.linalg.solve(gram + ridge, x.T @ wanted).float()
    signs = torch.tensor([1.0, -1.0])
    for i, block in enumerate(decoder.blocks):
        convolution, normalisation, _ = block.children()
        assert isinstance(convolution, nn.ConvTranspose2d)  # noqa: S101 - tells the type checker
        assert isinstance(normalisation, nn.BatchNorm2d)  # noqa: S101
        weight = convolution.weight  # inputs first
        if i == 0:
            weight[:, :2] = linear.reshape(VALUES, 1, FRAMES, 16) * signs[:, None, None]
        else:
            weight[:, :2] = 0.0
            weight[:2, :2, 1, 1] = torch.outer(signs, signs)[:, : weight.shape[1]]
        if weight.shape[1] == 1:
            nn.init.constant_(normalisation.bias, float(centre))


_RIDGE = 1e-8


def correlation(x: Tensor, y: Tensor) -> Tensor:
    """Return the Pearson correlation of two tensors of equal shape; 0 if one is constant."""
    if not x.numel():
        return x.sum()
    x = x - x.mean()
    y = y - y.mean()
    similarity: Tensor = (x * y).sum() / (x.norm() * y.norm() + 1e-8)
    return similarity


def _branch(outputs: list[int]) -> nn.Sequential:
    channels = pairwise((PLANES, *outputs))
    return nn.Sequential(
        *(_encoding(*ends, shape) for ends, shape in zip(channels, BLOCKS, strict=True))
    )


def _encoding(inputs: int, outputs: int, shape: Shape) -> nn.Sequential:
    convolution = nn.Conv2d(
        inputs,
        outputs,
        (shape.frames, shape.width),
        stride=(1, shape.stride),
        padding=(0, shape.padding),
        dilation=(shape.dilation, 1),
        bias=False,
    )
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())


def _decoding(inputs: int, outputs: int, kernel: tuple[int, int], padding: int) -> nn.Sequential:
    convolution = nn.ConvTranspose2d(inputs, outputs, kernel, padding=padding, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())
