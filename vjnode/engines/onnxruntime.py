"""ONNX Runtime on the graphics unit of a Mac (CoreML) or of Windows (DirectML).

What these providers cannot do themselves, ONNX Runtime does on the processor.
"""

import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vjnode.engines.base import OneByOne
from vjnode.engines.networks import kept_graph, network_of
from vjnode.errors import EngineError
from vjnode.generators.latent import Latent, Subject
from vjnode.generators.spec import NOISE_STRENGTH, GeneratorSpec, Precision
from vjnode.paths import cache_dir, sha256_of
from vjnode.remedies import install

_PATIENCE_S = 0.005
"""Interval, s, of asking whether a drawing is still wanted."""


@dataclass(frozen=True)
class Provider:
    """One of ONNX Runtime's ways to draw.

    name: ONNX Runtime's own. package: what pip calls the ONNX Runtime that has it.
    options: given to it, as text.
    """

    name: str
    about: str
    package: str
    precision: Precision
    options: dict[str, str] = field(default_factory=dict)


CORE_ML = Provider(
    "CoreMLExecutionProvider",
    "CoreML",
    "onnxruntime",
    "fp16",
    {"ModelFormat": "MLProgram", "MLComputeUnits": "ALL", "RequireStaticInputShapes": "1"},
)
DIRECT_ML = Provider("DmlExecutionProvider", "DirectML", "onnxruntime-directml", "fp16")
PROCESSOR = Provider("CPUExecutionProvider", "the processor", "onnxruntime", "fp32")
"""The processor, for tests; a show draws faster with OpenVINO."""

PROVIDERS = {"darwin": CORE_ML, "win32": DIRECT_ML}
"""System → what its graphics units are used by."""


def open_onnx_provider(spec: GeneratorSpec, size: int, threads: int | None = None) -> "OnnxEngine":
    """Open the generator on this system's graphics unit.

    Raises:
        EngineError: it cannot be run here; the text says why, and what to do.
    """
    provider = PROVIDERS.get(sys.platform)
    if provider is None:
        raise EngineError("ONNX Runtime is used on macOS (CoreML) and Windows (DirectML) only")
    return OnnxEngine(spec, size, provider, threads)


class OnnxEngine(OneByOne):
    """A generator in ONNX Runtime.

    spec, size: which, and of what size, px. threads: for what runs on the processor; None for its
    cores.

    Raises:
        InputError: another size.
        EngineError: ONNX Runtime or what exports the graph is missing, or refuses.
        FetchError: the generator is neither in the cache nor to be had.
    """

    name: str
    identity: str
    size: int

    def __init__(
        self, spec: GeneratorSpec, size: int, provider: Provider, threads: int | None = None
    ) -> None:
        spec.check_size(size)
        self._spec = spec
        ort = _load(provider)
        weights_sha256 = sha256_of(spec.weights())
        graph = _graph(spec, size, provider.precision, weights_sha256)
        self._failures = _failures(ort)
        self._ort = ort
        options = ort.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads or 0
        # DirectML needs these two, and one graph after another is what is asked for anyway.
        options.enable_mem_pattern = provider is not DIRECT_ML
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        providers: list[Any] = [(provider.name, _options(provider, graph))]
        if provider is not PROCESSOR:
            providers.append(PROCESSOR.name)
        try:
            self._session = ort.InferenceSession(graph, options, providers=providers)
        except self._failures as error:
            raise EngineError(f"ONNX Runtime cannot open the generator: {error}") from error
        used = self._session.get_providers()
        if provider.name not in used:
            raise EngineError(
                f"ONNX Runtime does without {provider.about} here and would use {', '.join(used)}"
            )
        self._given = {"noise_strength": np.full(1, NOISE_STRENGTH, np.float32)}
        self._subject: Subject | None = None
        self.size = size
        self.name = f"onnxruntime {provider.precision} on {provider.about}"
        what = f"{weights_sha256} {spec.graph} {ort.__version__} {self.name} {size}"
        self.identity = hashlib.sha256(what.encode()).hexdigest()[:16]

    def draw(self, latent: Latent) -> NDArray[np.uint8]:
        """Draw one picture; see ``Engine.draw``."""
        return self._run(self._inputs(latent), self._ort.RunOptions())

    def draw_unless(self, given_up: Callable[[], bool], latent: Latent) -> NDArray[np.uint8] | None:
        """Draw one picture unless that is given up; see ``Engine.draw_unless``."""
        inputs, options = self._inputs(latent), self._ort.RunOptions()
        # ONNX Runtime has a call for this, but not where it has a single thread.
        with ThreadPoolExecutor(1) as thread:
            drawing = thread.submit(self._run, inputs, options)
            while not wait([drawing], _PATIENCE_S).done:
                if given_up():
                    options.terminate = True
                    wait([drawing])
                    return None
            return drawing.result()

    def close(self) -> None:
        """Free the network's memory; safe to call twice."""
        self._session = None

    def _run(
        self,
        inputs: dict[str, NDArray[np.float32]],
        options: Any,  # noqa: ANN401 - onnxruntime.RunOptions
    ) -> NDArray[np.uint8]:
        try:
            (pictures,) = self._session.run(["picture"], inputs, options)
        except self._failures as error:
            raise EngineError(f"ONNX Runtime cannot draw: {error}") from error
        picture: NDArray[np.uint8] = pictures[0]
        return picture

    def _inputs(self, latent: Latent) -> dict[str, NDArray[np.float32]]:
        self._spec.check_latent(latent)
        if latent.subject is not self._subject:
            self._given |= self._spec.subject_inputs(latent.subject)
            self._subject = latent.subject
        return self._given | {"amounts": latent.padded_amounts()}


def _load(provider: Provider) -> ModuleType:
    """Import ONNX Runtime, without its usage reports, if it has ``provider``."""
    fix = f"run: {install(provider.package)}"
    try:
        ort = importlib.import_module("onnxruntime")
    except ImportError as error:
        raise EngineError(f"ONNX Runtime is not usable here ({error}); {fix}") from error
    if hasattr(ort, "disable_telemetry_events"):
        ort.disable_telemetry_events()
    if provider.name not in ort.get_available_providers():
        raise EngineError(f"ONNX Runtime {ort.__version__} is here without {provider.about}; {fix}")
    return ort


def _graph(spec: GeneratorSpec, size: int, precision: Precision, weights_sha256: str) -> bytes:
    """Return the generator as ONNX, exported if it was not yet."""
    network = network_of(spec)
    kept = kept_graph(network, size, precision, weights_sha256)
    if kept.is_file():
        return kept.read_bytes()
    missing = [name for name in ("onnx", "onnxscript") if importlib.util.find_spec(name) is None]
    if missing:
        raise EngineError(
            f"the generator has yet to be exported, which needs {' and '.join(missing)}; "
            f"run: {install(*missing)}"
        )
    from vjnode.engines.build.onnx_export import export  # noqa: PLC0415 - imports torch

    return export(network, size, precision)


def _options(provider: Provider, graph: bytes) -> dict[str, str]:
    """Return the provider's options; CoreML also keeps what it compiles for the next start.

    It would tell graphs apart by the names in them, which are the same for all sizes.
    """
    if provider is not CORE_ML:
        return provider.options
    kept = cache_dir("coreml", hashlib.sha256(graph).hexdigest()[:16])
    return provider.options | {"ModelCacheDirectory": str(kept)}


def _failures(ort: ModuleType) -> tuple[type[Exception], ...]:
    """Return the exceptions of ONNX Runtime, which have no common one of their own."""
    raised = vars(ort.capi.onnxruntime_pybind11_state).values()
    own = [one for one in raised if isinstance(one, type) and issubclass(one, Exception)]
    return (*own, RuntimeError)
