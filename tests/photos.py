"""A photo for tests, and what may be wrong with it: a generated face in a grey room.

No real person's photo is in the tests.
"""

from functools import cache

import cv2
import numpy as np
import torch

from vjnode.engines.registry import open_engine
from vjnode.faces.catalogue import load_face
from vjnode.generators.latent import still

PERSON = "maple"
SIDE, FRAME = 512, 256
"""Sides of the photo and of the face's frame, which is in its middle, px."""

_GREY = 128


@cache
def portrait():
    """Return the photo, (SIDE, SIDE, 3) RGB."""
    engine = open_engine(FRAME)
    face = engine.draw(still(load_face(PERSON).codes))[..., :3]
    engine.close()
    room = (SIDE - FRAME) // 2
    photo = cv2.copyMakeBorder(face, *[room] * 4, cv2.BORDER_CONSTANT, value=[_GREY] * 3)
    return np.ascontiguousarray(photo)


def keep(photo, path):
    """Write a photo to a file, and return its path."""
    cv2.imwrite(str(path), photo[..., ::-1])
    return path


def untrained_vgg(path):
    """Write a checkpoint of VGG16 as torchvision has it, with random weights; return its path."""
    shapes = {0: (3, 64), 2: (64, 64), 5: (64, 128), 7: (128, 128), 10: (128, 256)}
    shapes |= {12: (256, 256), 14: (256, 256), 17: (256, 512), 19: (512, 512), 21: (512, 512)}
    draws = torch.Generator().manual_seed(1)
    tensors = {}
    for number, (before, after) in shapes.items():
        factor = (2 / (9 * before)) ** 0.5
        kernel = torch.randn((after, before, 3, 3), generator=draws)
        tensors[f"features.{number}.weight"] = factor * kernel
        tensors[f"features.{number}.bias"] = factor * torch.randn(after, generator=draws)
    torch.save(tensors, path)
    return path


def larger(photo, factor):
    """Return a photo enlarged."""
    return cv2.resize(photo, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)


def turned(photo, degrees):
    """Return a photo turned about its middle."""
    matrix = cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), degrees, 1.0)
    return cv2.warpAffine(photo, matrix, (SIDE, SIDE), borderValue=[_GREY] * 3)


def two_faces(photo):
    """Return a photo beside its mirror image."""
    return np.hstack((photo, photo[:, ::-1]))
