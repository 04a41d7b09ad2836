"""The generator as OpenVINO runs it: made once, compiled once, and kept on disk.

What is kept is held against its SHA-256 before it is used: a graph that was damaged within draws
wrong pictures and says nothing. What does not hold is made anew.
"""

import hashlib
import io
import logging
import shutil
import tempfile
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from vjnode.engines.processor import processor_name
from vjnode.generators.parts import PartsForm, Plan
from vjnode.paths import cache_dir, move, replace_file, sha256_of
from vjnode.runtime import load_openvino

if TYPE_CHECKING:
    import openvino
    from torch import Tensor

_log = logging.getLogger(__name__)

GRAPH = 7
"""Grows when a generator in parts (``vjnode.generators.parts``) computes something else, or in
another way."""

# On processors with AVX2 and nothing newer, the kernels that OpenVINO chooses for pointwise
# convolutions take 7 % longer per picture than its older ones.
SLOWER_KERNEL = "brgconv_avx2_1x1_f32"
FASTER_KERNELS = "cpu:jit_avx2_1x1,cpu:brgconv_avx2_1x1"

_DIGEST_BYTES = hashlib.sha256().digest_size


def compiled(
    core: "openvino.Core", form: PartsForm, plan: Plan, options: list[dict[str, object]]
) -> list["openvino.CompiledModel"]:
    """Return the parts of a generator, compiled for the processor.

    form: of the generator. options: for each part.

    Raises:
        FetchError: they have yet to be made, and the weights are neither in the cache nor to be
            had.
    """
    folder = _folder(core, form, plan)
    version = load_openvino().__version__.partition("-")[0]
    # A third of the time that it takes to compile the graphs. Any number of threads may use them.
    kept = [folder / f"{part}-{version}.blob" for part in form.names(plan)]
    with ThreadPoolExecutor() as beside:
        blobs = list(beside.map(partial(_kept_blob, core), kept, options))
    made = [one for one in blobs if one is not None]
    if len(made) == len(kept):
        return made
    models = _kept_graphs(core, folder, form.names(plan)) or _new_graphs(
        core, folder, form, plan, options
    )
    made = [core.compile_model(one, "CPU", how) for one, how in zip(models, options, strict=True)]
    with suppress(OSError):  # not kept: only a later start is slower
        for path, one in zip(kept, made, strict=True):
            data = one.export_model().getvalue()
            replace_file(path, hashlib.sha256(data).digest() + data)
    return made


def _kept_blob(
    core: "openvino.Core", path: Path, options: dict[str, object]
) -> "openvino.CompiledModel | None":
    """Return what was compiled before; None when it is not there, or damaged."""
    with suppress(OSError, RuntimeError):
        data = path.read_bytes()
        if hashlib.sha256(data[_DIGEST_BYTES:]).digest() == data[:_DIGEST_BYTES]:
            return core.import_model(io.BytesIO(data[_DIGEST_BYTES:]), "CPU", options)
    return None


def _folder(core: "openvino.Core", form: PartsForm, plan: Plan) -> Path:
    bands = f"-{plan.bands}-bands" if plan.bands else ""
    name = f"{form.stem(plan)}-graph-{GRAPH}-{plan.size}{bands}-{_processor(core)}"
    return cache_dir("models") / name


def _kept_graphs(
    core: "openvino.Core", folder: Path, names: list[str]
) -> "list[openvino.Model] | None":
    """Return the graphs in ``folder``; None when one is not there, or damaged."""
    with suppress(OSError, RuntimeError):
        if (folder / "graphs.sha256").read_text() == _digest(folder):
            return [core.read_model(folder / f"{part}.xml") for part in names]
    return None


def _new_graphs(
    core: "openvino.Core",
    folder: Path,
    form: PartsForm,
    plan: Plan,
    options: list[dict[str, object]],
) -> list["openvino.Model"]:
    """Make the graphs, keep them in ``folder`` if that can be, and return them as read there."""
    shutil.rmtree(folder, ignore_errors=True)  # what is there does not hold
    models = [_converted(draw, *given) for draw, given in form.drawings(plan)]
    names = form.names(plan)
    try:
        with tempfile.TemporaryDirectory(prefix=".graph-", dir=folder.parent) as scratch:
            whole = Path(scratch, "whole")
            slower = _takes_slower_kernels(core.compile_model(models[-1], "CPU", options[-1]))
            for part, model in zip(names, models, strict=True):
                load_openvino().save_model(model, whole / f"{part}.xml", compress_to_fp16=False)
                if slower:
                    prefer_kernels(whole / f"{part}.xml")
            (whole / "graphs.sha256").write_text(_digest(whole))
            move(whole, folder)
        return [core.read_model(folder / f"{part}.xml") for part in names]
    except (OSError, RuntimeError):
        # Not kept (a full or read-only disk, or another process was first): only a later
        # start is slower.
        return models


def _digest(folder: Path) -> str:
    files = sorted((*folder.glob("*.xml"), *folder.glob("*.bin")))
    return "".join(f"{path.name} {sha256_of(path)}\n" for path in files)


def _processor(core: "openvino.Core") -> str:
    """Return a short name for this kind of processor: a graph is tuned for one."""
    able = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    text = f"{processor_name(core)} {able}"
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _takes_slower_kernels(compiled: "openvino.CompiledModel") -> bool:
    """Return whether OpenVINO has chosen, for AVX2, kernels that are slower on this network."""
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


def _converted(draw: Callable[..., "Tensor"], *inputs: "Tensor") -> "openvino.Model":
    """Return the graph of ``draw`` for inputs of these shapes."""
    from torch import jit  # noqa: PLC0415

    def function(*given: "Tensor") -> "Tensor":  # torch traces no methods
        return draw(*given)

    with warnings.catch_warnings():
        # torch warns that shapes are taken as they are; here they never change.
        warnings.simplefilter("ignore")
        # To check it, torch would draw twice more; tests look at what is drawn.
        traced = jit.trace(function, inputs, check_trace=False)  # type: ignore[no-untyped-call]
        return load_openvino().convert_model(
            traced, example_input=inputs, input=[list(one.shape) for one in inputs]
        )
