"""torch on the card: the generator in half precision, compiled, run as a CUDA graph.

For cards without a built TensorRT engine. Where Triton is there, torch joins the passes over the
features into a few kernels; without it, the graph at least takes away what starting each kernel
costs. On a processor it runs as it is, in single precision, which is for tests.
"""

import functools
import hashlib
import importlib.util
import logging
import os
from collections.abc import Callable
from contextlib import suppress
from importlib import metadata
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vjnode.engines.cuda.capability import gpu_here
from vjnode.engines.cuda.double_buffer import PLACES, DoubleBuffered
from vjnode.engines.cuda.driver import NO_CARD
from vjnode.errors import EngineError
from vjnode.generators.latent import Latent, Subject
from vjnode.generators.registry import GENERATORS
from vjnode.generators.spec import NOISE_STRENGTH, GeneratorSpec, Precision
from vjnode.paths import cache_dir, sha256_of
from vjnode.remedies import install

if TYPE_CHECKING:
    from torch import Tensor

_log = logging.getLogger(__name__)

FORM = 2
"""Grows when ``vjnode.generators.compiled`` computes in another way."""


class _Place(Protocol):
    """One of two places that pictures are drawn in; see ``DoubleBuffered``."""

    def begin(self, latent: Latent) -> None: ...
    def is_there(self) -> bool: ...
    def end(self) -> "Tensor": ...


def open_torch_cuda(spec: GeneratorSpec, size: int) -> "TorchEngine":
    """Open the generator in torch on this machine's card.

    Raises:
        EngineError: it cannot be run here; the text says why, and what to do.
    """
    if gpu_here() is None:
        raise EngineError(NO_CARD)
    # Asked without importing it, which takes seconds.
    with suppress(metadata.PackageNotFoundError):
        version = metadata.version("torch")
        if version.endswith("+cpu"):
            raise EngineError(f"torch {version} is for processors only; install its CUDA build")
    try:
        import torch  # noqa: PLC0415
    except ImportError as error:
        raise EngineError(f"torch is not usable here ({error}); run: {install('torch')}") from error
    if not torch.cuda.is_available():
        raise EngineError(
            f"torch {torch.__version__} cannot use the card that is here; install a newer driver, "
            "or the build of torch for the driver that is here"
        )
    try:
        return TorchEngine(spec, size, "cuda")
    except RuntimeError as error:  # what torch raises for everything that a card refuses
        raise EngineError(f"torch cannot draw on the card: {_first_line(error)}") from error


class TorchEngine(DoubleBuffered):
    """A generator in torch.

    spec, size: which, and of what size, px. device: ``cuda``, or ``cpu`` for tests.

    Raises:
        InputError: another size.
        FetchError: the generator is neither in the cache nor to be had.
        RuntimeError: the card refuses, or has too little memory.
    """

    name: str
    identity: str
    size: int

    def __init__(self, spec: GeneratorSpec, size: int, device: str) -> None:
        super().__init__(spec)
        spec.check_size(size)
        import torch  # noqa: PLC0415

        precision: Precision = "fp32" if device == "cpu" else "fp16"
        weights = spec.weights()
        self._places: list[_Place] = []
        if device == "cpu":
            tick = _tick(spec, size, precision, device)
            self._places += [_OnProcessor(tick, spec) for _ in range(PLACES)]
            self.name = f"torch {precision} on the processor"
        else:
            tick, form = _compiled(spec.name, size)
            cuda: Any = torch.cuda  # Any, for not all of it is typed
            streams = cuda.Stream(), cuda.Stream()
            self._places += [_OnCard(cuda, tick, spec, *streams) for _ in range(PLACES)]
            self.name = f"torch {precision} {form} on {torch.cuda.get_device_name()}"
        self.size = size
        what = f"{sha256_of(weights)} {spec.graph} {FORM} {torch.__version__} {self.name} {size}"
        self.identity = hashlib.sha256(what.encode()).hexdigest()[:16]

    def close(self) -> None:
        """Free the card's memory; safe to call twice. Pictures that were drawn stay."""
        if self._places:
            with suppress(RuntimeError):  # a card that has failed
                self._take_all()
            self._places.clear()

    def _begin(self, place: int, latent: Latent) -> None:
        self._places[place].begin(latent)

    def is_there(self, place: int) -> bool:
        """Return whether the picture at a place is complete."""
        return self._places[place].is_there()

    def _end(self, place: int) -> NDArray[np.uint8]:
        picture: NDArray[np.uint8] = self._places[place].end().numpy()
        return picture


class _GraphInputs:
    """Inputs of a frame graph: memory of one place on a device.

    tensors: in the graph's order. amounts: one of them, which changes with every picture.
    """

    def __init__(self, spec: GeneratorSpec, device: str) -> None:
        import torch  # noqa: PLC0415

        self._spec = spec
        self._subject: Subject | None = None
        self._named = {
            name: torch.zeros(shape, device=device) for name, shape in spec.inputs.items()
        }
        self._named["noise_strength"].fill_(NOISE_STRENGTH)
        self.tensors = tuple(self._named.values())
        self.amounts = self._named["amounts"]

    def take(self, subject: Subject) -> None:
        """Put a subject there, unless it is there already."""
        if subject is not self._subject:
            for name, values in self._spec.subject_inputs(subject).items():
                self._named[name].copy_(_tensor(values))
            self._subject = subject


class _OnProcessor:
    """Draws at once."""

    def __init__(self, tick: "Callable[..., Tensor]", spec: GeneratorSpec) -> None:
        self._tick, self._given = tick, _GraphInputs(spec, "cpu")

    def begin(self, latent: Latent) -> None:
        self._given.take(latent.subject)
        self._given.amounts.copy_(_tensor(latent.padded_amounts()))
        self._picture = self._tick(*self._given.tensors)

    def is_there(self) -> bool:
        return True

    def end(self) -> "Tensor":
        return self._picture


class _OnCard:
    """Draws as a graph in one stream, and copies back in another."""

    def __init__(
        self,
        cuda: Any,  # noqa: ANN401 - torch.cuda and its streams, not all of which are typed
        tick: "Callable[..., Tensor]",
        spec: GeneratorSpec,
        drawing: Any,  # noqa: ANN401
        copying: Any,  # noqa: ANN401
    ) -> None:
        import torch  # noqa: PLC0415

        self._cuda, self._drawing, self._copying = cuda, drawing, copying
        self._amounts = torch.zeros(spec.inputs["amounts"], pin_memory=True)
        self._given = _GraphInputs(spec, "cuda")
        cuda.synchronize()
        with cuda.stream(drawing):
            for _ in range(3):  # what is done only once must not become part of the graph
                self._picture = tick(*self._given.tensors).clone()
        cuda.synchronize()
        self._graph = cuda.CUDAGraph()
        # Thread by thread: the engine beside this one goes on drawing meanwhile.
        with cuda.graph(self._graph, stream=drawing, capture_error_mode="thread_local"):
            self._given.amounts.copy_(self._amounts, non_blocking=True)
            self._picture.copy_(tick(*self._given.tensors))
        self._drawn = cuda.Event()
        self._copied = cuda.Event(blocking=True)
        self._here = torch.empty_like(self._picture, device="cpu")

    def begin(self, latent: Latent) -> None:
        # The picture that was drawn here before has been had, so nothing reads these any more.
        self._amounts.copy_(_tensor(latent.padded_amounts()))
        with self._cuda.stream(self._drawing):
            self._given.take(latent.subject)
            self._graph.replay()
            self._drawn.record()
        with self._cuda.stream(self._copying):
            self._copying.wait_event(self._drawn)
            # Pinned memory comes from torch's own stock, and returns there when it is let go.
            self._here = self._here.new_empty(self._picture.shape, pin_memory=True)
            self._here.copy_(self._picture, non_blocking=True)
            self._copied.record()

    def is_there(self) -> bool:
        return bool(self._copied.query())

    def end(self) -> "Tensor":
        self._copied.synchronize()
        return self._here


def _tick(
    spec: GeneratorSpec, size: int, precision: Precision, device: str, *, for_compiler: bool = False
) -> "Callable[..., Tensor]":
    """Return what draws a frame graph's inputs as a picture, [size, size, 4], on ``device``.

    for_compiler: written so that a compiler can join as many steps as possible.
    """
    import torch  # noqa: PLC0415

    from vjnode.generators.compiled import join  # noqa: PLC0415 - imports torch
    from vjnode.generators.frame_graph import FrameGraph  # noqa: PLC0415

    network = spec.frame_graph(spec.weights(), size, precision)
    if for_compiler and isinstance(network, FrameGraph):
        join(network)
    network = network.to(device)
    if device != "cpu":
        to: Any = network.to  # its annotations lack what makes tensor cores read it faster
        network = to(memory_format=torch.channels_last)

    def tick(*given: "Tensor") -> "Tensor":
        picture: Tensor = network(*given)[0]
        return picture

    return tick


@functools.cache
def _compiled(name: str, size: int) -> "tuple[Callable[..., Tensor], str]":
    """Return what draws on the card, compiled where that works here, and what to call it.

    Made once in a process: compiling beside a show that runs would make it stutter.
    """
    spec = GENERATORS[name]
    as_it_is = functools.partial(_tick, spec, size, "fp16", "cuda")
    if importlib.util.find_spec("triton") is None:
        _log.warning(
            "torch draws slower than it could: Triton is missing; run: "
            + install("triton-windows" if os.name == "nt" else "triton")
        )
        return as_it_is(), "as it is"
    # Kept for the next start; workers of their own would outlive a show that is killed.
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(cache_dir("compiled")))
    os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")
    import torch  # noqa: PLC0415

    _log.info("compiling the generator for the card; the first time takes a minute or two")
    compiled = torch.compile(as_it_is(for_compiler=True), fullgraph=True, dynamic=False)
    try:
        compiled(*_GraphInputs(spec, "cuda").tensors)
    except Exception as error:  # noqa: BLE001 - no C compiler, or whatever fails in it
        _log.warning("torch draws slower than it could: it cannot compile (%s)", _first_line(error))
        return as_it_is(), "as it is"
    return compiled, "compiled"


def _tensor(values: NDArray[np.float32]) -> "Tensor":
    import torch  # noqa: PLC0415 - it is there by now

    return torch.from_numpy(np.ascontiguousarray(values))


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:300]
