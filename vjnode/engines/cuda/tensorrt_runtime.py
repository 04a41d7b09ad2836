"""Loading of built engines by TensorRT, for whatever runs them: finding, admitting, opening."""

import hashlib
import logging
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from vjnode.engines.build.store import admit, engine_path, this_machine, wanted
from vjnode.engines.build.tensorrt import logger_of
from vjnode.engines.build.tensorrt_variants import Flavour
from vjnode.engines.cuda.capability import gpu_here, with_cards
from vjnode.engines.cuda.driver import NO_CARD, Cuda
from vjnode.engines.cuda.tensorrt_api import (
    CudaEngine,
    ExecutionContext,
    Runtime,
    RuntimeCache,
    TensorRt,
)
from vjnode.engines.networks import PRECISIONS, Network, Precision, Shapes
from vjnode.errors import EngineError
from vjnode.paths import cache_dir, replace_file
from vjnode.remedies import install, run_vjnode

_log = logging.getLogger(__name__)

_Made = TypeVar("_Made")
_Opened = TypeVar("_Opened")


@dataclass(frozen=True)
class Built:
    """An engine that may be run.

    content: the very bytes that were admitted. size: of its pictures, px; 0 where it makes none.
    network: name of the network that it was built from.
    """

    path: Path
    content: bytes
    size: int
    precision: Precision
    shapes: Shapes
    network: str


def find_built(network: Network, flavour: Flavour, size: int, folder: Path) -> Built:
    """Return a network's engine for this card, half precision before single.

    size: of its pictures, px; 0 where it makes none.

    Raises:
        EngineError: it cannot be run here; the text says why, and what to do.
    """
    gpu = gpu_here()
    if gpu is None:
        raise EngineError(NO_CARD)
    if not flavour.builds_for(gpu):
        raise EngineError(f"{flavour.about} is not for {with_cards(gpu)}")
    if not flavour.installed:
        raise EngineError(
            f"{flavour.about} is not installed; run: {install(flavour.package)} "
            f"and then: {run_vjnode('engines', 'build', *_sized(size))}"
        )
    machine = this_machine(flavour)
    for precision in PRECISIONS:
        path = engine_path(folder, network, size, precision, machine)
        if path.is_file():
            content = admit(path, wanted(network, size, precision, machine))
            shapes = network.shapes(size)
            return Built(path, content, size, precision, shapes, network.name)
    cards = f"{size} px and {with_cards(gpu)}" if size else with_cards(gpu)
    raise EngineError(
        f"no engine of the {network.about} for {cards} is in {folder}; run: "
        + _build_it(network.name, size, "--flavour", flavour.module)
    )


def _build_it(name: str, size: int, *options: str) -> str:
    """Return the command that builds a network's engine."""
    return run_vjnode("engines", "build", "--model", name, *_sized(size), *options)


def _sized(size: int) -> tuple[str, ...]:
    return ("--size", str(size)) if size else ()


def open_on_card(flavour: Flavour, open_: Callable[[TensorRt, Cuda], _Opened]) -> _Opened:
    """Return what ``open_`` makes of a TensorRT and the card, which is freed if it fails.

    Raises:
        EngineError: there is no card, or TensorRT or the card refuses.
    """
    with ExitStack() as unless_opened:
        cuda = Cuda()
        unless_opened.callback(cuda.close)
        try:
            opened = open_(flavour.load(), cuda)
        except (RuntimeError, TypeError) as error:  # how TensorRT says that it made nothing
            raise EngineError(
                f"{flavour.about} does not start ({error}); update the NVIDIA driver"
            ) from error
        unless_opened.pop_all()
        return opened


class LoadedEngine:
    """A built engine on the card, with the context that it runs in.

    Args:
        flavour, trt: which TensorRT, and its module.
        built: what to run; nothing is checked here any more.
        cuda: the card.

    Raises:
        EngineError: TensorRT refuses; it raises RuntimeError and TypeError of its own as well.
    """

    def __init__(self, flavour: Flavour, trt: TensorRt, built: Built, cuda: Cuda) -> None:
        self.name = f"{flavour.module} {built.precision} on {cuda.card}"
        digest = hashlib.sha256(built.content)
        digest.update(f"{flavour.module} {trt.__version__} {cuda.card}".encode())
        self.identity = digest.hexdigest()[:16]
        """The same for the same engine on the same TensorRT and card."""
        self._about = f"{flavour.about} cannot run {built.path.name}"
        self._remedy = _build_it(built.network, built.size)
        self._logger = logger_of(trt)
        self._logger.errors.clear()
        self._runtime: Runtime | None = None
        self._engine: CudaEngine | None = None
        self._context: ExecutionContext | None = None
        self._kept: RuntimeCache | None = None
        self._kernels = cache_dir("engines") / f"kernels-{self.identity}.cache"
        with ExitStack() as unless_loaded:  # whatever is raised, and TensorRT raises a lot
            unless_loaded.callback(self.close)
            self._runtime = trt.Runtime(self._logger)
            self._engine = self.there(self._runtime.deserialize_cuda_engine(built.content))
            if flavour.anywhere:
                self._context, self._kept = self._with_kernels(self._engine)
            else:
                self._context = self.there(self._engine.create_execution_context())
            unless_loaded.pop_all()

    @property
    def context(self) -> ExecutionContext:
        """Context that the engine runs in, until ``close``."""
        return self.there(self._context)

    def there(self, result: _Made | None) -> _Made:
        """Return what TensorRT has returned, unless that says that it failed.

        Raises:
            EngineError: it has failed; the text tells its own last message.
        """
        if result is None or result is False:
            raise EngineError(
                f"{self._about} ({self._logger.last()}); update the NVIDIA driver, or build it "
                f"again: {self._remedy}"
            )
        return result

    def keep_kernels(self) -> None:
        """Keep the kernels that were made on the card, for the next start; after a first run."""
        if self._kept is not None:
            with suppress(OSError):  # without it, the next start only takes longer
                replace_file(self._kernels, bytes(self._kept.serialize()))

    def close(self) -> None:
        """Free it; safe to call twice. Graphs that it is part of must be gone before."""
        self._context = self._engine = self._runtime = self._kept = None

    def _with_kernels(self, engine: CudaEngine) -> tuple[ExecutionContext, RuntimeCache]:
        """Return the context of an engine of TensorRT for RTX, and its kernels.

        It makes them on the card when it opens an engine, which takes seconds, so those of the
        last time are given to it. It refuses what does not fit.
        """
        config = engine.create_runtime_config()
        kept = config.create_runtime_cache()
        with suppress(OSError):  # the first time
            kept.deserialize(self._kernels.read_bytes())
        config.set_runtime_cache(kept)
        return self.there(engine.create_execution_context(runtime_config=config)), kept


def replayed(cuda: Cuda, work: Callable[[], None], stream: int, doing: str) -> Callable[[], None]:
    """Return a function that repeats what ``work`` puts into ``stream``, as a CUDA graph.

    It is done once before: what TensorRT does the first time only must not become part of the
    graph. Where no graph can hold it, it is done anew each time, and the log says so.

    doing: for the log, such as "drawing".
    """
    work()
    cuda.finish(stream)
    try:
        return partial(cuda.launch, cuda.graph(work, stream), stream)
    except EngineError as error:
        _log.warning("%s without a CUDA graph, which is slower: %s", doing, error)
        return work
