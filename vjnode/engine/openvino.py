"""OpenVINO on the processor: the generator as one graph from style codes to RGBA."""

import hashlib
import shutil
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from vjnode.engine.base import SIZES
from vjnode.errors import InputError
from vjnode.face import fetch
from vjnode.face.layout import DIM, SLOTS
from vjnode.runtime import load_openvino
from vjnode.storage import cache_dir

if TYPE_CHECKING:
    import openvino

GRAPH = 4
"""Grows when ``vjnode.face.fold`` changes what it computes or how."""

# On processors with AVX2 and nothing newer, the kernels that OpenVINO chooses for pointwise
# convolutions take 7 % longer per picture than its older ones.
SLOWER_KERNEL = "brgconv_avx2_1x1_f32"
FASTER_KERNELS = "cpu:jit_avx2_1x1,cpu:brgconv_avx2_1x1"


PATIENCE_MS = 5
"""How often a drawing is asked whether it is still wanted."""

TEXTURE = np.ones(1, np.float32)
"""Strength of the generator's frozen noise: as it was trained."""


class OpenVinoEngine:
    """The default generator on the processor.

    size: 1024, 512 or 256, px. threads: how many to use; None for one on each core.

    Raises:
        InputError: another size.
        FetchError: the generator is neither in the cache nor to be had.
    """

    name: str
    identity: str
    size: int

    def __init__(self, size: int, threads: int | None = None) -> None:
        if size not in SIZES:
            raise InputError(f"size {size} px cannot be drawn; choose one of {SIZES}")
        ov = load_openvino()
        core = ov.Core()
        # Where the processor lacks bf16 it would be emulated: slower and no better.
        has_bf16 = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        precision = "bf16" if has_bf16 else "f32"
        options: dict[str, object] = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": precision,
            # Audio and outputs need the cores too; a pinned thread would wait behind them.
            "ENABLE_CPU_PINNING": False,
        }
        if threads is not None:
            options["INFERENCE_NUM_THREADS"] = threads
        model = _graph(core, size, options)
        self._request = core.compile_model(model, "CPU", options).create_infer_request()
        self.size = size
        processor = str(core.get_property("CPU", "FULL_DEVICE_NAME")).strip()
        self.name = f"openvino {precision} on {processor}"
        what = f"{fetch.GENERATOR.sha256} {GRAPH} {ov.__version__} {precision} {size}"
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


def _graph(core: "openvino.Core", size: int, options: dict[str, object]) -> "openvino.Model":
    """Return the refolded generator, from the cache or exported into it."""
    stem = Path(fetch.GENERATOR_FILE).stem
    folder = cache_dir("models") / f"{stem}-graph-{GRAPH}-{size}-{_processor(core)}"
    if folder.is_dir():
        try:
            return core.read_model(folder / "graph.xml")
        except RuntimeError:  # a damaged file: make it anew
            shutil.rmtree(folder, ignore_errors=True)
    model = _export(size)
    try:
        with tempfile.TemporaryDirectory(prefix=".graph-", dir=folder.parent) as scratch:
            whole = Path(scratch, "whole")
            load_openvino().save_model(model, whole / "graph.xml", compress_to_fp16=False)
            if _takes_slower_kernels(core.compile_model(model, "CPU", options)):
                prefer_kernels(whole / "graph.xml")
            whole.rename(folder)
        return core.read_model(folder / "graph.xml")
    except (OSError, RuntimeError):
        # Not kept (a full or read-only disk, or another process was first): only a later
        # start is slower.
        return model


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


def _export(size: int) -> "openvino.Model":
    # torch takes seconds to import, and only this first start needs it.
    import torch  # noqa: PLC0415

    from vjnode.face.fold import FoldedSynthesis  # noqa: PLC0415
    from vjnode.face.mobilestylegan import load  # noqa: PLC0415

    weights = fetch.generator_weights()
    print(f"vjnode: preparing the generator for {size} px, once", file=sys.stderr)  # noqa: T201
    _, synthesis = load(weights)
    example = (torch.zeros(1, SLOTS, DIM), torch.ones(1))
    folded = FoldedSynthesis(synthesis, size, strips=True)
    return load_openvino().convert_model(
        folded, example_input=example, input=[[1, SLOTS, DIM], [1]]
    )
