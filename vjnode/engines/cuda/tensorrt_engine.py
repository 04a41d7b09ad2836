"""TensorRT on the card: a built engine, run as a CUDA graph from style codes to RGBA.

A tick is: write codes (47 kB) into pinned memory; launch a graph that copies them to the card,
draws, and leaves RGBA bytes there; copy those back in a stream of their own, so that the next
picture is drawn meanwhile. The processor touches no pixel.

Memory, streams, events and graphs come from the driver (``vjnode.engines.cuda.driver``): TensorRT
itself needs nothing else, so that a card's owner need not install the CUDA build of torch.
"""

import logging
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vjnode.engines.build.store import engines_dir
from vjnode.engines.build.tensorrt_variants import Flavour
from vjnode.engines.cuda.double_buffer import PLACES, DoubleBuffered
from vjnode.engines.cuda.driver import Cuda
from vjnode.engines.cuda.pinned_pool import PictureMemory
from vjnode.engines.cuda.tensorrt_api import ExecutionContext, TensorRt
from vjnode.engines.cuda.tensorrt_runtime import Built, LoadedEngine, find_built, open_on_card
from vjnode.engines.networks import Shapes, network_of
from vjnode.errors import EngineError
from vjnode.generators.spec import GeneratorSpec

_log = logging.getLogger(__name__)

NOISE_STRENGTH = np.ones(1, np.float32)
"""Strength of the generator's frozen noise: as it was trained."""


@dataclass
class _Place:
    """Memory and events of one picture under way.

    codes: pinned, (slots, dim). picture: on the card. launch: begins to draw the one from the
    other. drawn, copied: events. block: of picture memory here, that it is copied to.
    """

    codes: NDArray[np.float32]
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
    folder = engines_dir() if folder is None else folder
    built = find_built(network_of(spec), flavour, size, folder)
    return open_on_card(flavour, lambda trt, cuda: TensorRtEngine(spec, flavour, trt, built, cuda))


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
        self._cuda = cuda
        self._loaded: LoadedEngine | None = None
        self._places: list[_Place] = []
        self._pictures = PictureMemory(cuda, built.shapes["picture"][1:], blocks=PLACES)
        with ExitStack() as unless_opened:  # whatever is raised, and TensorRT raises a lot
            unless_opened.callback(self.close)
            self._drawing, self._copying = cuda.stream(), cuda.stream()
            self._loaded = loaded = LoadedEngine(flavour, trt, built, cuda)
            self.name, self.identity, self._there = loaded.name, loaded.identity, loaded.there
            # A show fuses face and expression itself, which are 47 kB: nothing moves beyond that.
            for name in ("directions", "weights"):
                self._set(loaded.context, name, np.zeros(built.shapes[name], np.float32))
            self._set(loaded.context, "noise_strength", NOISE_STRENGTH)
            self._places += [self._place(loaded.context, built.shapes) for _ in range(PLACES)]
            loaded.keep_kernels()
            unless_opened.pop_all()

    def close(self) -> None:
        """Free the card's memory; safe to call twice. Pictures that were drawn stay."""
        with suppress(EngineError):  # a card that has failed
            self._take_all()
        self._cuda.close()  # graphs before what they are of
        self._pictures.close()
        self._places = []
        if self._loaded is not None:
            self._loaded.close()

    def _set(self, context: ExecutionContext, name: str, value: NDArray[np.float32]) -> None:
        """Give an input its value for good."""
        pinned = self._cuda.staging(value.shape)
        pinned[...] = value
        address = self._cuda.memory(value.nbytes)
        self._cuda.to_card(address, pinned.ctypes.data, value.nbytes, self._drawing)
        self._cuda.finish(self._drawing)
        self._there(context.set_tensor_address(name, address))

    def _place(self, context: ExecutionContext, shapes: Shapes) -> _Place:
        """Return a place for pictures, with its tick as a graph."""
        cuda, codes = self._cuda, self._cuda.staging(shapes["face"][1:])
        face, picture = cuda.memory(codes.nbytes), cuda.memory(self._pictures.nbytes)

        def tick() -> None:
            self._there(context.set_tensor_address("face", face))
            self._there(context.set_tensor_address("picture", picture))
            cuda.to_card(face, codes.ctypes.data, codes.nbytes, self._drawing)
            self._there(context.execute_async_v3(self._drawing))

        tick()  # what TensorRT does the first time only must not become part of the graph
        cuda.finish(self._drawing)
        launch: Callable[[], None] = tick
        try:
            launch = partial(cuda.launch, cuda.graph(tick, self._drawing), self._drawing)
        except EngineError as error:
            _log.warning("drawing without a CUDA graph, which is slower: %s", error)
        return _Place(codes, picture, launch, drawn=cuda.event(), copied=cuda.event())

    def _begin(self, place: int, codes: NDArray[np.float32]) -> None:
        cuda, one = self._cuda, self._places[place]
        cuda.use()
        one.codes[...] = codes
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
