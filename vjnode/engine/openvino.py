"""OpenVINO on the processor: the generator as one graph from style codes to RGBA."""

import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast, get_args
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from vjnode.engine.base import SIZES
from vjnode.engine.manifest import sha256_of
from vjnode.errors import InputError
from vjnode.face import fetch, live
from vjnode.face.layout import DIM, SLOTS
from vjnode.runtime import cores, load_openvino
from vjnode.storage import cache_dir, shipped

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

MOST_AT_ONCE = 4
"""Engines that share out the cores; each has memory of its own."""

PATIENCE_MS = 5
"""How often a drawing is asked whether it is still wanted."""

TEXTURE = np.ones(1, np.float32)
"""Strength of the generator's frozen noise: as it was trained."""


class OpenVinoEngine:
    """The default generator on the processor.

    size: 1024, 512 or 256, px. threads: how many to use; None for one on each core.
    fast: as a show draws, int8 rather than f32, or what ``VJNODE_PRECISION`` says.
    quality: ``full`` draws 1024 px and averages; ``live`` runs the network of
    ``vjnode.face.heads``, some six times as fast, which there is for 512 and 256 px.

    Raises:
        InputError: another size.
        FetchError: the generator is neither in the cache nor to be had.
    """

    name: str
    identity: str
    size: int
    at_once: int

    def __init__(
        self,
        size: int,
        threads: int | None = None,
        quality: Quality = "full",
        *,
        fast: bool = False,
    ) -> None:
        if size not in SIZES:
            raise InputError(f"size {size} px cannot be drawn; choose one of {SIZES}")
        weights = fetch.GENERATOR.sha256
        if quality == "live":
            weights += live.file_sha256(size)
        ov = load_openvino()
        core = ov.Core()
        precision = _precision(core, quality, fast=fast)
        if precision == "int8":
            weights += sha256_of(INT8_LIMITS)
        options: dict[str, object] = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32",
            # Audio and outputs need the cores too; a pinned thread would wait behind them.
            "ENABLE_CPU_PINNING": False,
        }
        if threads is not None:
            options["INFERENCE_NUM_THREADS"] = threads
        model, folder = _graph(core, size, options, quality, precision)
        if folder is not None:
            # Beside the graph OpenVINO keeps what it makes of it: a third of the time to open it.
            options["CACHE_DIR"] = str(folder)
        self._request = core.compile_model(model, "CPU", options).create_infer_request()
        self.size = size
        self.at_once = min(threads or cores(), MOST_AT_ONCE)
        processor = str(core.get_property("CPU", "FULL_DEVICE_NAME")).strip()
        self.name = f"openvino {precision}{' live' * (quality == 'live')} on {processor}"
        what = f"{weights} {GRAPH} {ov.__version__} {precision} {size}"
        self.identity = hashlib.sha256(what.encode()).hexdigest()[:16]

    def draw(self, codes: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Draw one picture; see ``Engine.draw``."""
        self._request.infer(_inputs(codes), share_inputs=True)
        return self._picture()

    def draw_unless(
        self, given_up: Callable[[], bool], codes: NDArray[np.float32]
    ) -> NDArray[np.uint8] | None:
        """Draw one picture unless that is given up; see ``Engine.draw_unless``."""
        inputs = _inputs(codes)
        self._request.start_async(inputs, share_inputs=True)
        while not self._request.wait_for(PATIENCE_MS):
            if given_up():
                self._request.cancel()
                with suppress(RuntimeError):  # how OpenVINO says that it has been cancelled
                    self._request.wait()
                return None
        return self._picture()

    def _picture(self) -> NDArray[np.uint8]:
        picture: NDArray[np.uint8] = self._request.get_output_tensor(0).data[0].copy()
        return picture

    def close(self) -> None:
        """Free the network's memory; safe to call twice."""
        self._request = None


def _inputs(codes: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    if codes.shape != (SLOTS, DIM):
        raise ValueError(f"codes have shape {codes.shape}, not {(SLOTS, DIM)}")
    return [np.ascontiguousarray(codes[None], np.float32), TEXTURE]


def _precision(core: "openvino.Core", quality: Quality, *, fast: bool) -> Precision:
    """Return the fastest precision that keeps the picture, or what the user has asked for.

    Raises:
        InputError: the user has asked for another one.
    """
    asked = os.environ.get("VJNODE_PRECISION") if fast else None
    if asked in get_args(Precision):
        # There is no live network in int8.
        return "f32" if quality == "live" and asked == "int8" else cast("Precision", asked)
    if asked:
        raise InputError(
            f"VJNODE_PRECISION is {asked!r}; unset it, or set it to one of "
            f"{', '.join(get_args(Precision))}"
        )
    # Where the processor lacks bf16 it would be emulated: slower and no better.
    if "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        return "bf16"
    return "int8" if fast and quality == "full" else "f32"


def _graph(
    core: "openvino.Core",
    size: int,
    options: dict[str, object],
    quality: Quality,
    precision: Precision,
) -> "tuple[openvino.Model, Path | None]":
    """Return the refolded generator, from the cache or exported into it, and where it is kept."""
    stem = Path(fetch.GENERATOR_FILE).stem
    if quality == "live":
        stem = f"{stem}-live-{live.file_sha256(size)[:8]}"
    if precision == "int8":
        stem = f"{stem}-int8-{sha256_of(INT8_LIMITS)[:8]}"
    folder = cache_dir("models") / f"{stem}-graph-{GRAPH}-{size}-{_processor(core)}"
    if folder.is_dir():
        try:
            return core.read_model(folder / "graph.xml"), folder
        except RuntimeError:  # a damaged file: make it anew
            shutil.rmtree(folder, ignore_errors=True)
    model = _export(size, quality, precision)
    try:
        with tempfile.TemporaryDirectory(prefix=".graph-", dir=folder.parent) as scratch:
            whole = Path(scratch, "whole")
            load_openvino().save_model(model, whole / "graph.xml", compress_to_fp16=False)
            if _takes_slower_kernels(core.compile_model(model, "CPU", options)):
                prefer_kernels(whole / "graph.xml")
            whole.rename(folder)
        return core.read_model(folder / "graph.xml"), folder
    except (OSError, RuntimeError):
        # Not kept (a full or read-only disk, or another process was first): only a later
        # start is slower.
        return model, None


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
