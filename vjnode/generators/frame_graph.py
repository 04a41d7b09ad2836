"""The whole tick as one network: face and expressions in, picture out.

What an engine on a graphics card is made of: nothing is left to do for the processor but to
say how far each movement has gone (``vjnode.faces.directions``).
"""

from typing import Protocol

import torch
from torch import Tensor, nn


class Generator(Protocol):
    """What a generator must be able to do to become a tick; the folded ones are."""

    def levels(self, codes: Tensor, texture: Tensor) -> Tensor:
        """Draw codes [1, slots, dim] with noise of strength ``texture``, [1].

        Returns: [1, 4, size, size], RGBA levels 0…255, not yet clamped and rounded.
        """
        ...


class Tick(nn.Module):
    """Fuse a face with its expressions, draw it, turn it into RGBA bytes.

    generator: a module that is a ``Generator``. dtype: in which it takes codes. The fusion is
    always float32: it costs nothing, and small movements of large codes would be rounded away.
    """

    def __init__(self, generator: Generator, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.generator = generator
        self.dtype = dtype

    def forward(self, face: Tensor, directions: Tensor, weights: Tensor, texture: Tensor) -> Tensor:
        """Draw ``face`` moved along ``directions``.

        face: [1, slots, dim]; directions: [channels, slots, dim]; weights: [channels], how far
        along each; texture: [1], strength of the frozen noise, 1 as trained. All float32.
        Returns: [1, size, size, 4], uint8 RGBA, opaque.
        """
        codes = face + (weights[:, None, None] * directions).sum(0, keepdim=True)
        levels = self.generator.levels(codes.to(self.dtype), texture.to(self.dtype))
        # TensorRT knows uint8 at the edge of a network only, so this conversion comes last.
        return levels.clamp(0, 255).round().permute(0, 2, 3, 1).to(torch.uint8)
