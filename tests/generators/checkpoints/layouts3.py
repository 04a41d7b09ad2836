"""StyleGAN3 with random weights in NVIDIA's layout, and the pictures that theirs draws.

Transcribed from the published program; shares nothing with ``vjnode.generators``. Its filters are
random and lopsided, so that a flipped one shows.
"""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 (torch's own convention)

from tests.generators.checkpoints.layouts import (
    EasyDict,
    FullyConnectedLayer,
    MappingNetwork,
    Persistent,
)


class SynthesisInput(Persistent):
    def __init__(self, dim, channels, size, rate, band):
        super().__init__()
        self.w_dim, self.channels = dim, channels
        self.size = np.broadcast_to(np.asarray(size), [2])
        self.sampling_rate, self.bandwidth = rate, band
        freqs = torch.randn(channels, 2)
        radii = freqs.square().sum(dim=1, keepdim=True).sqrt()
        freqs /= radii * radii.square().exp().pow(0.25)
        self.weight = nn.Parameter(torch.randn(channels, channels))
        self.affine = FullyConnectedLayer(dim, 4, bias_init=torch.tensor([1.0, 0.0, 0.0, 0.0]))
        self.register_buffer("transform", torch.eye(3))
        self.register_buffer("freqs", freqs * float(band))
        self.register_buffer("phases", torch.rand(channels) - 0.5)

    def forward(self, w):
        t = self.affine(w)
        t = t / t[:, :2].norm(dim=1, keepdim=True)
        m_r, m_t = (torch.eye(3)[None].repeat(len(w), 1, 1) for _ in range(2))
        m_r[:, 0, 0], m_r[:, 0, 1], m_r[:, 1, 0], m_r[:, 1, 1] = t[:, 0], -t[:, 1], t[:, 1], t[:, 0]
        m_t[:, 0, 2], m_t[:, 1, 2] = -t[:, 2], -t[:, 3]
        transforms = m_r @ m_t @ self.transform[None]
        phases = self.phases[None] + (self.freqs[None] @ transforms[:, :2, 2:]).squeeze(2)
        freqs = self.freqs[None] @ transforms[:, :2, :2]
        rate, band = float(self.sampling_rate), float(self.bandwidth)
        amplitudes = (1 - (freqs.norm(dim=2) - band) / (rate / 2 - band)).clamp(0, 1)
        theta = torch.eye(2, 3)
        theta[0, 0] = theta[1, 1] = 0.5 * int(self.size[0]) / rate
        side = int(self.size[0])
        grids = F.affine_grid(theta[None], [1, 1, side, side], align_corners=False)
        x = (grids.unsqueeze(3) @ freqs.permute(0, 2, 1).unsqueeze(1).unsqueeze(2)).squeeze(3)
        x = torch.sin((x + phases[:, None, None]) * (np.pi * 2)) * amplitudes[:, None, None]
        return (x @ (self.weight / np.sqrt(self.channels)).T).permute(0, 3, 1, 2)


class SynthesisLayer(Persistent):
    def __init__(self, dim, inputs, outputs, sizes, factors, *, taps, radial, rgb, clamp):
        super().__init__()
        in_size, out_size = sizes
        self.up_factor, self.down_factor = factors
        self.is_torgb, self.conv_clamp, self.conv_kernel = rgb, clamp, 1 if rgb else taps
        self.in_size, self.out_size = (np.broadcast_to(np.asarray(one), [2]) for one in sizes)
        self.affine = FullyConnectedLayer(dim, inputs, bias_init=1.0)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, self.conv_kernel, self.conv_kernel))
        self.bias = nn.Parameter(0.1 * torch.randn(outputs))
        self.register_buffer("magnitude_ema", torch.tensor(0.7))
        up_taps, down_taps = (6 * one if one > 1 and not rgb else 1 for one in factors)
        self.register_buffer("up_filter", _filter(up_taps, 1))
        self.register_buffer("down_filter", _filter(down_taps, 2 if radial else 1))
        pad = (out_size - 1) * self.down_factor + 1
        pad -= (in_size + self.conv_kernel - 1) * self.up_factor
        pad += up_taps + down_taps - 2
        low = (pad + self.up_factor) // 2
        self.padding = [low, pad - low, low, pad - low]

    def forward(self, x, w):
        s, k = self.affine(w), self.weight
        if self.is_torgb:
            s = s / np.sqrt(k.shape[1] * self.conv_kernel**2)
        else:
            k = k * k.square().mean([1, 2, 3], keepdim=True).rsqrt()
            s = s * s.square().mean().rsqrt()
        k = k[None] * s[:, None, :, None, None]
        if not self.is_torgb:
            k = k * (k.square().sum(dim=[2, 3, 4]) + 1e-8).rsqrt()[:, :, None, None, None]
        k = k * self.magnitude_ema.rsqrt()
        x = torch.cat(
            [F.conv2d(a[None], b, padding=b.shape[-1] - 1) for a, b in zip(x, k, strict=True)]
        )
        x = _upfirdn(x + self.bias[:, None, None], self.up_filter, self.up_factor, 1, self.padding)
        gain, slope = (1, 1) if self.is_torgb else (np.sqrt(2), 0.2)
        x = torch.where(x < 0, slope * x, x) * float(gain)
        x = x.clamp(-self.conv_clamp, self.conv_clamp)
        return _upfirdn(x, self.down_filter, 1, self.down_factor, [0, 0, 0, 0])


def _filter(taps, dimensions):
    if taps == 1:
        return None
    value = torch.rand((taps,) * dimensions)
    return value / value.sum()


def _upfirdn(x, f, up, down, padding):
    f = torch.ones(1, 1) if f is None else f
    count, channels, height, width = x.shape
    spread = x.new_zeros(count, channels, height * up, width * up)
    spread[:, :, ::up, ::up] = x
    left, right, top, bottom = padding
    spread = F.pad(spread, [left, right, top, bottom])  # negative ones cut off
    plane = torch.outer(f, f) if f.ndim == 1 else f
    plane = (up**2 * plane).flip([0, 1])
    y = F.conv2d(spread, plane.expand(channels, 1, *plane.shape), groups=channels)
    return y[:, :, ::down, ::down]


class Synthesis(Persistent):
    """The synthesis network of a StyleGAN3.

    base, most: channels at a cutoff of 1, and the most. radial: as config R has it, with kernels of
    one tap.
    """

    def __init__(
        self, dim, size, *, layers=14, base=512, most=16, radial=False, colours=3, clamp=256
    ):
        super().__init__()
        critical, margin = 2, 10
        exponents = np.minimum(np.arange(layers + 1) / (layers - critical), 1)
        cutoffs = 2 * (size / 2 / 2) ** exponents
        first, last = 2**2.1, size / 2 * 2**0.3
        stopbands = first * (last / first) ** exponents
        rates = np.exp2(np.ceil(np.log2(np.minimum(stopbands * 2, size))))
        sizes = rates + margin * 2
        sizes[-2:] = size
        widths = np.rint(np.minimum(base / cutoffs, most))
        widths[-1] = colours
        self.img_resolution, self.num_ws, self.output_scale = size, layers + 2, 0.25
        self.input = SynthesisInput(dim, int(widths[0]), int(sizes[0]), rates[0], cutoffs[0])
        self.layer_names = []
        for i in range(layers + 1):
            before, rgb = max(i - 1, 0), i == layers
            high = max(rates[before], rates[i]) * (1 if rgb else 2)
            layer = SynthesisLayer(
                dim,
                int(widths[before]),
                int(widths[i]),
                (int(sizes[before]), int(sizes[i])),
                (int(np.rint(high / rates[before])), int(np.rint(high / rates[i]))),
                taps=1 if radial else 3,
                radial=radial and i < layers - critical,
                rgb=rgb,
                clamp=clamp,
            )
            name = f"L{i}_{int(sizes[i])}_{int(widths[i])}"
            setattr(self, name, layer)
            self.layer_names.append(name)

    def forward(self, codes):
        x = self.input(codes[:, 0])
        for i, name in enumerate(self.layer_names):
            x = getattr(self, name)(x, codes[:, i + 1])
        return x * self.output_scale


class Generator3(Persistent):
    def __init__(self, dim, size, depth=2, **more):
        super().__init__()
        self.z_dim = self.w_dim = dim
        self.c_dim, self.img_resolution, self.img_channels = 0, size, 3
        self._init_kwargs = EasyDict(channel_base=1)
        self.synthesis = Synthesis(dim, size, **more)
        self.mapping = MappingNetwork(dim, depth)
