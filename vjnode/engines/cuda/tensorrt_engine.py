"""TensorRT on the card: a built engine, run as a CUDA graph from style codes to RGBA.

Face and directions are copied to the card when the look changes. A tick is: write the amounts of
the movements into pinned memory; launch a graph that copies them to the card, draws, and leaves
RGBA bytes there; copy those back in a stream of their own, so that the next picture is drawn
meanwhile. The processor touches no pixel.

Memory, streams, events and graphs come from the driver (``vjnode.engines.cuda.driver``): TensorRT
itself needs nothing else, so that a card's owner need not install the CUDA build of torch.
"""

from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vjnode.engines.build.store import engines_dir
from vjnode.engines.build.tensorrt_variants import Flavour
from vjnode.engines.cuda.double_buffer import PLACES, DoubleBuffered
from vjnode.engines.cuda.driver import Cuda
from vjnode.engines.cuda.pinned_pool import PictureMemory
from vjnode.engines.cuda.tensorrt_api import ExecutionContext, TensorRt
from vjnode.engines.cuda.tensorrt_runtime import (
    Built,
    LoadedEngine,
    find_built,
    open_on_card,
    replayed,
)
from vjnode.engines.networks import Shapes, network_of
from vjnode.errors import EngineError
from vjnode.generators.latent import Latent, Subject
from vjnode.generators.spec import NOISE_STRENGTH, GeneratorSpec


@dataclass
class _Place:
    """Memory and events of one picture under way.

    amounts: pinned, (DIRECTIONS,). picture: on the card. launch: begins to draw the one from the
    other, and from the subject that is there. drawn, copied: events. block: of picture memory
    here, that it is copied to.
    """

    amounts: NDArray[np.float32]
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
            self._subject: Subject | None = None
            self._staged = {
                name: self._input(loaded.context, name, built.shapes[name])
                for name in built.shapes
                if name not in ("amounts", "picture")
            }
            self._write({"noise_strength": np.full(1, NOISE_STRENGTH, np.float32)})
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

    def _write(self, inputs: Mapping[str, NDArray[np.float32]]) -> None:
        """Give inputs their values, for all pictures from now on."""
        self._cuda.finish(self._drawing)  # what was written before may yet be on its way
        for name, values in inputs.items():
            pinned, address = self._staged[name]
            pinned[...] = values
            self._cuda.to_card(address, pinned.ctypes.data, pinned.nbytes, self._drawing)

    def _place(self, context: ExecutionContext, shapes: Shapes) -> _Place:
        """Return a place for pictures, with its tick as a graph."""
        cuda, amounts = self._cuda, self._cuda.staging(shapes["amounts"])
        on_card, picture = cuda.memory(amounts.nbytes), cuda.memory(self._pictures.nbytes)
        amounts[...] = 0.0

        def tick() -> None:
            self._there(context.set_tensor_address("amounts", on_card))
            self._there(context.set_tensor_address("picture", picture))
            cuda.to_card(on_card, amounts.ctypes.data, amounts.nbytes, self._drawing)
            self._there(context.execute_async_v3(self._drawing))

        launch = replayed(cuda, tick, self._drawing, "drawing")
        return _Place(amounts, picture, launch, drawn=cuda.event(), copied=cuda.event())

    def _begin(self, place: int, latent: Latent) -> None:
        cuda, one = self._cuda, self._places[place]
        cuda.use()
        if latent.subject is not self._subject:
            self._write(self._spec.subject_inputs(latent.subject))
            self._subject = latent.subject
        one.amounts[...] = latent.padded_amounts()
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
