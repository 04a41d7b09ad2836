"""Style codes in whitened coordinates, in which a step of length 1 is as likely in every direction.

Before the mapping network's last activation, style codes are nearly normal (Zhu et al., Improved
StyleGAN Embedding, arXiv 2012.09036): there they are turned and scaled by their covariance.
"""

from functools import cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (torch's own convention)

from vjnode.generators.mobilestylegan.download import generator_weights
from vjnode.generators.mobilestylegan.layout import DIM, SLOTS
from vjnode.generators.mobilestylegan.model import SLOPE, Mapping, load

_DRAWS, _SEED = 20_000, 99


class Whitening:
    """The coordinates. mapping: the network that style codes come from."""

    def __init__(self, mapping: Mapping) -> None:
        noise = np.random.default_rng(_SEED).standard_normal((_DRAWS, DIM), np.float32)
        with torch.no_grad():
            before = F.leaky_relu(mapping(torch.from_numpy(noise)) / 2**0.5, 1 / SLOPE)
        self._mean = before.mean(0)
        values, vectors = torch.linalg.eigh(torch.cov(before.double().T))
        self._root = (vectors * values.clamp(min=0).sqrt()).float()

    def codes(self, white: Tensor) -> Tensor:
        """Return the style codes, [1, SLOTS, DIM], of coordinates [DIM]; of zeros, a mean face."""
        before = self._root.to(white.device) @ white + self._mean.to(white.device)
        code = 2**0.5 * F.leaky_relu(before, SLOPE)
        return code.expand(1, SLOTS, DIM)


@cache
def whitening() -> Whitening:
    """Return the coordinates of the default generator's style codes; computed once, in a second.

    By the processor, so that they are the same whatever a face is made on.
    """
    with torch.device("cpu"):
        mapping, _ = load(generator_weights())
        return Whitening(mapping)
