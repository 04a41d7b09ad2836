"""The trained encoder as it ships: weights, normalisation and bounds in one file."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load

from vjnode.errors import InputError
from vjnode.storage import shipped


@dataclass(frozen=True)
class Trained:
    """What training has left.

    weights: state of ``vjnode.drive.encoder.Encoder``, name → float32 array.
    mfcc_low, mfcc_high: shape (13,), the MFCC values that are mapped to 0 and 1.
    calm, intense: means of the 512 values that are mapped to weight 0 and 1.
    identity: SHA-256 of the file.
    """

    weights: dict[str, NDArray[np.float32]]
    mfcc_low: NDArray[np.float32]
    mfcc_high: NDArray[np.float32]
    calm: float
    intense: float
    identity: str

    def weight(self, mean: float) -> float:
        """Map the mean of the 512 values linearly into 0…1; beyond the bounds it is clipped."""
        return min(1.0, max(0.0, (mean - self.calm) / (self.intense - self.calm)))


def load_trained(path: Path | None = None) -> Trained:
    """Read a trained encoder; without a path, the one that ships.

    Raises:
        InputError: the file is missing, damaged or not a trained encoder.
    """
    path = path or shipped("encoder", "encoder.safetensors")
    try:
        data = path.read_bytes()
        tensors = load(data)
        low, high = tensors.pop("mfcc_low"), tensors.pop("mfcc_high")
        calm, intense = map(float, tensors.pop("bounds"))
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise InputError(
            f"{path} is not a trained sound encoder ({error}); "
            "restore it, or make a new one with tools/train_encoder.py"
        ) from error
    return Trained(tensors, low, high, calm, intense, hashlib.sha256(data).hexdigest())
