"""The sound encoder and the decoder it is trained with.

Both are written once, here; what runs live is exported from this definition (see
``vjnode.drive.graph``) and needs no torch.

How it is trained, without labels: the decoder must rebuild the MFCC picture from the 512
values of the encoder. That alone makes the values describe the sound, but their mean, which
drives the face, could then just as well fall as rise with the music. So the loss has a second
term: over a batch, the mean must correlate with the musical intensity of the windows, a number
computed from the sound itself (``vjnode.drive.intensity``). It fixes the direction of the mean
and leaves what the single values stand for to the reconstruction.
"""

from torch import Tensor, nn

VALUES = 512
"""Feature values per time point."""

# (in, out, stride) of the first seven blocks: 32×32 → 2×2. The eighth takes 2×2 → 1×1.
_BLOCKS = (
    (3, 16, 1),
    (16, 24, 2),
    (24, 32, 1),
    (32, 48, 2),
    (48, 64, 1),
    (64, 96, 2),
    (96, 160, 2),
)


def _encoding(inputs: int, outputs: int, kernel: int, stride: int, padding: int) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())


def _decoding(inputs: int, outputs: int, kernel: int, stride: int, padding: int) -> nn.Sequential:
    convolution = nn.ConvTranspose2d(inputs, outputs, kernel, stride, padding, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())


class Encoder(nn.Module):
    """Eight blocks of convolution, batch normalisation and ReLU."""

    def __init__(self) -> None:
        super().__init__()
        blocks = [_encoding(a, b, 3, stride, 1) for a, b, stride in _BLOCKS]
        self.blocks = nn.Sequential(*blocks, _encoding(_BLOCKS[-1][1], VALUES, 2, 1, 0))

    def forward(self, picture: Tensor) -> Tensor:
        """Map pictures, shape (n, 3, 32, 32), 0…1, to values, shape (n, 512), ≥ 0."""
        values: Tensor = self.blocks(picture)
        return values.flatten(1)


class Decoder(nn.Module):
    """Eight blocks of transposed convolution, batch normalisation and ReLU; training only."""

    def __init__(self) -> None:
        super().__init__()
        blocks = [_decoding(VALUES, _BLOCKS[-1][1], 2, 1, 0)]
        # Kernel 4 doubles exactly; kernel 3 keeps the size.
        blocks += [
            _decoding(b, a, 4 if stride == 2 else 3, stride, 1) for a, b, stride in _BLOCKS[::-1]
        ]
        self.blocks = nn.Sequential(*blocks)
        # The last ReLU would be dead for half the pixels if they started around 0.
        last = blocks[-1][1]
        assert isinstance(last, nn.BatchNorm2d)  # noqa: S101 - tells the type checker
        nn.init.constant_(last.bias, 0.5)
        nn.init.constant_(last.weight, 0.2)

    def forward(self, values: Tensor) -> Tensor:
        """Map values, shape (n, 512), to pictures, shape (n, 3, 32, 32), ≥ 0."""
        picture: Tensor = self.blocks(values[:, :, None, None])
        return picture


def correlation(x: Tensor, y: Tensor) -> Tensor:
    """Pearson correlation of two vectors of equal length; 0 where one is constant."""
    x = x - x.mean()
    y = y - y.mean()
    similarity: Tensor = (x * y).sum() / (x.norm() * y.norm() + 1e-8)
    return similarity
