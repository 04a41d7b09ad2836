"""Places that torch draws pictures in: inputs of a frame graph, and the picture, on a device."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vjnode.generators.latent import Latent, Subject
from vjnode.generators.spec import NOISE_STRENGTH, GeneratorSpec

if TYPE_CHECKING:
    from torch import Tensor


class Place(Protocol):
    """One of two places that pictures are drawn in; see ``DoubleBuffered``."""

    def begin(self, latent: Latent) -> None:
        """Begin a picture here; the last one has been had."""
        ...

    def is_there(self) -> bool:
        """Return whether the picture is complete."""
        ...

    def end(self) -> "Tensor":
        """Wait for the picture and return it, [size, size, 4], uint8; nothing overwrites it."""
        ...


class GraphInputs:
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


class OnProcessor:
    """Draws at once."""

    def __init__(self, tick: "Callable[..., Tensor]", spec: GeneratorSpec) -> None:
        self._tick, self._given = tick, GraphInputs(spec, "cpu")

    def begin(self, latent: Latent) -> None:
        """Draw a picture; see ``Place.begin``."""
        self._given.take(latent.subject)
        self._given.amounts.copy_(_tensor(latent.padded_amounts()))
        self._picture = self._tick(*self._given.tensors)

    def is_there(self) -> bool:
        """Return True: it was drawn when it was begun."""
        return True

    def end(self) -> "Tensor":
        """Return the picture; see ``Place.end``."""
        return self._picture


class OnCard:
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
        self._given = GraphInputs(spec, "cuda")
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
        """Begin a picture; see ``Place.begin``."""
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
        """Return whether the picture has been copied back."""
        return bool(self._copied.query())

    def end(self) -> "Tensor":
        """Wait for the picture and return it; see ``Place.end``."""
        self._copied.synchronize()
        return self._here


def _tensor(values: NDArray[np.float32]) -> "Tensor":
    import torch  # noqa: PLC0415 - it is there by now

    return torch.from_numpy(np.ascontiguousarray(values))
