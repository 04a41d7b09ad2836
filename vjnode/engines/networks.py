"""The networks that engines are built from, in one table.

An entry says what a network is called, where its weights are, and how it becomes a torch module
with named inputs and outputs. Everything else (export, build, manifest, command line) is the
same for all. torch is imported only when a module is made.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from vjnode.engines.base import SIZES
from vjnode.errors import EngineError, InputError
from vjnode.faces.directions import CHANNELS
from vjnode.generators.mobilestylegan import distilled_weights, download
from vjnode.generators.mobilestylegan.layout import DIM, SLOTS
from vjnode.paths import cache_dir, shipped

if TYPE_CHECKING:
    from torch import nn

Precision = Literal["fp16", "fp32"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)

Shapes = dict[str, tuple[int, ...]]
"""Name of an input or output → its shape."""


@dataclass(frozen=True)
class Network:
    """One network.

    graph: grows when the same weights are turned into another graph.
    sizes: of its pictures, px; (0,) where it makes none.
    weights: path of its weights, fetched if need be.
    module: from weights, size and precision to the module; inputs and outputs are float32,
        whatever it computes in, pictures uint8.
    inputs, outputs: from weights and size, or size, to names and shapes, in the module's order.
    """

    name: str
    about: str
    graph: int
    sizes: tuple[int, ...]
    weights: Callable[[], Path]
    module: Callable[[Path, int, Precision], "nn.Module"]
    inputs: Callable[[Path, int], Shapes]
    outputs: Callable[[int], Shapes]

    def shapes(self, size: int) -> Shapes:
        """Return all inputs, then all outputs."""
        return self.inputs(self.weights(), size) | self.outputs(size)


def kept_graph(network: Network, size: int, precision: Precision, weights_sha256: str) -> Path:
    """Path where the exported graph is kept in the cache, whether it is there or not."""
    words = (network.name, size, precision, "graph", network.graph, weights_sha256[:8])
    return cache_dir("models") / ("-".join(str(word) for word in words if word) + ".onnx")


def find_network(name: str) -> Network:
    """Return one of ``NETWORKS``.

    Raises:
        InputError: there is none of this name.
    """
    if name not in NETWORKS:
        raise InputError(f"there is no network {name!r}; choose one of {', '.join(NETWORKS)}")
    return NETWORKS[name]


def _mobilestylegan(weights: Path, size: int, precision: Precision) -> "nn.Module":
    import torch  # noqa: PLC0415 - takes seconds

    from vjnode.generators.frame_graph import Tick  # noqa: PLC0415
    from vjnode.generators.mobilestylegan.folded import FoldedSynthesis  # noqa: PLC0415 - imports torch
    from vjnode.generators.mobilestylegan.model import load  # noqa: PLC0415

    # Its features stay 27 times below the largest fp16 number, and 73 times as
    # vjnode.generators.compiled has them, so fp16 can be used throughout.
    dtype = torch.float16 if precision == "fp16" else torch.float32
    _, synthesis = load(weights)
    return Tick(FoldedSynthesis(synthesis, size).to(dtype), dtype)


def _live_mobilestylegan(weights: Path, size: int, precision: Precision) -> "nn.Module":
    import torch  # noqa: PLC0415 - takes seconds

    from vjnode.generators.frame_graph import Tick  # noqa: PLC0415
    from vjnode.generators.mobilestylegan.distilled import LiveSynthesis, load_tail  # noqa: PLC0415 - imports torch
    from vjnode.generators.mobilestylegan.model import load  # noqa: PLC0415

    dtype = torch.float16 if precision == "fp16" else torch.float32
    _, synthesis = load(download.generator_weights())
    return Tick(LiveSynthesis(synthesis, load_tail(size, weights)).to(dtype), dtype)


def _stylegan2(weights: Path, size: int, precision: Precision) -> "nn.Module":
    import torch  # noqa: PLC0415 - takes seconds

    from vjnode.generators.frame_graph import Tick  # noqa: PLC0415
    from vjnode.generators.stylegan2.checkpoint import load  # noqa: PLC0415
    from vjnode.generators.stylegan2.folded import FoldedSynthesis  # noqa: PLC0415 - imports torch

    # It keeps the path from codes to factors in float32 itself.
    dtype = torch.float16 if precision == "fp16" else torch.float32
    _, synthesis = load(weights)
    return Tick(FoldedSynthesis(synthesis, size, dtype=dtype))


def _random_stylegan2() -> Path:
    """Path of an untrained StyleGAN2: it draws nothing known, but runs as a trained one does."""
    path = cache_dir("models") / "stylegan2-random-1024-1.safetensors"
    if not path.is_file():
        # They import torch.
        from vjnode.generators.stylegan2.checkpoint import random_network, save  # noqa: PLC0415

        try:
            save(path, *random_network(1024))
        except OSError as error:
            raise EngineError(
                f"{path} cannot be written ({error.strerror}); make room for 120 MB, "
                "or set VJNODE_CACHE to another folder"
            ) from error
    return path


def _stylegan2_inputs(weights: Path, size: int) -> Shapes:
    del size
    from safetensors import safe_open  # noqa: PLC0415 - its stubs lack a name

    with safe_open(weights, "numpy") as file:
        names = {name.split(".")[2] for name in file.keys() if ".blocks." in name}  # noqa: SIM118
    return _tick_inputs(2 * (len(names) + 1))


def _tick_inputs(slots: int) -> Shapes:
    """Return what ``vjnode.generators.frame_graph.Tick`` takes."""
    return {
        "face": (1, slots, DIM),
        "directions": (CHANNELS, slots, DIM),
        "weights": (CHANNELS,),
        "texture": (1,),
    }


def _picture(size: int) -> Shapes:
    return {"picture": (1, size, size, 4)}


def _encoder(weights: Path, size: int, precision: Precision) -> "nn.Module":
    del size
    # They import torch.
    from vjnode.modulation.encoder.export import (  # noqa: PLC0415
        InHalf,
        folded,
        load_encoder,
    )
    from vjnode.modulation.encoder.network import Streaming  # noqa: PLC0415
    from vjnode.modulation.encoder.weights import load_trained  # noqa: PLC0415

    streaming = Streaming(folded(load_encoder(load_trained(weights).weights))).eval()
    return InHalf(streaming) if precision == "fp16" else streaming


def _encoder_inputs() -> Shapes:
    """Return what ``vjnode.modulation.encoder.network.Streaming`` takes."""
    from vjnode.modulation.encoder.network import histories  # noqa: PLC0415 - imports torch

    return {"column": (1, 3, 1, 32), **{f"history{i}": s for i, s in enumerate(histories())}}


def _encoder_outputs() -> Shapes:
    before = _encoder_inputs()
    kept = {k.replace("history", "kept"): v for k, v in before.items() if k != "column"}
    return {"values": (1, 512), **kept}


NETWORKS = {
    network.name: network
    for network in (
        Network(
            name="mobilestylegan",
            about="face generator (MobileStyleGAN, FFHQ)",
            graph=1,
            sizes=SIZES,
            weights=download.generator_weights,
            module=_mobilestylegan,
            inputs=lambda weights, size: _tick_inputs(SLOTS),
            outputs=_picture,
        ),
        Network(
            name="mobilestylegan-live",
            about="face generator, cut down to draw small pictures live",
            graph=1,
            sizes=distilled_weights.SIZES,
            weights=distilled_weights.file,
            module=_live_mobilestylegan,
            inputs=lambda weights, size: _tick_inputs(SLOTS),
            outputs=_picture,
        ),
        Network(
            name="stylegan2",
            about="face generator (StyleGAN2, untrained)",
            graph=1,
            sizes=SIZES,
            weights=_random_stylegan2,
            module=_stylegan2,
            inputs=_stylegan2_inputs,
            outputs=_picture,
        ),
        Network(
            name="encoder",
            about="sound encoder",
            graph=1,
            sizes=(0,),
            weights=lambda: shipped("encoder", "encoder.safetensors"),
            module=_encoder,
            inputs=lambda weights, size: _encoder_inputs(),
            outputs=lambda size: _encoder_outputs(),
        ),
    )
}

SHOW = ("mobilestylegan", "encoder")
"""What a show runs."""
