"""Initialisation of the reduced networks with the generator's own weights.

Layers keep those channels from which the others can best be predicted, and their pointwise kernels
become the least-squares solution for the remaining inputs. A layer that works at a smaller size
than in the generator gets the depthwise kernel that has the same effect on averages.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's own convention)
from tqdm import tqdm

from vjnode.generators.mobilestylegan.distilled import (
    HEAD_SLOT,
    DistilledBlock,
    DistilledConv,
    DistilledSynthesis,
    DistilledToRGB,
)
from vjnode.generators.mobilestylegan.folded_layers import quarters
from vjnode.generators.mobilestylegan.layout import BLOCKS
from vjnode.generators.mobilestylegan.model import (
    SLOPE,
    Affine,
    Block,
    StyledConv,
    Synthesis,
)

RIDGE = 1e-4
"""Ridge penalty, in mean variances of the inputs."""

NOISE_STRENGTH = torch.ones(1)

Module = TypeVar("Module", bound=nn.Module)


@dataclass
class Moments:
    """Sums over pixels, from which mean and covariance of the channels follow."""

    count: int = 0
    total: Tensor = field(default_factory=lambda: torch.zeros(()))
    products: Tensor = field(default_factory=lambda: torch.zeros(()))

    def add(self, x: Tensor) -> None:
        """Add features [N, C, H, W]."""
        rows = x.transpose(0, 1).flatten(1).double()
        self.count += rows.shape[1]
        self.total = self.total + rows.sum(1)
        self.products = self.products + rows @ rows.T

    @property
    def mean(self) -> Tensor:
        """Mean of each channel, [C], float64."""
        return self.total / self.count

    @property
    def covariance(self) -> Tensor:
        """Covariance of the channels, [C, C], float64, slightly regularised."""
        mean = self.mean
        covariance = self.products / self.count - mean[:, None] * mean
        return covariance + RIDGE * covariance.diagonal().mean() * torch.eye(len(mean))


Layers = dict[tuple[int, str, int], Moments]
"""Moments of the input of pointwise convolutions, by block, name of the convolution, and factor by
which the picture is smaller."""


@torch.inference_mode()
def measured(teacher: Synthesis, trunk: int, features: Tensor, codes: Tensor) -> Layers:
    """Return the moments in the blocks after the trunk, at reduced and at full size.

    trunk: number of its blocks. features: its output for codes [N, SLOTS, DIM], channels in
    quarters.
    """
    found: Layers = {}
    features = features[:, quarters(features.shape[1]).argsort()]  # in the teacher's order
    pairs = zip(torch.split(features, 1), torch.split(codes, 1), strict=True)
    blocks = _all(Block, teacher.blocks)
    for given, code in tqdm(pairs, "measuring", len(codes), unit="picture"):
        for flat in (True, False):
            x = given
            for index in range(trunk, BLOCKS if flat else trunk + 3):
                smaller = 2 ** (index - trunk) if flat else 1
                block, first = blocks[index], code[:, 3 * index + 1]
                if smaller == 1:
                    x = block.up(x, first)
                else:
                    x = 0.5 * (x * block.up.affine(first))[:, : x.shape[1] // 4]
                for name, slot in (("conv1", 1), ("conv2", 2)):
                    conv, style = getattr(block, name), code[:, 3 * index + slot]
                    x = x * (conv.gain * conv.affine(style))
                    kernel = coarser(conv.depthwise, smaller)
                    x = F.conv2d(x, kernel, padding=1, groups=x.shape[1])
                    if flat or index > trunk:
                        found.setdefault((index, name, smaller), Moments()).add(x)
                    noise = F.avg_pool2d(conv.noise, smaller)
                    x = F.conv2d(x, conv.weight, conv.bias) + noise
                    x = F.leaky_relu(x, SLOPE)
    return found


def start(teacher: Synthesis, layers: Layers, codes: Tensor, size: int) -> DistilledSynthesis:
    """Return a tail for ``size`` px from a selection of the teacher's channels; no ToRGB yet.

    codes: [N, SLOTS, DIM], many of them.
    """
    tail = DistilledSynthesis(size).requires_grad_(requires_grad=False)
    blocks = _all(Block, teacher.blocks)
    plan, first = tail.plan, tail.plan.trunk
    old = blocks[first]
    _keep(_all(Affine, tail.block.ups)[0], old.up.affine, quarters(512))
    middle = chosen(layers[first, "conv2", 1], old.conv2, plan.middle)
    _refit(tail.block.conv1, old.conv1, layers[first, "conv1", 1], torch.arange(128), middle)
    groups = chosen(layers[first + 1, "conv1", 2], blocks[first + 1].conv1, plan.fine_groups)
    others = torch.tensor([i for i in range(plan.groups) if i not in groups])
    means = torch.cat((groups, others))
    rows = torch.cat((means, _group_rows(groups, 4 * plan.groups)[plan.fine_groups :]))
    _refit(tail.block.conv2, old.conv2, layers[first, "conv2", 1], middle, rows)
    for index, flat in enumerate(_all(DistilledBlock, tail.flat), first + 1):
        old, smaller = blocks[index], 2 ** (index - first)
        outputs = old.conv2.bias.shape[0]
        middle = torch.arange(outputs)
        _refit(
            flat.conv1, old.conv1, layers[index, "conv1", smaller], means, middle, smaller=smaller
        )
        _join(flat.conv1.affine, old.up.affine, means, codes[:, 3 * index + 1])
        means = torch.arange(outputs if index == BLOCKS - 1 else outputs // 4)
        _refit(
            flat.conv2, old.conv2, layers[index, "conv2", smaller], middle, means, smaller=smaller
        )
    _keep(_all(DistilledToRGB, tail.heads)[0].affine, teacher.head.affine, means)
    _start_fine(tail, teacher, layers, groups)
    return tail


def _start_fine(
    tail: DistilledSynthesis, teacher: Synthesis, layers: Layers, groups: Tensor
) -> None:
    """Initialise the fine block with the generator's of its size, which has more inputs."""
    index = tail.plan.trunk + 1
    fine, (old, following) = tail.fine, _all(Block, teacher.blocks)[index : index + 2]
    coarse_up, details_up = _all(Affine, fine.ups)
    _neutral(coarse_up)
    _keep(details_up, old.up.affine, _group_rows(groups, 4 * tail.plan.groups))
    coarse = fine.conv1.weight.shape[1] - len(groups)
    middle = chosen(layers[index, "conv2", 1], old.conv2, fine.conv1.bias.shape[0])
    part = DistilledConv(len(groups), len(middle), tail.plan.px, noisy=False)
    _refit(part.requires_grad_(False), old.conv1, layers[index, "conv1", 1], groups, middle)
    random_conv(fine.conv1, scale=0.25)
    _neutral(fine.conv1.affine)
    fine.conv1.weight.data[:, coarse:] = part.weight
    fine.conv1.bias.data = part.bias.data
    fine.conv1.depthwise.data[coarse:] = part.depthwise
    for name in ("weight", "bias"):
        value = getattr(part.affine, name) * (part.gain / fine.conv1.gain)
        getattr(fine.conv1.affine, name).data[coarse:] = value
    after = layers[index + 1, "conv1", 1]
    kept = chosen(after, following.conv1, fine.conv2.bias.shape[0] // 4)
    rows = _group_rows(kept, old.conv2.bias.shape[0])
    _refit(fine.conv2, old.conv2, layers[index, "conv2", 1], middle, rows)
    _keep(_all(DistilledToRGB, tail.heads)[1].affine, following.up.affine, rows)


def random_conv(conv: DistilledConv, scale: float) -> None:
    """Fill kernels at random, for inputs of about 1 and outputs of about ``scale``."""
    nn.init.normal_(conv.depthwise, std=0.2)
    conv.depthwise.data[:, 0, 1, 1] += 1.0
    inputs = conv.weight.shape[1]
    nn.init.normal_(conv.weight, std=scale * inputs**-0.5 / conv.gain)


@torch.no_grad()  # the layer is trained later
def fit_head(
    tail: DistilledSynthesis, level: int, batches: Iterable[tuple[Tensor, Tensor, Tensor]]
) -> None:
    """Fit a ToRGB layer by least squares to the error of the next coarser picture.

    level: 0 for the coarsest. batches: the first block's output, codes, and pictures
    [N, 3, …], −1…1, of the layer's size or larger.
    """
    head, both, seen = _all(DistilledToRGB, tail.heads)[level], Moments(), list[Tensor]()
    hook = head.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    for x, codes, wanted in batches:
        seen.clear()
        pictures = tail.pictures(x, codes, NOISE_STRENGTH)
        size = pictures[level].shape[-1]
        lacking = F.avg_pool2d(wanted, wanted.shape[-1] // size)
        if level:
            lacking = lacking - F.interpolate(pictures[level - 1], scale_factor=2.0)
        scaled = seen[0] * (head.gain * head.affine(codes[:, HEAD_SLOT]))
        both.add(torch.cat((scaled, haar(lacking)), 1))
    hook.remove()
    covariance, mean, inputs = both.covariance, both.mean, head.weight.shape[1]
    kernel = torch.linalg.solve(covariance[:inputs, :inputs], covariance[:inputs, inputs:]).T
    head.weight.data = kernel[:, :, None, None].float()
    head.bias.data = (mean[inputs:] - kernel @ mean[:inputs]).float()


def haar(x: Tensor) -> Tensor:
    """Return one level of the Haar transform in quarters, [N, C, 2·H, 2·W] → [N, 4·C, H, W]."""
    top, below = x[..., ::2, :], x[..., 1::2, :]
    a, b, c, d = top[..., ::2], top[..., 1::2], below[..., ::2], below[..., 1::2]
    return 0.5 * torch.cat((a + b + c + d, a + b - c - d, a - b + c - d, a - b - c + d), 1)


def coarser(kernel: Tensor, smaller: int) -> Tensor:
    """Return 3×3 kernels for a picture ``smaller`` times smaller, constant within each pixel."""
    for _ in range(2):
        a, b, c = kernel.unbind(-1)
        share = 1.0 / smaller
        kernel = torch.stack((a * share, b + (a + c) * (1.0 - share), c * share), -1)
        kernel = kernel.transpose(-1, -2)
    return kernel


def chosen(moments: Moments, conv: StyledConv, count: int) -> Tensor:
    """Return ``count`` inputs of a pointwise convolution that predict its outputs best.

    They are chosen greedily: each time the input that explains most of the remaining variance.
    """
    weight, rest = conv.weight[:, :, 0, 0].double(), moments.covariance
    found: list[int] = []
    for _ in range(count):
        gain = (weight @ rest).square().sum(0) / rest.diagonal().clamp(min=1e-12)
        gain[found] = -1.0
        found.append(int(gain.argmax()))
        column = rest[:, found[-1]]
        rest = rest - column[:, None] * column / column[found[-1]]
    return torch.tensor(sorted(found))


def _all(kind: type[Module], modules: nn.ModuleList | None) -> list[Module]:
    """Return the modules of a list that are of one class, which torch's own types do not tell."""
    return [one for one in modules or () if isinstance(one, kind)]


def _group_rows(groups: Tensor, channels: int) -> Tensor:
    """Return the indices of each group's four channels in the generator, in quarters."""
    details = channels // 4 + 3 * groups
    return torch.cat((groups, details, details + 1, details + 2))


def _refit(
    new: DistilledConv,
    old: StyledConv,
    moments: Moments,
    inputs: Tensor,
    outputs: Tensor,
    *,
    smaller: int = 1,
) -> None:
    """Set ``new`` from given inputs and outputs of ``old``, for a size ``smaller`` times less."""
    covariance, mean = moments.covariance, moments.mean
    weight = old.weight[outputs, :, 0, 0].double()
    kept = torch.linalg.solve(covariance[inputs][:, inputs], covariance[inputs] @ weight.T).T
    new.weight.data = kept[:, :, None, None].float()
    new.bias.data = old.bias[outputs] + (weight @ mean - kept @ mean[inputs]).float()
    assert old.depthwise is not None  # noqa: S101 - only the root's dense one has none
    new.depthwise.data = coarser(old.depthwise[inputs], smaller)
    if new.noise is not None:
        new.noise.data = F.avg_pool2d(old.noise, smaller)
    _keep(new.affine, old.affine, inputs, old.gain / new.gain)


def _keep(new: Affine, old: nn.Linear, rows: Tensor, gain: float = 1.0) -> None:
    new.weight.data = gain * old.weight[rows]
    new.bias.data = gain * old.bias[rows]


def _neutral(affine: Affine) -> None:
    """Set the map so that all its factors are 1."""
    nn.init.zeros_(affine.weight)
    nn.init.ones_(affine.bias)


def _join(affine: Affine, up: nn.Linear, rows: Tensor, codes: Tensor) -> None:
    """Set the factors of ``affine`` to half their product with those of ``up``, approximately.

    The product of two linear maps is not linear, but nearly so on codes of faces.
    """
    mean = codes.mean(0)
    centred = (codes - mean).double()
    first, second = affine(mean[None])[0, :, 0, 0], F.linear(mean, up.weight[rows], up.bias[rows])
    slope = 0.5 * (affine.weight * second[:, None] + up.weight[rows] * first[:, None]).double()
    products = 0.5 * affine(codes)[:, :, 0, 0] * F.linear(codes, up.weight[rows], up.bias[rows])
    middle = products.double().mean(0)
    rest = products.double() - middle - centred @ slope.T
    gram = centred.T @ centred
    gram += 0.1 * gram.diagonal().mean() * torch.eye(len(gram))
    slope = slope + torch.linalg.solve(gram, centred.T @ rest).T
    affine.weight.data = slope.float()
    affine.bias.data = (middle - slope @ mean.double()).float()
