"""The generator as OpenVINO runs it: made once, compiled once, and kept on disk.

What is kept is held against its SHA-256 before it is used: a graph that was damaged within draws
wrong pictures and says nothing. What does not hold is made anew.
"""

import hashlib
import io
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from xml.etree import ElementTree

from vjnode.engine.manifest import sha256_of
from vjnode.face import fetch, live
from vjnode.face.layout import DIM, SLOTS
from vjnode.runtime import load_openvino
from vjnode.storage import cache_dir, replace_file, shipped

if TYPE_CHECKING:
    import openvino

GRAPH = 4
"""Grows when ``vjnode.face.fold`` or ``vjnode.face.heads`` change what they compute or how."""

Quality = Literal["full", "live"]

Precision = Literal["bf16", "int8", "f32"]
"""Of the arithmetic. int8: that of the largest layers; the rest is f32 (``vjnode.face.int8``)."""

# On processors with AVX2 and nothing newer, the kernels that OpenVINO chooses for pointwise
# convolutions take 7 % longer per picture than its older ones.
SLOWER_KERNEL = "brgconv_avx2_1x1_f32"
FASTER_KERNELS = "cpu:jit_avx2_1x1,cpu:brgconv_avx2_1x1"

INT8_LIMITS = shipped("generator", "int8.safetensors")
"""Ranges of the layers in int8, from ``tools/quantise_generator.py``."""

_DIGEST_BYTES = hashlib.sha256().digest_size


def compiled(
    core: "openvino.Core",
    size: int,
    options: dict[str, object],
    quality: Quality,
    precision: Precision,
) -> "openvino.CompiledModel":
    """Return the refolded generator, compiled for the processor.

    Raises:
        FetchError: it has yet to be made, and its weights are neither in the cache nor to be had.
    """
    folder = _folder(core, size, quality, precision)
    # A third of the time that it takes to compile the graph. Any number of threads may use it.
    kept = folder / f"compiled-{load_openvino().__version__.partition('-')[0]}.blob"
    with suppress(OSError, RuntimeError):
        data = kept.read_bytes()
        if hashlib.sha256(data[_DIGEST_BYTES:]).digest() == data[:_DIGEST_BYTES]:
            return core.import_model(io.BytesIO(data[_DIGEST_BYTES:]), "CPU", options)
    model = _kept_graph(core, folder)
    if model is None:
        model = _new_graph(core, folder, _export(size, quality, precision), options)
    made = core.compile_model(model, "CPU", options)
    with suppress(OSError):  # not kept: only a later start is slower
        data = made.export_model().getvalue()
        replace_file(kept, hashlib.sha256(data).digest() + data)
    return made


def _folder(core: "openvino.Core", size: int, quality: Quality, precision: Precision) -> Path:
    stem = Path(fetch.GENERATOR_FILE).stem
    if quality == "live":
        stem = f"{stem}-live-{live.file_sha256(size)[:8]}"
    if precision == "int8":
        stem = f"{stem}-int8-{sha256_of(INT8_LIMITS)[:8]}"
    return cache_dir("models") / f"{stem}-graph-{GRAPH}-{size}-{_processor(core)}"


def _kept_graph(core: "openvino.Core", folder: Path) -> "openvino.Model | None":
    """Return the graph in ``folder``; None when it is not there, or damaged."""
    with suppress(OSError, RuntimeError):
        if (folder / "graph.sha256").read_text() == _digest(folder):
            return core.read_model(folder / "graph.xml")
    return None


def _new_graph(
    core: "openvino.Core", folder: Path, model: "openvino.Model", options: dict[str, object]
) -> "openvino.Model":
    """Keep a graph in ``folder``, if that can be, and return it as it was read from there."""
    shutil.rmtree(folder, ignore_errors=True)  # what is there does not hold
    try:
        with tempfile.TemporaryDirectory(prefix=".graph-", dir=folder.parent) as scratch:
            whole = Path(scratch, "whole")
            load_openvino().save_model(model, whole / "graph.xml", compress_to_fp16=False)
            if _takes_slower_kernels(core.compile_model(model, "CPU", options)):
                prefer_kernels(whole / "graph.xml")
            (whole / "graph.sha256").write_text(_digest(whole))
            whole.rename(folder)
        return core.read_model(folder / "graph.xml")
    except (OSError, RuntimeError):
        # Not kept (a full or read-only disk, or another process was first): only a later
        # start is slower.
        return model


def _digest(folder: Path) -> str:
    return "".join(sha256_of(folder / name) for name in ("graph.xml", "graph.bin"))


def _processor(core: "openvino.Core") -> str:
    """Return a short name for this kind of processor: a graph is tuned for one."""
    properties = ("FULL_DEVICE_NAME", "OPTIMIZATION_CAPABILITIES")
    text = " ".join(str(core.get_property("CPU", name)) for name in properties)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _takes_slower_kernels(compiled: "openvino.CompiledModel") -> bool:
    """Whether OpenVINO has chosen, for AVX2, kernels that are slower on this network."""
    kernels = (node.get_rt_info() for node in compiled.get_runtime_model().get_ops())
    return any(SLOWER_KERNEL in str(kernel["primitiveType"].value) for kernel in kernels)


def prefer_kernels(xml: Path) -> None:
    """Write into an OpenVINO graph which kernels its pointwise convolutions are to use.

    OpenVINO reads this from a saved graph only, and takes the first one that fits.
    """
    tree = ElementTree.parse(xml)  # noqa: S314 - written a moment ago
    for layer in tree.iter("layer"):
        kernel = [dim.text for dim in layer.findall("input/port[2]/dim")]
        if layer.get("type") == "Convolution" and kernel[-2:] == ["1", "1"]:
            about = layer.find("rt_info")
            if about is None:
                about = ElementTree.Element("rt_info")
                layer.insert(1 if layer.find("data") is not None else 0, about)
            about.append(
                ElementTree.Element(
                    "attribute",
                    {"name": "primitives_priority", "version": "0", "value": FASTER_KERNELS},
                )
            )
    tree.write(xml, encoding="utf-8", xml_declaration=True)


def _export(size: int, quality: Quality, precision: Precision) -> "openvino.Model":
    # torch takes seconds to import, and only this first start needs it.
    import torch  # noqa: PLC0415
    from safetensors.torch import load_file  # noqa: PLC0415

    from vjnode.face.fold import FoldedSynthesis  # noqa: PLC0415
    from vjnode.face.heads import LiveSynthesis, load_tail  # noqa: PLC0415
    from vjnode.face.int8 import to_int8  # noqa: PLC0415
    from vjnode.face.mobilestylegan import load  # noqa: PLC0415

    weights = fetch.generator_weights()
    print(f"vjnode: preparing the generator for {size} px, once", file=sys.stderr)  # noqa: T201
    _, synthesis = load(weights)
    example = (torch.zeros(1, SLOTS, DIM), torch.ones(1))
    network = (
        LiveSynthesis(synthesis, load_tail(size))
        if quality == "live"
        else FoldedSynthesis(synthesis, size, strips=True)
    )
    if precision == "int8" and isinstance(network, FoldedSynthesis):
        to_int8(network, load_file(INT8_LIMITS))
    return load_openvino().convert_model(
        network, example_input=example, input=[[1, SLOTS, DIM], [1]]
    )
