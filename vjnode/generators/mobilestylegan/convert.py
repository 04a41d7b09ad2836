"""Conversion of the generator's constants from the wheel's OpenVINO files to named tensors."""

import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from vjnode.generators.mobilestylegan.layout import BLOCKS, DIM

Tensors: TypeAlias = dict[str, npt.NDArray[np.float32]]

MEAN_DRAWS = 65_536
MEAN_SEED = 0


def generator_tensors(wheel: Path) -> bytes:
    """Return every weight of the generator, and its mean latent, as a safetensors file.

    wheel: the random-face wheel, its hash already checked.
    """
    from safetensors.numpy import save  # noqa: PLC0415 (only the first run needs it)

    mapping = _constants(wheel, "MappingNetwork")
    synthesis = _constants(wheel, "SynthesisNetwork")
    tensors: Tensors = {}
    for layer in range(8):
        tensors[f"mapping.{layer}.weight"] = mapping[f"{173 + 4 * layer}"]
        tensors[f"mapping.{layer}.bias"] = mapping[f"{174 + 4 * layer}"]
    tensors["mean"] = _mean_latent(tensors)
    tensors["input"] = synthesis["m.input.input"]
    tensors |= _conv(synthesis, "conv1", "m.conv1", "Mul_39_copy", "1531")
    for block in range(BLOCKS):
        source = f"m.layers.{block}"
        tensors |= _affine(synthesis, f"blocks.{block}.up", f"{source}.up")
        # The exporter numbered the constants that it folded, in equal steps from block to block.
        for conv, kernel, noise in (("conv1", 106, 1560), ("conv2", 139, 1572)):
            name = f"blocks.{block}.{conv}"
            kernel_name = f"Mul_{kernel + 100 * block}_copy"
            tensors |= _conv(
                synthesis, name, f"{source}.{conv}", kernel_name, f"{noise + 41 * block}"
            )
            depthwise = synthesis[f"{source}.{conv}.conv.weight_dw"]
            tensors[f"{name}.depthwise"] = depthwise.reshape(-1, 1, 3, 3)
    tensors |= _affine(synthesis, "head", f"m.layers.{BLOCKS - 1}.to_img.conv")
    tensors["head.weight"] = synthesis[f"m.layers.{BLOCKS - 1}.to_img.conv.weight"]
    tensors["head.bias"] = synthesis[f"m.layers.{BLOCKS - 1}.to_img.bias"].reshape(-1)
    tensors = {name: np.ascontiguousarray(value) for name, value in sorted(tensors.items())}
    return save(tensors, metadata={"mean": f"{MEAN_DRAWS} draws, seed {MEAN_SEED}"})


def extract_ir(wheel: Path, folder: Path) -> tuple[Path, Path]:
    """Unpack the wheel's mapping and synthesis networks, and return their two .xml paths.

    Tests and benchmarks compare with them; the node itself never runs them.
    """
    names = ("MappingNetwork", "SynthesisNetwork")
    with zipfile.ZipFile(wheel) as archive:
        for name in names:
            for suffix in ("xml", "bin"):
                data = archive.read(f"random_face/data/{name}.{suffix}")
                (folder / f"{name}.{suffix}").write_bytes(data)
    return folder / "MappingNetwork.xml", folder / "SynthesisNetwork.xml"


def _constants(wheel: Path, network: str) -> Tensors:
    """Return every float32 constant of one network, by the name of its layer."""
    with zipfile.ZipFile(wheel) as archive:
        # The file's hash is pinned, so this XML is trusted.
        graph = ET.fromstring(archive.read(f"random_face/data/{network}.xml"))  # noqa: S314
        blob = archive.read(f"random_face/data/{network}.bin")
    found: Tensors = {}
    for layer in graph.iter("layer"):
        data = layer.find("data")
        if layer.get("type") != "Const" or data is None or data.get("element_type") != "f32":
            continue
        shape = [int(n) for n in data.get("shape", "").split(",") if n.strip()]
        offset, size = int(data.get("offset", 0)), int(data.get("size", 0))
        values = np.frombuffer(blob, np.float32, size // 4, offset)
        found[layer.get("name", "")] = values.reshape(shape)
    return found


def _affine(constants: Tensors, name: str, layer: str) -> Tensors:
    return {
        f"{name}.affine.weight": constants[f"{layer}.modulation.weight"],
        f"{name}.affine.bias": constants[f"{layer}.modulation.bias"].reshape(-1),
    }


def _conv(constants: Tensors, name: str, layer: str, kernel: str, noise: str) -> Tensors:
    return _affine(constants, name, f"{layer}.conv") | {
        f"{name}.weight": constants[kernel],
        f"{name}.noise": constants[noise],
        f"{name}.bias": constants[f"{layer}.bias"].reshape(-1),
    }


def _mean_latent(tensors: Tensors) -> npt.NDArray[np.float32]:
    """Return the mean of w over seeded draws of z, shape (DIM,)."""
    draws = np.random.default_rng(MEAN_SEED)
    total = np.zeros(DIM)
    batch = 4096
    for _ in range(MEAN_DRAWS // batch):
        w = draws.standard_normal((batch, DIM), np.float32)
        w /= np.sqrt(np.mean(w * w, axis=1, keepdims=True) + 1e-8)
        for layer in range(8):
            w = w @ tensors[f"mapping.{layer}.weight"].T + tensors[f"mapping.{layer}.bias"]
            w = np.float32(np.sqrt(2)) * np.where(w > 0, w, np.float32(0.2) * w)
        total += w.sum(axis=0, dtype=np.float64)
    return (total / MEAN_DRAWS).astype(np.float32)
