"""Checkpoints with random weights in the layouts of others, and the pictures that theirs draw.

Transcribed from the published programs and formulas, and sharing nothing with
``vjnode.generators``: modules have the names, shapes and factors of those programs.
"""

import io
import pickle
import sys
from itertools import pairwise
from types import ModuleType

import numpy as np
import torch
from torch import nn

from tools.bench.published_stylegan2 import lrelu, modulated, upfirdn

SOURCE = "import os\nos.system('touch {mark}')\nopen({mark!r}, 'w').close()\n"
"""Source code that a file carries, and that nobody is to run."""


class EasyDict(dict):
    """A dict of attributes, as NVIDIA's programs save settings."""


class Persistent(nn.Module):
    """A module that is pickled with its source code, as NVIDIA's persistence does it."""

    mark = "unused"

    def __reduce__(self):
        meta = {
            "type": "class",
            "version": 6,
            "module_src": SOURCE.format(mark=self.mark),
            "class_name": type(self).__name__,
            "state": self.__dict__,
        }
        return sys.modules["torch_utils.persistence"]._reconstruct_persistent_obj, (meta,)


def with_modules(monkeypatch):
    """Let pickles name what is in NVIDIA's modules."""
    persistence, dnnlib = ModuleType("torch_utils.persistence"), ModuleType("dnnlib.util")

    def _reconstruct_persistent_obj(meta):
        raise AssertionError("it was run")

    _reconstruct_persistent_obj.__module__ = "torch_utils.persistence"
    _reconstruct_persistent_obj.__qualname__ = "_reconstruct_persistent_obj"
    persistence._reconstruct_persistent_obj = _reconstruct_persistent_obj
    monkeypatch.setattr(EasyDict, "__module__", "dnnlib.util")
    dnnlib.EasyDict = EasyDict
    for one in ("torch_utils", "dnnlib"):
        monkeypatch.setitem(sys.modules, one, ModuleType(one))
    monkeypatch.setitem(sys.modules, "torch_utils.persistence", persistence)
    monkeypatch.setitem(sys.modules, "dnnlib.util", dnnlib)


FILTER = torch.tensor([1.0, 3.0, 3.0, 1.0])


class FullyConnectedLayer(Persistent):
    def __init__(self, inputs, outputs, *, lr=1.0, bias_init=0.0, activation="linear"):
        super().__init__()
        self.activation = activation
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / lr)
        self.bias = nn.Parameter(bias_init + 0.1 * torch.randn(outputs) / lr)
        self.weight_gain = lr / np.sqrt(inputs)
        self.bias_gain = lr

    def forward(self, x):
        x = x @ (self.weight * float(self.weight_gain)).T + self.bias * self.bias_gain
        return lrelu(x) if self.activation == "lrelu" else x


class MappingNetwork(Persistent):
    def __init__(self, dim, depth, classes=0):
        super().__init__()
        self.z_dim = self.w_dim = dim
        self.c_dim, self.num_layers = classes, depth
        if classes:
            self.embed = FullyConnectedLayer(classes, dim)
        for i in range(depth):
            width = 2 * dim if classes and i == 0 else dim
            layer = FullyConnectedLayer(width, dim, lr=0.01, activation="lrelu")
            setattr(self, f"fc{i}", layer)
        self.register_buffer("w_avg", 0.2 * torch.randn(dim))

    def forward(self, z, label=None, psi=1.0):
        def normalised(x):
            return x * (x.square().mean(1, keepdim=True) + 1e-8).rsqrt()

        x = normalised(z)
        if self.c_dim:
            one = torch.eye(self.c_dim)[[label]].expand(len(z), -1)
            x = torch.cat([x, normalised(self.embed(one))], 1)
        for i in range(self.num_layers):
            x = getattr(self, f"fc{i}")(x)
        return self.w_avg.lerp(x, psi)


class SynthesisLayer(Persistent):
    def __init__(self, inputs, outputs, dim, px, *, up=1, clamp=None):
        super().__init__()
        self.up, self.use_noise, self.activation, self.conv_clamp = up, True, "lrelu", clamp
        self.act_gain = np.sqrt(2)
        self.register_buffer("resample_filter", torch.outer(FILTER, FILTER) / 64)
        self.affine = FullyConnectedLayer(dim, inputs, bias_init=1.0)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 3, 3))
        self.register_buffer("noise_const", torch.randn(px, px))
        self.noise_strength = nn.Parameter(torch.tensor(0.1))
        self.bias = nn.Parameter(0.1 * torch.randn(outputs))

    def forward(self, x, code):
        x = modulated(x, self.weight, self.affine(code), up=self.up == 2, demodulate=True)
        x = lrelu(x + self.noise_const * self.noise_strength + self.bias[:, None, None])
        return x if self.conv_clamp is None else x.clamp(-self.conv_clamp, self.conv_clamp)


class ToRGBLayer(Persistent):
    def __init__(self, inputs, dim, colours=3):
        super().__init__()
        self.conv_clamp = 256
        self.affine = FullyConnectedLayer(dim, inputs, bias_init=1.0)
        self.weight = nn.Parameter(0.2 * torch.randn(colours, inputs, 1, 1))
        self.bias = nn.Parameter(0.1 * torch.randn(colours))
        self.weight_gain = 1 / np.sqrt(inputs)

    def forward(self, x, code):
        factors = self.affine(code) * float(self.weight_gain)
        x = modulated(x, self.weight, factors, up=False, demodulate=False)
        return (x + self.bias[:, None, None]).clamp(-256, 256)


class SynthesisBlock(Persistent):
    def __init__(self, inputs, outputs, dim, px, *, colours=3, clamp=None):
        super().__init__()
        self.architecture, self.resolution = "skip", px
        self.register_buffer("resample_filter", torch.outer(FILTER, FILTER) / 64)
        if inputs:
            self.conv0 = SynthesisLayer(inputs, outputs, dim, px, up=2, clamp=clamp)
        else:
            self.const = nn.Parameter(torch.randn(outputs, 4, 4))
        self.conv1 = SynthesisLayer(outputs, outputs, dim, px, clamp=clamp)
        self.torgb = ToRGBLayer(outputs, dim, colours)


class SynthesisNetwork(Persistent):
    def __init__(self, channels, dim, colours=3, clamp=None):
        super().__init__()
        before = 0
        for i, width in enumerate(channels):
            px = 4 * 2**i
            block = SynthesisBlock(before, width, dim, px, colours=colours, clamp=clamp)
            setattr(self, f"b{px}", block)
            before = width
        self.sizes = [4 * 2**i for i in range(len(channels))]

    def forward(self, codes):
        start = self.b4
        x = start.conv1(start.const[None].repeat(len(codes), 1, 1, 1), codes[:, 0])
        picture = start.torgb(x, codes[:, 1])
        for i, px in enumerate(self.sizes[1:]):
            block, own = getattr(self, f"b{px}"), codes[:, 2 * i + 1 :]
            x = block.conv1(block.conv0(x, own[:, 0]), own[:, 1])
            picture = upfirdn(picture, up=2, pad=(2, 1), gain=4) + block.torgb(x, own[:, 2])
        return picture


class Generator(Persistent):
    def __init__(self, channels, dim, depth, *, classes=0, colours=3, clamp=None):
        super().__init__()
        self.z_dim = self.w_dim = dim
        self.c_dim, self.img_resolution, self.img_channels = (
            classes,
            4 * 2 ** (len(channels) - 1),
            3,
        )
        self._init_kwargs = EasyDict(channel_base=1)
        self.synthesis = SynthesisNetwork(channels, dim, colours, clamp)
        self.mapping = MappingNetwork(dim, depth, classes)


def pkl_of(generator, protocol=4):
    """Return the bytes of a .pkl of NVIDIA's training."""
    held = {
        "training_set_kwargs": EasyDict(path="cats.zip"),
        "G": generator,
        "D": None,
        "G_ema": generator,
        "augment_pipe": None,
    }
    return pickle.dumps(held, protocol)


class EqualLinear(nn.Module):
    def __init__(self, inputs, outputs, *, rate=1.0, bias=0.0):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / rate)
        self.bias = nn.Parameter(bias + 0.1 * torch.randn(outputs) / rate)
        self.scale, self.rate = rate / inputs**0.5, rate

    def forward(self, x):
        return x @ (self.weight * self.scale).T + self.bias * self.rate


class Buffers(nn.Module):
    """A module that only holds tensors, by name."""

    def __init__(self, **tensors):
        super().__init__()
        for name, value in tensors.items():
            self.register_buffer(name, value)


class ModulatedConv2d(nn.Module):
    def __init__(self, inputs, outputs, taps, dim, *, up=False, demodulate=True):
        super().__init__()
        self.up, self.demodulate = up, demodulate
        self.weight = nn.Parameter(torch.randn(1, outputs, inputs, taps, taps))
        self.scale = (inputs * taps * taps) ** -0.5
        self.modulation = EqualLinear(dim, inputs, bias=1.0)
        if up:
            self.blur = Buffers(kernel=torch.outer(FILTER, FILTER) / 64 * 4)

    def forward(self, x, code):
        weight, factors = self.scale * self.weight[0], self.modulation(code)
        return modulated(x, weight, factors, up=self.up, demodulate=self.demodulate)


class StyledConv(nn.Module):
    def __init__(self, inputs, outputs, dim, *, up=False):
        super().__init__()
        self.conv = ModulatedConv2d(inputs, outputs, 3, dim, up=up)
        self.noise = Buffers(weight=torch.tensor([0.1]))
        self.activate = Buffers(bias=0.1 * torch.randn(outputs))

    def forward(self, x, code, noise):
        x = self.conv(x, code) + self.noise.weight * noise
        return lrelu(x + self.activate.bias[:, None, None])


class ToRGB(nn.Module):
    def __init__(self, inputs, dim, *, up=True):
        super().__init__()
        self.bias = nn.Parameter(0.1 * torch.randn(1, 3, 1, 1))
        self.conv = ModulatedConv2d(inputs, 3, 1, dim, demodulate=False)
        if up:
            self.upsample = Buffers(kernel=torch.outer(FILTER, FILTER) / 64 * 4)

    def forward(self, x, code):
        return self.conv(x, code) + self.bias


class Rosinality(nn.Module):
    """The generator of rosinality's stylegan2-pytorch."""

    def __init__(self, channels, dim, depth):
        super().__init__()
        layers = [EqualLinear(dim, dim, rate=0.01) for _ in range(depth)]
        self.style = nn.ModuleList([nn.Identity(), *layers])
        self.input = Buffers(input=torch.randn(1, channels[0], 4, 4))
        self.conv1 = StyledConv(channels[0], channels[0], dim)
        self.to_rgb1 = ToRGB(channels[0], dim, up=False)
        self.convs, self.to_rgbs, noises = nn.ModuleList(), nn.ModuleList(), []
        for before, width in pairwise(channels):
            self.convs.append(StyledConv(before, width, dim, up=True))
            self.convs.append(StyledConv(width, width, dim))
            self.to_rgbs.append(ToRGB(width, dim))
        for i in range(2 * len(channels) - 1):
            px = 4 * 2 ** ((i + 1) // 2)
            noises.append(torch.randn(1, 1, px, px))
        self.noises = Buffers(**{f"noise_{i}": value for i, value in enumerate(noises)})

    def codes(self, z):
        x = z * (z.square().mean(1, keepdim=True) + 1e-8).rsqrt()
        for layer in self.style[1:]:
            x = lrelu(layer(x))
        return x

    def forward(self, codes):
        noise = [getattr(self.noises, f"noise_{i}") for i in range(len(self.convs) + 1)]
        x = self.conv1(self.input.input.repeat(len(codes), 1, 1, 1), codes[:, 0], noise[0])
        picture = self.to_rgb1(x, codes[:, 1])
        for i, head in enumerate(self.to_rgbs):
            x = self.convs[2 * i](x, codes[:, 2 * i + 1], noise[2 * i + 1])
            x = self.convs[2 * i + 1](x, codes[:, 2 * i + 2], noise[2 * i + 2])
            picture = upfirdn(picture, up=2, pad=(2, 1), gain=4) + head(x, codes[:, 2 * i + 3])
        return picture


def pt_of(generator, *, mean=None, archive=True, **more):
    """Return the bytes of a .pt of rosinality's training."""
    held = {"g": generator.state_dict(), "g_ema": generator.state_dict(), **more}
    if mean is not None:
        held["latent_avg"] = mean
    stream = io.BytesIO()
    torch.save(held, stream, _use_new_zipfile_serialization=archive)
    return stream.getvalue()
