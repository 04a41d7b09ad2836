"""A generator in torch on a device, compiled where that works."""

import functools
import importlib.util
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vjnode.engines.cuda.torch_places import GraphInputs
from vjnode.generators.registry import GENERATORS
from vjnode.generators.spec import GeneratorSpec, Precision
from vjnode.paths import cache_dir
from vjnode.remedies import install

if TYPE_CHECKING:
    from torch import Tensor, nn

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class TorchNetwork:
    """A generator on a device.

    module: holds the weights that draw. tick: draws a frame graph's inputs as a picture,
    [size, size, 4]. joined: whether it is compiled.
    """

    module: "nn.Module"
    tick: "Callable[..., Tensor]"
    joined: bool = False

    @property
    def form(self) -> str:
        """Name of the form that it runs in, for people."""
        return "compiled" if self.joined else "as it is"


def precision_on(device: str) -> Precision:
    """Return the arithmetic on ``cuda`` or ``cpu``."""
    return "fp32" if device == "cpu" else "fp16"


def module_on(
    spec: GeneratorSpec, size: int, device: str, *, for_compiler: bool = False
) -> "nn.Module":
    """Return a generator's frame graph on ``device``.

    for_compiler: written so that a compiler can join as many steps as possible.
    """
    import torch  # noqa: PLC0415

    from vjnode.generators.compiled import join  # noqa: PLC0415 - imports torch
    from vjnode.generators.frame_graph import FrameGraph  # noqa: PLC0415

    network = spec.frame_graph(spec.weights(), size, precision_on(device))
    if for_compiler and isinstance(network, FrameGraph):
        join(network)
    network = network.to(device)
    if device != "cpu":
        to: Any = network.to  # its annotations lack what makes tensor cores read it faster
        network = to(memory_format=torch.channels_last)
    return network


def as_it_is(spec: GeneratorSpec, size: int, device: str) -> TorchNetwork:
    """Return a generator that is not compiled."""
    module = module_on(spec, size, device)
    return TorchNetwork(module, _tick(module))


@functools.cache
def shared(name: str, size: int) -> TorchNetwork:
    """Return a generator of ``GENERATORS`` on the card, for all who never change its weights.

    Made once in a process: compiling beside a show that runs would make it stutter.
    """
    return compiled(GENERATORS[name], size)


def compiled(spec: GeneratorSpec, size: int) -> TorchNetwork:
    """Return a generator on the card, compiled where that works here.

    Its weights may be changed in place: compiled code and graphs read them where they lie.
    """
    if importlib.util.find_spec("triton") is None:
        _log.warning(
            "torch draws slower than it could: Triton is missing; run: "
            + install("triton-windows" if os.name == "nt" else "triton")
        )
        return as_it_is(spec, size, "cuda")
    # Kept for the next start; workers of their own would outlive a show that is killed.
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(cache_dir("compiled")))
    os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")

    _log.info("compiling the generator for the card; the first time takes a minute or two")
    module = module_on(spec, size, "cuda", for_compiler=True)
    tick = compile_tick(module)
    try:
        tick(*GraphInputs(spec, "cuda").tensors)
    except Exception as error:  # noqa: BLE001 - no C compiler, or whatever fails in it
        _log.warning("torch draws slower than it could: it cannot compile (%s)", first_line(error))
        return as_it_is(spec, size, "cuda")
    return TorchNetwork(module, tick, joined=True)


def compile_tick(module: "nn.Module") -> "Callable[..., Tensor]":
    """Return the compiled form of what draws with ``module``; it is compiled when first called."""
    import torch  # noqa: PLC0415

    # Freezing, which an environment variable can switch on, would make constants of the weights.
    options: dict[str, Any] = {"freezing": False}
    return torch.compile(_tick(module), fullgraph=True, dynamic=False, options=options)


def first_line(error: BaseException) -> str:
    """Return the beginning of an error's text; its kind where it has none."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:300]


def _tick(module: "nn.Module") -> "Callable[..., Tensor]":
    def tick(*given: "Tensor") -> "Tensor":
        picture: Tensor = module(*given)[0]
        return picture

    return tick
