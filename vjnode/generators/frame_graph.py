"""Drawing of a whole frame as one network: face and expressions in, picture out.

Engines on a graphics card are built from it: the processor only sets the amount of each movement
(``vjnode.generators.latent``).
"""

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's own convention)


class Generator(Protocol):
    """Interface of generators for ``FrameGraph``; the folded generators have it."""

    def levels(
        self, codes: Tensor, noise_strength: Tensor, offsets: Tensor | None = None, /
    ) -> Tensor:
        """Return the picture of codes [1, slots, dim].

        noise_strength: [1], of the frozen noise, 1 as trained.
        offsets: what is added to the factors of its affine maps, [1, styles]; only given to
            generators that take some.
        Returns: [1, 4, size, size], RGBA levels 0…255, not yet clamped and rounded.
        """
        ...


class FrameGraph(nn.Module):
    """Network of one frame: fuses a face with its expressions, draws it, converts it to RGBA bytes.

    generator: a module that is a ``Generator``; it takes codes and offsets as float32, for small
    movements of large codes would be rounded away. dtype: of the noise strength that it takes.
    size: of the pictures, px, a power of two times the generator's; None: they have its size.
    """

    def __init__(
        self,
        generator: Generator,
        dtype: torch.dtype = torch.float32,
        size: int | None = None,
    ) -> None:
        super().__init__()
        self.generator = generator
        self.dtype = dtype
        self.size = size

    def forward(
        self,
        face: Tensor,
        directions: Tensor,
        amounts: Tensor,
        noise_strength: Tensor,
        offsets: Tensor | None = None,
    ) -> Tensor:
        """Draw ``face`` moved along ``directions``.

        face: [1, slots, dim]; directions: [n, slots, dim], movements of its codes; amounts:
        [n], of each; noise_strength: [1], strength of the frozen noise, 1 as trained;
        offsets: [n, styles], what the same movements add to the factors of the generator's
        affine maps. All float32.
        Returns: [1, size, size, 4], uint8 RGBA, opaque.
        """
        codes = face + (amounts[:, None, None] * directions).sum(0, keepdim=True)
        strength = noise_strength.to(self.dtype)
        if offsets is None:
            levels = self.generator.levels(codes, strength)
        else:
            moved = (amounts[:, None] * offsets).sum(0, keepdim=True)
            levels = self.generator.levels(codes, strength, moved)
        if self.size is not None:
            levels = _resized(levels, self.size)
        # TensorRT supports uint8 only at a network's inputs and outputs, so this comes last.
        return levels.clamp(0, 255).round().permute(0, 2, 3, 1).to(torch.uint8)


def _resized(levels: Tensor, size: int) -> Tensor:
    """Return levels [1, 4, px, px] at ``size`` px: means of smaller ones, or a cubic curve."""
    px = levels.shape[-1]
    if size < px:
        return F.avg_pool2d(levels, px // size)
    if size > px:
        return F.interpolate(levels.float(), size=(size, size), mode="bicubic")
    return levels
