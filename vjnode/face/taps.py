"""Convolutions of each channel by itself, in two forms that give the same.

In one step, which is what most runtimes have kernels for. Or written out as a sum of shifted
pictures, which a compiler joins with the steps before and after into one pass over the picture:
on a card such a convolution waits for memory alone, so that it then costs next to nothing.
"""

from collections.abc import Iterable
from functools import reduce

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's own convention)

Edges = tuple[int, int, int, int]
"""Rows or columns of zeros to put left, right, above and below."""


class Channelwise(nn.Module):
    """A module with such a convolution. written_out: in which form; see ``write_out``."""

    written_out = False


def write_out(network: nn.Module) -> None:
    """Have every such convolution within ``network`` written out."""
    for module in network.modules():
        if isinstance(module, Channelwise):
            module.written_out = True


def convolved(x: Tensor, kernel: Tensor, edges: Edges, *, written_out: bool) -> Tensor:
    """Convolve x, [1, C, H, W], widened by ``edges``, with a kernel [C, 1, k, k]."""
    if not written_out:
        if len(set(edges)) == 1:
            return F.conv2d(x, kernel, padding=edges[0], groups=x.shape[1])
        return F.conv2d(F.pad(x, edges), kernel, groups=x.shape[1])
    x, side = F.pad(x, edges), kernel.shape[-1]
    height, width = x.shape[2] - side + 1, x.shape[3] - side + 1
    return _sum(
        x[:, :, i : i + height, j : j + width] * _tap(kernel, i, j)
        for i in range(side)
        for j in range(side)
    )


def doubled(x: Tensor, kernel: Tensor, *, written_out: bool) -> Tensor:
    """Put zeros between the pixels of x, [1, C, H, W], and convolve with a kernel [C, 1, 4, 4].

    Returns: [1, C, 2·H, 2·W].
    """
    if not written_out:
        return F.conv_transpose2d(x, kernel, stride=2, padding=1, groups=x.shape[1])
    height, width = x.shape[2:]
    x = F.pad(x, (1, 1, 1, 1))
    # Of every four pixels that come of one, each has four of the taps.
    phases = [
        _sum(
            x[:, :, a + i : a + i + height, b + j : b + j + width]
            * _tap(kernel, 3 - a - 2 * i, 3 - b - 2 * j)
            for i in (0, 1)
            for j in (0, 1)
        )
        for a in (0, 1)
        for b in (0, 1)
    ]
    return F.pixel_shuffle(torch.stack(phases, 2).flatten(1, 2), 2)


def _tap(kernel: Tensor, row: int, column: int) -> Tensor:
    """One number for each channel, [1, C, 1, 1]."""
    return kernel[:, 0, row, column][None, :, None, None]


def _sum(terms: Iterable[Tensor]) -> Tensor:
    return reduce(torch.add, terms)
