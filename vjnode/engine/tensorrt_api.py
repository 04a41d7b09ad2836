"""What is used of TensorRT: both flavours offer it under the same names.

The type checker sees to it that nothing else is used, and a test holds each name and parameter
against the real module.
"""

from typing import Any, Protocol

Logger = Any
"""An instance of a subclass of the module's ``ILogger``, see ``tensorrt_build.logger_of``."""

Monitor = Any
"""An instance of a subclass of the module's ``IProgressMonitor``, see ``progress.watched``."""

Flag = Any
"""A value of one of its enumerations."""


class HostMemory(Protocol):
    """Memory that TensorRT has made: ``bytes`` copies it."""

    def __buffer__(self, flags: int, /) -> memoryview:
        """Return it as a buffer."""


class RuntimeCache(Protocol):
    """Kernels that were made on the card."""

    def deserialize(self, blob: bytes) -> bool:
        """Take those that were made before; False where they do not fit."""

    def serialize(self) -> HostMemory:
        """Return them, to keep."""


class RuntimeConfig(Protocol):
    """How an engine is to be run."""

    def create_runtime_cache(self) -> RuntimeCache:
        """Return an empty cache."""

    def set_runtime_cache(self, cache: RuntimeCache) -> bool:
        """Use a cache."""


class ExecutionContext(Protocol):
    """An engine that is ready to run."""

    def set_tensor_address(self, name: str, memory: int) -> bool:
        """Say where an input or output is on the card."""

    def execute_async_v3(self, stream_handle: int) -> bool:
        """Put one run into a stream."""


class CudaEngine(Protocol):
    """An engine on the card."""

    def create_runtime_config(self) -> RuntimeConfig:
        """Return how it is run as it comes."""

    def create_execution_context(
        self, *, runtime_config: RuntimeConfig | None = None
    ) -> ExecutionContext | None:
        """Make it ready to run; None where that fails."""


class Runtime(Protocol):
    """What loads engines."""

    def deserialize_cuda_engine(self, serialized_engine: bytes) -> CudaEngine | None:
        """Return an engine on the card; None where that fails."""


class TimingCache(Protocol):
    """Times of kernels that were measured."""

    def serialize(self) -> HostMemory:
        """Return them, to keep."""


class BuilderConfig(Protocol):
    """How an engine is to be built."""

    num_compute_capabilities: int
    progress_monitor: Monitor

    def clear_flag(self, flag: Flag) -> None:
        """Switch something off."""

    def set_flag(self, flag: Flag) -> None:
        """Switch something on."""

    def set_compute_capability(self, compute_capability: Flag, index: int) -> bool:
        """Name one of the cards that the engine is for."""

    def create_timing_cache(self, serialized_timing_cache: bytes) -> TimingCache | None:
        """Return a cache with what was measured before; None where it cannot be read."""

    def set_timing_cache(self, cache: TimingCache, ignore_mismatch: bool) -> bool:
        """Use a cache; False where it is of another driver or card."""

    def get_timing_cache(self) -> TimingCache | None:
        """Return the cache that is used."""


class NetworkDefinition(Protocol):
    """A network that an engine is built from."""


class Builder(Protocol):
    """What builds engines."""

    def create_network(self, flags: int) -> NetworkDefinition:
        """Return an empty network."""

    def create_builder_config(self) -> BuilderConfig:
        """Return how it builds as it comes."""

    def build_serialized_network(
        self, network: NetworkDefinition, config: BuilderConfig
    ) -> HostMemory | None:
        """Return the engine's file; None where that fails."""


class OnnxParser(Protocol):
    """What reads ONNX."""

    def parse(self, model: bytes) -> bool:
        """Read a graph into the network that this was made for."""


class Severities(Protocol):
    """What a message may be."""

    ERROR: Flag
    INTERNAL_ERROR: Flag


class LoggerClass(Protocol):
    """The class ``ILogger``, to derive from."""

    @property
    def Severity(self) -> Severities:  # noqa: N802 - TensorRT's own name
        """What a message may be."""


class BuilderFlags(Protocol):
    """The enumeration ``BuilderFlag``."""

    TF32: Flag
    REQUIRE_USER_ALLOCATION: Flag


class NetworkFlags(Protocol):
    """The enumeration ``NetworkDefinitionCreationFlag``."""

    STRONGLY_TYPED: Flag


class TensorRt(Protocol):
    """The module."""

    __version__: str
    __name__: str
    ILogger: LoggerClass
    IProgressMonitor: type[Any]
    BuilderFlag: BuilderFlags
    NetworkDefinitionCreationFlag: NetworkFlags
    ComputeCapability: Any
    """An enumeration of the cards, as ``SM89``."""

    def __hash__(self) -> int:
        """Return a module's hash."""

    def Runtime(self, logger: Logger) -> Runtime:  # noqa: N802
        """Make what loads engines."""

    def Builder(self, logger: Logger) -> Builder:  # noqa: N802
        """Make what builds engines."""

    def OnnxParser(self, network: NetworkDefinition, logger: Logger) -> OnnxParser:  # noqa: N802
        """Make what reads ONNX into a network."""
