"""TensorRT on the card: a built engine, run as a CUDA graph from style codes to RGBA.

Face and directions are copied to the card when the look changes. A tick is: write the amounts of
the movements into pinned memory; launch a graph that copies them to the card, draws, and leaves
RGBA bytes there; copy those back in a stream of their own, so that the next picture is drawn
meanwhile. The processor touches no pixel.

Memory, streams, events and graphs come from the driver (``vjnode.engines.cuda.driver``): TensorRT
itself needs nothing else, so that a card's owner need not install the CUDA build of torch.
"""

import hashlib
import logging
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from vjnode.engines.build.store import admit, engine_path, engines_dir, this_machine, wanted
from vjnode.engines.build.tensorrt import logger_of
from vjnode.engines.build.tensorrt_variants import Flavour
from vjnode.engines.cuda.capability import gpu_here, with_cards
from vjnode.engines.cuda.double_buffer import PLACES, DoubleBuffered
from vjnode.engines.cuda.driver import NO_CARD, Cuda
from vjnode.engines.cuda.pinned_pool import PictureMemory
from vjnode.engines.cuda.tensorrt_api import (
    CudaEngine,
    ExecutionContext,
    Runtime,
    RuntimeCache,
    TensorRt,
)
from vjnode.engines.networks import PRECISIONS, Precision, Shapes, network_of
from vjnode.errors import EngineError
from vjnode.generators.latent import Latent, Subject
from vjnode.generators.spec import GeneratorSpec
from vjnode.paths import cache_dir, replace_file
from vjnode.remedies import install, run_vjnode

_log = logging.getLogger(__name__)

_Made = TypeVar("_Made")

NOISE_STRENGTH = np.ones(1, np.float32)
"""Strength of the generator's frozen noise: as it was trained."""


@dataclass(frozen=True)
class Built:
    """An engine that may be run. content: the very bytes that were admitted."""

    path: Path
    content: bytes
    size: int
    precision: Precision
    shapes: Shapes


@dataclass
class _Place:
    """Memory and events of one picture under way.

    weights: pinned, (DIRECTIONS,). picture: on the card. launch: begins to draw the one from the
    other, and from the subject that is there. drawn, copied: events. block: of picture memory
    here, that it is copied to.
    """

    weights: NDArray[np.float32]
    picture: int
    launch: Callable[[], None]
    drawn: int
    copied: int
    block: int = 0


def open_tensorrt(
    spec: GeneratorSpec, flavour: Flavour, size: int, folder: Path | None = None
) -> "TensorRtEngine":
    """Open the generator's engine for this card.

    folder: of built engines; None for the usual one.

    Raises:
        EngineError: it cannot be run here; the text says why, and what to do.
    """
    built = find_built(spec, flavour, size, engines_dir() if folder is None else folder)
    with ExitStack() as unless_opened:
        cuda = Cuda()
        unless_opened.callback(cuda.close)
        try:
            engine = TensorRtEngine(spec, flavour, flavour.load(), built, cuda)
        except (RuntimeError, TypeError) as error:  # how TensorRT says that it made nothing
            raise EngineError(
                f"{flavour.about} does not start ({error}); update the NVIDIA driver"
            ) from error
        unless_opened.pop_all()
        return engine


def find_built(spec: GeneratorSpec, flavour: Flavour, size: int, folder: Path) -> Built:
    """Return the generator's engine for this card, half precision before single.

    Raises:
        EngineError: as for ``open_tensorrt``.
    """
    gpu = gpu_here()
    if gpu is None:
        raise EngineError(NO_CARD)
    if not flavour.builds_for(gpu):
        raise EngineError(f"{flavour.about} is not for {with_cards(gpu)}")
    if not flavour.installed:
        raise EngineError(
            f"{flavour.about} is not installed; run: {install(flavour.package)} "
            f"and then: {run_vjnode('engines', 'build', '--size', str(size))}"
        )
    machine, network = this_machine(flavour), network_of(spec)
    for precision in PRECISIONS:
        path = engine_path(folder, network, size, precision, machine)
        if path.is_file():
            content = admit(path, wanted(network, size, precision, machine))
            return Built(path, content, size, precision, network.shapes(size))
    raise EngineError(
        f"no engine of the generator for {size} px and {with_cards(gpu)} is in {folder}; run: "
        + run_vjnode("engines", "build", *_asked(spec, size), "--flavour", flavour.module)
    )


def _asked(spec: GeneratorSpec, size: int) -> tuple[str, ...]:
    """Return the options of ``engines build`` for the generator of ``size`` px."""
    return ("--model", spec.name, "--size", str(size))


class TensorRtEngine(DoubleBuffered):
    """A generator on a built engine.

    Args:
        spec: of the generator.
        flavour, trt: which TensorRT, and its module.
        built: what to run; nothing is checked here any more.
        cuda: the card; closed together with this.

    Raises:
        EngineError: TensorRT or the card refuses.
    """

    name: str
    identity: str
    size: int

    def __init__(
        self, spec: GeneratorSpec, flavour: Flavour, trt: TensorRt, built: Built, cuda: Cuda
    ) -> None:
        super().__init__(spec)
        self.size = built.size
        self.name = f"{flavour.module} {built.precision} on {cuda.card}"
        digest = hashlib.sha256(built.content)
        digest.update(f"{flavour.module} {trt.__version__} {cuda.card}".encode())
        self.identity = digest.hexdigest()[:16]
        self._cuda = cuda
        self._about = f"{flavour.about} cannot run {built.path.name}"
        self._logger = logger_of(trt)
        self._logger.errors.clear()
        self._runtime: Runtime | None = None
        self._engine: CudaEngine | None = None
        self._context: ExecutionContext | None = None
        self._places: list[_Place] = []
        self._pictures = PictureMemory(cuda, built.shapes["picture"][1:], blocks=PLACES)
        with ExitStack() as unless_opened:  # whatever is raised, and TensorRT raises a lot
            unless_opened.callback(self.close)
            self._drawing, self._copying = cuda.stream(), cuda.stream()
            self._runtime = trt.Runtime(self._logger)
            self._engine = self._there(self._runtime.deserialize_cuda_engine(built.content))
            kernels = cache_dir("engines") / f"kernels-{self.identity}.cache"
            self._context, kept = self._execution(
                self._engine, kernels if flavour.anywhere else None
            )
            self._subject: Subject | None = None
            self._staged = {
                name: self._input(self._context, name, built.shapes[name])
                for name in built.shapes
                if name not in ("weights", "picture")
            }
            self._write("noise_strength", NOISE_STRENGTH)
            self._places += [self._place(self._context, built.shapes) for _ in range(PLACES)]
            if kept is not None:
                with suppress(OSError):  # without it, the next start only takes longer
                    replace_file(kernels, bytes(kept.serialize()))
            unless_opened.pop_all()

    def close(self) -> None:
        """Free the card's memory; safe to call twice. Pictures that were drawn stay."""
        with suppress(EngineError):  # a card that has failed
            self._take_all()
        self._cuda.close()  # graphs before what they are of
        self._pictures.close()
        self._places = []
        self._context = self._engine = self._runtime = None

    def _execution(
        self, engine: CudaEngine, kernels: Path | None
    ) -> tuple[ExecutionContext, RuntimeCache | None]:
        """Return what runs the engine, and what to keep of it for the next start, if anything.

        kernels: TensorRT for RTX makes them on the card when it opens an engine, which takes
        seconds; this is where those of the last time are. It refuses what does not fit.
        """
        if kernels is None:
            return self._there(engine.create_execution_context()), None
        config = engine.create_runtime_config()
        kept = config.create_runtime_cache()
        with suppress(OSError):  # the first time
            kept.deserialize(kernels.read_bytes())
        config.set_runtime_cache(kept)
        return self._there(engine.create_execution_context(runtime_config=config)), kept

    def _input(
        self, context: ExecutionContext, name: str, shape: tuple[int, ...]
    ) -> tuple[NDArray[np.float32], int]:
        """Return pinned memory for an input, and the address on the card that it is read from."""
        pinned = self._cuda.staging(shape)
        address = self._cuda.memory(pinned.nbytes)
        self._there(context.set_tensor_address(name, address))
        pinned[...] = 0.0
        self._cuda.to_card(address, pinned.ctypes.data, pinned.nbytes, self._drawing)
        return pinned, address

    def _write(self, name: str, values: NDArray[np.float32]) -> None:
        """Give an input its value, for all pictures from now on."""
        pinned, address = self._staged[name]
        self._cuda.finish(self._drawing)  # what was written before may yet be on its way
        pinned[...] = values
        self._cuda.to_card(address, pinned.ctypes.data, pinned.nbytes, self._drawing)

    def _place(self, context: ExecutionContext, shapes: Shapes) -> _Place:
        """Return a place for pictures, with its tick as a graph."""
        cuda, weights = self._cuda, self._cuda.staging(shapes["weights"])
        amounts, picture = cuda.memory(weights.nbytes), cuda.memory(self._pictures.nbytes)
        weights[...] = 0.0

        def tick() -> None:
            self._there(context.set_tensor_address("weights", amounts))
            self._there(context.set_tensor_address("picture", picture))
            cuda.to_card(amounts, weights.ctypes.data, weights.nbytes, self._drawing)
            self._there(context.execute_async_v3(self._drawing))

        tick()  # what TensorRT does the first time only must not become part of the graph
        cuda.finish(self._drawing)
        launch: Callable[[], None] = tick
        try:
            launch = partial(cuda.launch, cuda.graph(tick, self._drawing), self._drawing)
        except EngineError as error:
            _log.warning("drawing without a CUDA graph, which is slower: %s", error)
        return _Place(weights, picture, launch, drawn=cuda.event(), copied=cuda.event())

    def _begin(self, place: int, latent: Latent) -> None:
        cuda, one = self._cuda, self._places[place]
        cuda.use()
        if latent.subject is not self._subject:
            for name, values in self._spec.subject_inputs(latent.subject).items():
                self._write(name, values)
            self._subject = latent.subject
        one.weights[...] = latent.weights()
        one.launch()
        cuda.record(one.drawn, self._drawing)
        cuda.order(self._copying, one.drawn)
        one.block = self._pictures.take()
        cuda.from_card(one.block, one.picture, self._pictures.nbytes, self._copying)
        cuda.record(one.copied, self._copying)

    def is_there(self, place: int) -> bool:
        """Return whether the picture at a place is complete."""
        self._cuda.use()
        return self._cuda.is_over(self._places[place].copied)

    def _end(self, place: int) -> NDArray[np.uint8]:
        self._cuda.use()
        self._cuda.wait(self._places[place].copied)
        return self._pictures.picture(self._places[place].block)

    def _there(self, result: _Made | None) -> _Made:
        """Return what TensorRT has returned, unless that says that it failed."""
        if result is None or result is False:
            raise EngineError(
                f"{self._about} ({self._logger.last()}); update the NVIDIA driver, or build it "
                f"again: {run_vjnode('engines', 'build', *_asked(self._spec, self.size))}"
            )
        return result
