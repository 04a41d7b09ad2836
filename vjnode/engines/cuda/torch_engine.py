"""torch on the card: the generator in half precision, compiled, run as a CUDA graph.

For cards without a built TensorRT engine. Where Triton is there, torch joins the passes over the
features into a few kernels; without it, the graph at least takes away what starting each kernel
costs. On a processor it runs as it is, in single precision, which is for tests.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial
from importlib import metadata
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vjnode.engines.cuda.capability import gpu_here
from vjnode.engines.cuda.double_buffer import PLACES, DoubleBuffered
from vjnode.engines.cuda.driver import NO_CARD
from vjnode.engines.cuda.torch_network import (
    TorchNetwork,
    as_it_is,
    compiled,
    first_line,
    module_on,
    precision_on,
    shared,
)
from vjnode.engines.cuda.torch_places import OnCard, OnProcessor, Place
from vjnode.errors import EngineError, InputError
from vjnode.generators.latent import Latent, Weights
from vjnode.generators.spec import GeneratorSpec
from vjnode.paths import sha256_of
from vjnode.remedies import install

if TYPE_CHECKING:
    from torch import Tensor

FORM = 2
"""Grows when ``vjnode.generators.compiled`` computes in another way."""

KEPT = 8
"""Faces whose own weights lie on the device: some 20 MB each."""


def check_torch_cuda() -> None:
    """Check that torch can use this machine's card.

    Raises:
        EngineError: it cannot; the text says why, and what to do.
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


def open_torch_cuda(spec: GeneratorSpec, size: int) -> "TorchEngine":
    """Open the generator in torch on this machine's card.

    Raises:
        EngineError: it cannot be run here; the text says why, and what to do.
    """
    check_torch_cuda()
    try:
        return TorchEngine(spec, size, "cuda")
    except RuntimeError as error:  # what torch raises for everything that a card refuses
        raise EngineError(f"torch cannot draw on the card: {first_line(error)}") from error


class TorchEngine(DoubleBuffered):
    """A generator in torch.

    spec, size: which, and of what size, px. device: ``cuda``, or ``cpu`` for tests. alone: whether
    no other engine has part in its network.

    Raises:
        InputError: another size.
        FetchError: the generator is neither in the cache nor to be had.
        RuntimeError: the card refuses, or has too little memory.
    """

    name: str
    identity: str
    size: int

    def __init__(self, spec: GeneratorSpec, size: int, device: str, *, alone: bool = False) -> None:
        super().__init__(spec)
        spec.check_size(size)
        import torch  # noqa: PLC0415

        self._device, self._places = device, list[Place]()
        self._stream: Any = None
        """The card's, in which pictures are drawn one after the other."""
        self._network: TorchNetwork
        weights, precision = spec.weights(), precision_on(device)
        if device == "cpu":
            self._network = as_it_is(spec, size, device)
            self._places += [OnProcessor(self._network.tick, spec) for _ in range(PLACES)]
            self.name = f"torch {precision} on the processor"
        else:
            self._network = compiled(spec, size) if alone else shared(spec.name, size)
            cuda: Any = torch.cuda  # Any, for not all of it is typed
            self._stream, copying = cuda.Stream(), cuda.Stream()
            self._places += [
                OnCard(cuda, self._network.tick, spec, self._stream, copying) for _ in range(PLACES)
            ]
            card = torch.cuda.get_device_name()
            self.name = f"torch {precision} {self._network.form} on {card}"
        self.size = size
        what = f"{sha256_of(weights)} {spec.graph} {FORM} {torch.__version__} {self.name} {size}"
        self.identity = hashlib.sha256(what.encode()).hexdigest()[:16]

    def open_tuned(self, tuned_for: int) -> "TunedTorchEngine":
        """Open the engine of faces that are tuned for ``tuned_for`` px; see ``OpensTuned``."""
        return TunedTorchEngine(tuned_for, self.size, self._device)

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


class TunedTorchEngine(TorchEngine):
    """Faces with weights of their own, in torch: the weights of one network are swapped.

    Those of the last ``KEPT`` faces lie on the device, and are copied into the network before a
    picture of another face than the last is drawn. On a card that is done in the stream that
    draws, so that a picture under way is drawn by its own; and in place, for compiled code and
    graphs read them where they lie. Whatever is made of weights beforehand is a weight as well.

    tuned_for: size of the pictures that its faces are tuned for, px. The rest is as for
    ``TorchEngine``. Its identity is that of the network, whatever weights it has.
    """

    def __init__(self, tuned_for: int, size: int, device: str) -> None:
        from vjnode.generators.mobilestylegan.tuned import card_spec  # noqa: PLC0415 - imports torch

        super().__init__(card_spec(tuned_for), size, device, alone=True)
        self._spec_of: Callable[[Weights], GeneratorSpec] = partial(card_spec, tuned_for)
        self._tuned_for, self.keeps, self.swaps = tuned_for, KEPT, 0
        self._own: Weights | None = None
        """Those that are in the network."""
        self._kept: OrderedDict[Weights, list[Tensor]] = OrderedDict()
        self._lock = Lock()
        self.name += f", for faces of {tuned_for} px"
        self.identity = hashlib.sha256(f"{self.identity} {tuned_for}".encode()).hexdigest()[:16]

    def load(self, weights: Weights) -> None:
        """Put a face's weights on the device; see ``TunedEngine.load``."""
        self._values(weights)

    def loaded(self, weights: Weights) -> bool:
        """Return whether a face's weights lie on the device."""
        with self._lock:
            return weights in self._kept

    def close(self) -> None:
        """Free the card's memory; see ``TorchEngine.close``."""
        super().close()
        with self._lock:
            self._kept.clear()

    def _begin(self, place: int, latent: Latent) -> None:
        weights = latent.subject.weights
        if weights is not None:
            self._take_on(weights)
        super()._begin(place, latent)

    def _take_on(self, weights: Weights) -> None:
        """Swap the network's weights, unless these are there already."""
        import torch  # noqa: PLC0415

        values = self._values(weights)
        if weights == self._own:
            return
        self._own = None  # until all are there
        there = list(self._network.module.parameters())
        with torch.no_grad(), self._in_order():
            for dtype in {value.dtype for value in values}:  # each in one go
                pairs = [pair for pair in zip(there, values, strict=True) if pair[1].dtype == dtype]
                copy: Any = torch._foreach_copy_
                copy(*map(list, zip(*pairs, strict=True)))
        self._own = weights
        self.swaps += 1

    def _in_order(self) -> AbstractContextManager[Any]:
        """Within it, the card does what it is told after the pictures that have been begun."""
        import torch  # noqa: PLC0415

        stream: Callable[..., AbstractContextManager[Any]] = torch.cuda.stream
        return nullcontext() if self._stream is None else stream(self._stream)

    def _values(self, weights: Weights) -> "list[Tensor]":
        """Return a face's weights on the device, and remember that they were asked for."""
        with self._lock:
            values = self._kept.get(weights)
        values = values or self._read(weights)
        with self._lock:
            self._kept[weights] = values
            self._kept.move_to_end(weights)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return values

    def _read(self, weights: Weights) -> "list[Tensor]":
        if weights.size != self._tuned_for:
            raise InputError(
                f"{weights.path} is tuned for {weights.size} px, and the others for "
                f"{self._tuned_for}"
            )
        spec = self._spec_of(weights)
        module = module_on(spec, self.size, self._device, for_compiler=self._network.joined)
        values = [value.detach() for value in module.parameters()]
        if self._stream is not None:
            import torch  # noqa: PLC0415

            # Another stream reads them: not before they are there, and when they are let go, their
            # memory is not another's before it has.
            torch.cuda.current_stream().synchronize()
            for value in values:
                value.record_stream(self._stream)
        return values
