"""The part of TensorRT's interface that vjnode and its benchmark use, as types.

It is the same for both flavours. The type checker sees to it that nothing else is used, and a test
holds each name and parameter against the real module.
"""

from typing import Any, Protocol

Logger = Any
"""An instance of a subclass of the module's ``ILogger``, see ``tensorrt_build.logger_of``."""

Monitor = Any
"""An instance of a subclass of the module's ``IProgressMonitor``, see ``progress.watched``."""

Flag = Any
"""A value of one of its enumerations."""


class HostMemory(Protocol):
    """``IHostMemory``: a buffer that TensorRT has filled; ``bytes`` copies it."""

    def __buffer__(self, flags: int, /) -> memoryview:
        """Return it as a buffer."""


class RuntimeCache(Protocol):
    """``IRuntimeCache``: kernels that were compiled on this card."""

    def deserialize(self, blob: bytes) -> bool:
        """Take in kernels that were kept; False if they are of another card or version."""

    def serialize(self) -> HostMemory:
        """Return the kernels, to be kept in a file."""


class RuntimeConfig(Protocol):
    """``IRuntimeConfig``: settings for running an engine."""

    def create_runtime_cache(self) -> RuntimeCache:
        """Return an empty cache."""

    def set_runtime_cache(self, cache: RuntimeCache) -> bool:
        """Use ``cache``; False if that is refused."""


class ExecutionContext(Protocol):
    """``IExecutionContext``: an engine with the memory that it needs to run."""

    def set_tensor_address(self, name: str, memory: int) -> bool:
        """Set the address, on the card, of the input or output ``name``; False if refused."""

    def execute_async_v3(self, stream_handle: int) -> bool:
        """Queue one run into a CUDA stream; False if that fails."""


class CudaEngine(Protocol):
    """``ICudaEngine``: an engine loaded onto the card."""

    def create_runtime_config(self) -> RuntimeConfig:
        """Return the default settings for running it."""

    def create_execution_context(
        self, *, runtime_config: RuntimeConfig | None = None
    ) -> ExecutionContext | None:
        """Return a context to run it in; None if that fails."""

    def get_tensor_dtype(self, name: str) -> Flag:
        """Return the type of the numbers of the input or output ``name``."""

    def get_tensor_mode(self, name: str) -> Flag:
        """Return whether ``name`` is an input or an output."""


class Runtime(Protocol):
    """``Runtime``: the loader of engines."""

    def deserialize_cuda_engine(self, serialized_engine: bytes) -> CudaEngine | None:
        """Load an engine from its file's content onto the card; None if that fails."""


class TimingCache(Protocol):
    """``ITimingCache``: measured times of kernels."""

    def serialize(self) -> HostMemory:
        """Return the times, to be kept in a file."""


class BuilderConfig(Protocol):
    """``IBuilderConfig``: settings for building an engine."""

    num_compute_capabilities: int
    progress_monitor: Monitor

    def clear_flag(self, flag: Flag) -> None:
        """Switch ``flag`` off."""

    def set_flag(self, flag: Flag) -> None:
        """Switch ``flag`` on."""

    def set_compute_capability(self, compute_capability: Flag, index: int) -> bool:
        """Set card number ``index`` of those that the engine is built for; False if refused."""

    def create_timing_cache(self, serialized_timing_cache: bytes) -> TimingCache | None:
        """Return a cache made from a kept one; None if that cannot be read."""

    def set_timing_cache(self, cache: TimingCache, ignore_mismatch: bool) -> bool:
        """Use ``cache``; False if it was measured with another driver or card."""

    def get_timing_cache(self) -> TimingCache | None:
        """Return the cache in use."""


class NetworkDefinition(Protocol):
    """``INetworkDefinition``: the network that an engine is built from."""


class Builder(Protocol):
    """``Builder``: the compiler of engines."""

    def create_network(self, flags: int) -> NetworkDefinition:
        """Return an empty network."""

    def create_builder_config(self) -> BuilderConfig:
        """Return the default settings for building."""

    def build_serialized_network(
        self, network: NetworkDefinition, config: BuilderConfig
    ) -> HostMemory | None:
        """Build an engine and return its file's content; None if that fails."""


class OnnxParser(Protocol):
    """``OnnxParser``: the reader of ONNX graphs."""

    def parse(self, model: bytes) -> bool:
        """Read an ONNX file's content into the parser's network; False if that fails."""


class Severities(Protocol):
    """The enumeration ``ILogger.Severity``: ranks of messages."""

    ERROR: Flag
    INTERNAL_ERROR: Flag


class LoggerClass(Protocol):
    """The class ``ILogger``, to derive from."""

    @property
    def Severity(self) -> Severities:  # noqa: N802 - TensorRT's own name
        """Ranks of messages."""


class BuilderFlags(Protocol):
    """The enumeration ``BuilderFlag``: options of a build."""

    TF32: Flag
    REQUIRE_USER_ALLOCATION: Flag


class NetworkFlags(Protocol):
    """The enumeration ``NetworkDefinitionCreationFlag``."""

    STRONGLY_TYPED: Flag


class TensorModes(Protocol):
    """The enumeration ``TensorIOMode``: what a tensor of an engine is."""

    INPUT: Flag


class TensorRt(Protocol):
    """The module ``tensorrt`` or ``tensorrt_rtx``."""

    __version__: str
    __name__: str
    ILogger: LoggerClass
    IProgressMonitor: type[Any]
    BuilderFlag: BuilderFlags
    NetworkDefinitionCreationFlag: NetworkFlags
    ComputeCapability: Any
    """The enumeration of compute capabilities, such as ``SM89``."""
    TensorIOMode: TensorModes
    uint8: Flag
    """The type of whole numbers 0…255, a value of the enumeration ``DataType``."""

    def __hash__(self) -> int:
        """Return a module's hash."""

    def Runtime(self, logger: Logger) -> Runtime:  # noqa: N802
        """Make a loader of engines."""

    def Builder(self, logger: Logger) -> Builder:  # noqa: N802
        """Make a compiler of engines."""

    def OnnxParser(self, network: NetworkDefinition, logger: Logger) -> OnnxParser:  # noqa: N802
        """Make a reader of ONNX graphs into ``network``."""
