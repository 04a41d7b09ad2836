"""Files of faces with weights of their own, as if tuned: the generator's, a little otherwise."""

from functools import cache

import numpy as np
import torch

from vjnode.faces.catalogue import load_face
from vjnode.faces.face_file import LAYOUT, face_file
from vjnode.generators.latent import Weights
from vjnode.generators.mobilestylegan.layout import STYLES
from vjnode.generators.mobilestylegan.tuned import OFFSETS, PREFIX, network_of, tunable
from vjnode.paths import sha256_of

PX = 256
"""Size that they are tuned for."""


@cache
def _tunable(size):
    return tunable(network_of(size))


def face_bytes(seed, *, size=PX, number=900):
    """Return the file of a face that is drawn by the codes of one that ships, and such weights."""
    chance = torch.Generator().manual_seed(seed)
    tensors = {"codes": load_face(seed).codes}
    for name, value in _tunable(size).items():
        noise = torch.randn(value.shape, generator=chance)
        tensors[PREFIX + name] = (0.1 * value.abs().mean() * noise).half().numpy()
    tensors[OFFSETS] = 0.05 * torch.randn(STYLES, generator=chance).numpy()
    text = f'number = {number}\nabout = "tuned"\nsize = {size}\nlayout = {LAYOUT}\n'
    return face_file(text, tensors)


def tuned_weights(folder, seed, *, size=PX):
    """Write such a file and return its weights."""
    path = folder / f"tuned{seed}.safetensors"
    path.write_bytes(face_bytes(seed, size=size))
    return Weights(path, sha256_of(path), size)


def mean_levels(picture, other):
    """Return the mean difference of two pictures' colours, levels."""
    return float(np.abs(picture[..., :3].astype(int) - other[..., :3]).mean())
