"""An untrained sound encoder, for tests that hold with any weights, and MFCCs to hear."""

import functools

import numpy as np
import torch

from vjnode.audio.features.analyser import Mfcc
from vjnode.audio.mixdown import MONO, Mixdown
from vjnode.audio.sources.base import HOP, RATE_HZ
from vjnode.audio.sources.file import FileSource
from vjnode.modulation.encoder.export import export_onnx
from vjnode.modulation.encoder.network import Encoder
from vjnode.modulation.encoder.weights import Trained
from vjnode.paths import shipped


def untrained(seed=0):
    """Return an untrained encoder whose normalisations have something to fold."""
    torch.manual_seed(seed)
    encoder = Encoder().eval()
    for convolution, normalisation, _ in (*encoder.describing, *encoder.intensity):
        torch.nn.init.orthogonal_(convolution.weight, gain=2**0.5)
        torch.nn.init.normal_(normalisation.running_mean, std=0.1)
        torch.nn.init.uniform_(normalisation.running_var, 0.5, 2.0)
        torch.nn.init.uniform_(normalisation.weight, 0.5, 1.5)
        torch.nn.init.normal_(normalisation.bias, std=0.1)
    return encoder


@functools.cache
def shipped_like(seed=0):
    """Return such an untrained encoder in the form in which training leaves one."""
    encoder = untrained(seed)
    weights = {
        name: value.numpy()
        for name, value in encoder.state_dict().items()
        if "num_batches" not in name
    }
    low, high = np.full(13, -3.0, np.float32), np.full(13, 3.0, np.float32)
    low[0], high[0] = -31.0, 2.0
    knots = np.array([0.1, 0.15, 0.3, 0.5], np.float32)
    return Trained(weights, low, high, knots, export_onnx(encoder))


@functools.cache
def demo_mfcc():
    """Return the MFCCs of the demo song, shape (n, 13), float32."""
    source = FileSource(shipped("demo", "demo.ogg"), loop=False)
    mixdown = Mixdown(MONO, RATE_HZ)
    mono = np.concatenate([mixdown.mix(block.pcm)[:, 0] for block in iter(source.read, None)])
    extractor = Mfcc()
    hops = mono[: len(mono) // HOP * HOP].reshape(-1, HOP)
    return np.array([extractor.next(hop) for hop in hops])
