"""Files of the trained encoder: weights, normalisation and knots, and the graph made from them."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from vjnode.errors import InputError
from vjnode.paths import replace_file, shipped

LEVELS = (0.0, 0.05, 0.75, 1.0)
"""Weights of silence, of the calmest and the most intense seventh of music at its usual level, and
of sound beyond all music. An ordinary loud passage is at about 0.7: the rest is headroom."""

_EXTRA = ("mfcc_low", "mfcc_high", "knots")


@dataclass(frozen=True)
class Trained:
    """A trained encoder.

    weights: state of ``vjnode.modulation.encoder.network.Encoder``, name → float32 array.
    mfcc_low, mfcc_high: shape (13,), the MFCC values that are mapped to 0 and 1.
    knots: shape (4,), rising: means of the 512 values that are mapped to the weights ``LEVELS``.
    onnx: the graph of ``vjnode.modulation.encoder.export.export_onnx`` with these weights.
    """

    weights: dict[str, NDArray[np.float32]]
    mfcc_low: NDArray[np.float32]
    mfcc_high: NDArray[np.float32]
    knots: NDArray[np.float32]
    onnx: bytes

    def weight(self, mean: float) -> float:
        """Return the weight, 0…1, of a mean of the 512 values: linear between knots, clipped."""
        return float(np.interp(mean, self.knots, LEVELS))

    def save(self, path: Path) -> None:
        """Write ``path`` (.safetensors) and the graph beside it (.onnx).

        Raises:
            OSError: they cannot be written.
        """
        tensors = self.weights | {name: getattr(self, name) for name in _EXTRA}
        replace_file(path.with_suffix(".onnx"), self.onnx)
        replace_file(path, save(tensors, {"onnx_sha256": _sha256(self.onnx)}))


def load_trained(path: Path | None = None) -> Trained:
    """Read a trained encoder; without a path, the one that ships with vjnode.

    Raises:
        InputError: a file is missing, damaged, not a trained encoder, or from another training.
    """
    path = path or shipped("encoder", "encoder.safetensors")
    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        low, high, knots = (tensors.pop(name) for name in _EXTRA)
        if knots.shape != (len(LEVELS),) or not (np.diff(knots) > 0).all():
            raise ValueError(f"knots {knots} are not {len(LEVELS)} rising numbers")
        onnx = path.with_suffix(".onnx").read_bytes()
        if _sha256(onnx) != metadata.get("onnx_sha256"):
            raise ValueError(f"{path.stem}.onnx beside it was made from other weights")
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise InputError(
            f"{path} is not a trained sound encoder ({error}); "
            "restore it, or make a new one with python -m tools.train.encoder"
        ) from error
    return Trained(tensors, low, high, knots, onnx)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
