"""Builds an engine file with TensorRT, for a card that need not be here."""

import functools
import hashlib
import logging
import shutil
from contextlib import suppress
from pathlib import Path

from vjnode.engines.build.manifest import Manifest
from vjnode.engines.build.progress import watched
from vjnode.engines.build.store import Machine, engine_path, store, wanted
from vjnode.engines.build.tensorrt_variants import Flavour, flavour_for, system
from vjnode.engines.cuda.capability import with_cards
from vjnode.engines.cuda.tensorrt_api import BuilderConfig, Logger, TensorRt
from vjnode.engines.networks import Network, Precision
from vjnode.errors import EngineError, InputError
from vjnode.paths import cache_dir, replace_file
from vjnode.remedies import install

_log = logging.getLogger(__name__)

ENGINE_PER_GRAPH = 3.0
"""An engine is at most so many times as large as its graph; checked before a build."""


def build(
    network: Network,
    size: int,
    precision: Precision,
    gpu: str,
    folder: Path,
    *,
    flavour: Flavour | None = None,
) -> Path:
    """Export a network and build its engine; return the engine file.

    size: one of ``network.sizes``. gpu: compute capability, such as sm89. folder: made if need
    be. flavour: None for the one that fits the card.

    Raises:
        InputError: another size, or a card whose engines cannot be built here.
        EngineError: a package is missing, TensorRT refuses, or the disk is full. Whatever
            happens, no unfinished engine is left where it would be picked up.
        FetchError: the weights are neither in the cache nor to be had.
    """
    if size not in network.sizes:
        raise InputError(f"{network.name} cannot be built for {size} px; choose {network.sizes}")
    flavour = flavour or flavour_for(gpu)
    if not flavour.builds_for(gpu):
        where = f"builds for {', '.join(flavour.anywhere) or 'the card that is here'}"
        raise InputError(f"{flavour.about} does not build for {with_cards(gpu)} here; it {where}")
    trt = flavour.load()
    from vjnode.engines.build.onnx_export import export  # noqa: PLC0415 - imports torch

    graph = export(network, size, precision)
    machine = Machine(flavour.module, str(trt.__version__), gpu, system())
    path = engine_path(folder, network, size, precision, machine)
    fields = wanted(network, size, precision, machine)
    fields["onnx_sha256"] = hashlib.sha256(graph).hexdigest()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free, needed = shutil.disk_usage(folder).free, ENGINE_PER_GRAPH * len(graph)
        if free < needed:
            raise EngineError(
                f"{folder} has {free >> 20} MiB free, and building {path.name} may need "
                f"{int(needed) >> 20} MiB; make room, or choose another folder with --out"
            )
        engine = _compile(trt, flavour, graph, gpu, path.name)
        store(path, engine, Manifest(**fields, engine_bytes=0, engine_sha256=""))
    except OSError as error:
        raise EngineError(
            f"{path} cannot be written ({error.strerror or error}); make room or make the folder "
            "writable, or choose another with --out; no engine was left there"
        ) from error
    return path


def _compile(trt: TensorRt, flavour: Flavour, graph: bytes, gpu: str, about: str) -> bytes:
    """Return the engine of an ONNX graph."""
    logger = logger_of(trt)
    logger.errors.clear()
    builder = trt.Builder(logger)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(graph):
        raise EngineError(
            f"{flavour.about} cannot read the graph of {about} ({logger.last()}); if it is "
            f"damaged, delete the folder {cache_dir('models')} and run this again"
        )
    config = builder.create_builder_config()
    # Else fp32 products would be rounded to 10 bits.
    config.clear_flag(trt.BuilderFlag.TF32)
    if gpu in flavour.anywhere:
        config.num_compute_capabilities = 1
        config.set_compute_capability(getattr(trt.ComputeCapability, gpu.upper()), 0)
        # All memory before it runs, as a CUDA graph needs it.
        config.set_flag(trt.BuilderFlag.REQUIRE_USER_ALLOCATION)
    if flavour.caches_timings:
        timings = cache_dir("engines") / f"timings-{trt.__version__}-{gpu}.cache"
        _use_timings(config, timings)
    with watched(trt, about) as monitor:
        config.progress_monitor = monitor
        engine = builder.build_serialized_network(network, config)
    if engine is None:
        raise EngineError(
            f"{flavour.about} cannot build {about} ({logger.last()}); if that is its own fault, "
            f"another version may do: {install('--upgrade', flavour.package, pinned=False)}"
        )
    measured = config.get_timing_cache() if flavour.caches_timings else None
    if measured is not None:
        with suppress(OSError):  # only the next build takes longer
            replace_file(timings, bytes(measured.serialize()))
    return bytes(engine)


def _use_timings(config: BuilderConfig, path: Path) -> None:
    """Use the kernels' times kept in a file, unless it is damaged or of another driver."""
    known = b""
    with suppress(OSError):  # the first time
        known = path.read_bytes()
    for content in (known, b""):
        timings = config.create_timing_cache(content)
        if timings is not None and config.set_timing_cache(timings, False):
            return


@functools.cache
def logger_of(trt: TensorRt) -> Logger:
    """Return what TensorRT writes its messages to; it keeps the first one it is given."""
    severe = (trt.ILogger.Severity.ERROR, trt.ILogger.Severity.INTERNAL_ERROR)

    class Kept(trt.ILogger):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.errors: list[str] = []

        def log(self, severity: object, msg: str) -> None:
            if severity in severe:
                self.errors.append(msg)
            _log.debug("%s: %s", trt.__name__, msg)

        def last(self) -> str:
            return " ".join(self.errors[-1].split())[:300] if self.errors else "it said nothing"

    return Kept()
