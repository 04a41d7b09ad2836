"""The sound encoder by TensorRT on the card: one column of MFCCs in, 512 values out, each 11.6 ms.

What the network keeps of the past stays on the card. There are two sets of buffers for it: a step
reads one and writes the other, and the next step does it the other way round. So there are two
CUDA graphs, replayed in turn, and nothing is copied; with a single set, each step would also copy
twelve small buffers, and to start a copy takes about as long as to compute a layer.

Drawing goes on in another process meanwhile. The card gives the two turns, and the priority of a
stream holds within its process alone. So a step is as little as can be: one launch, and one wait
that sleeps, because a core on which somebody waits awake is one that others lack.
"""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vjnode.engines.build.store import engines_dir
from vjnode.engines.build.tensorrt_variants import Flavour
from vjnode.engines.cuda.driver import Cuda
from vjnode.engines.cuda.tensorrt_api import TensorRt
from vjnode.engines.cuda.tensorrt_runtime import (
    Built,
    LoadedEngine,
    find_built,
    open_on_card,
    replayed,
)
from vjnode.engines.networks import find_network
from vjnode.errors import EngineError
from vjnode.modulation.encoder.input import picture
from vjnode.modulation.encoder.weights import Trained


def open_tensorrt_encoder(
    trained: Trained, flavour: Flavour, folder: Path | None = None
) -> "TensorRtEncoder":
    """Open the encoder's engine for this card.

    trained: what ships with vjnode, which engines are built from. folder: of built engines; None
    for the usual one.

    Raises:
        EngineError: it cannot be run here; the text says why, and what to do.
    """
    folder = engines_dir() if folder is None else folder
    built = find_built(find_network("encoder"), flavour, 0, folder)
    return open_on_card(
        flavour, lambda trt, cuda: TensorRtEncoder(trained, flavour, trt, built, cuda)
    )


class TensorRtEncoder:
    """Encodes a stream of MFCC frames on a built engine.

    Args:
        trained: whose MFCC range the columns are mapped by.
        flavour, trt: which TensorRT, and its module.
        built: what to run; nothing is checked here any more.
        cuda: the card; closed together with this.

    Raises:
        EngineError: TensorRT or the card refuses.
    """

    name: str

    def __init__(
        self, trained: Trained, flavour: Flavour, trt: TensorRt, built: Built, cuda: Cuda
    ) -> None:
        self.precision = built.precision
        self._trained, self._cuda = trained, cuda
        self._loaded: LoadedEngine | None = None
        self._graphs: list[Callable[[], None]] = []
        self._turn = 0
        with ExitStack() as unless_opened:  # whatever is raised, and TensorRT raises a lot
            unless_opened.callback(self.close)
            self._stream, self._over = cuda.stream(), cuda.event()
            self._loaded = loaded = LoadedEngine(flavour, trt, built, cuda)
            self.name = loaded.name
            shapes = built.shapes
            self._column = cuda.staging(shapes["column"])
            self._values = cuda.staging(shapes["values"])
            ends = {name: cuda.memory(_nbytes(shapes[name])) for name in ("column", "values")}
            self._nbytes = {n: _nbytes(s) for n, s in shapes.items() if n.startswith("history")}
            sets = [{n: cuda.memory(size) for n, size in self._nbytes.items()} for _ in range(2)]
            self._before = sets[0]
            self._zeros = cuda.staging((max(self._nbytes.values()) // 4,))
            self._zeros[...] = 0.0
            for before, after in (sets, sets[::-1]):
                kept = {n.replace("history", "kept"): at for n, at in after.items()}
                self._graphs.append(self._graph(loaded, ends | before | kept))
            self.reset()  # the graphs were run once each
            loaded.keep_kernels()
            unless_opened.pop_all()

    def step(self, mfcc: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the 512 values after the next frame, shape (13,), not normalised.

        Raises:
            EngineError: the card fails, or the values are not finite.
        """
        cuda = self._cuda
        cuda.use()
        self._column[0] = picture(mfcc[None], self._trained.mfcc_low, self._trained.mfcc_high)
        self._graphs[self._turn]()
        self._turn = 1 - self._turn
        cuda.record(self._over, self._stream)
        cuda.wait(self._over)
        values: NDArray[np.float32] = self._values[0].copy()
        if not np.isfinite(values).all():
            raise EngineError(f"{self.name} encodes sound to values that are not finite")
        return values

    def reset(self) -> None:
        """Forget the past, as if it had just been opened."""
        self._cuda.use()
        for name, address in self._before.items():
            here, nbytes = self._zeros.ctypes.data, self._nbytes[name]
            self._cuda.to_card(address, here, nbytes, self._stream)
        self._cuda.finish(self._stream)
        self._turn = 0

    def close(self) -> None:
        """Free the card's memory; safe to call twice."""
        self._cuda.close()  # graphs before what they are of
        self._graphs = []
        if self._loaded is not None:
            self._loaded.close()

    def _graph(self, loaded: LoadedEngine, at: Mapping[str, int]) -> Callable[[], None]:
        """Return a step as a graph. at: name of an input or output → its address on the card."""
        cuda, context, stream = self._cuda, loaded.context, self._stream
        column, values = self._column, self._values

        def work() -> None:
            for name, address in at.items():
                loaded.there(context.set_tensor_address(name, address))
            cuda.to_card(at["column"], column.ctypes.data, column.nbytes, stream)
            loaded.there(context.execute_async_v3(stream))
            cuda.from_card(values.ctypes.data, at["values"], values.nbytes, stream)

        return replayed(cuda, work, stream, "encoding")


def _nbytes(shape: tuple[int, ...]) -> int:
    return 4 * int(np.prod(shape))
