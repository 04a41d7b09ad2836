"""The networks that engines are built from, in one table.

An entry says what a network is called, where its weights are, and how it becomes a torch module
with named inputs and outputs. Everything else (export, build, manifest, command line) is the
same for all. torch is imported only when a module is made.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vjnode.errors import InputError
from vjnode.generators.registry import DEFAULT, GENERATORS, SHIPPED
from vjnode.generators.spec import PRECISIONS, GeneratorSpec, Precision
from vjnode.modulation.encoder.input import FRAMES, PLANES
from vjnode.modulation.encoder.layout import VALUES, histories
from vjnode.paths import cache_dir, shipped

if TYPE_CHECKING:
    from torch import nn

__all__ = [
    "NETWORKS",
    "PRECISIONS",
    "SHOW",
    "Network",
    "Precision",
    "Shapes",
    "find_network",
    "kept_graph",
    "known_network",
]

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
    inputs: returns names and shapes, in the module's order. outputs: likewise, from the size.
    """

    name: str
    about: str
    graph: int
    sizes: tuple[int, ...]
    weights: Callable[[], Path]
    module: Callable[[Path, int, Precision], "nn.Module"]
    inputs: Callable[[], Shapes]
    outputs: Callable[[int], Shapes]

    def shapes(self, size: int) -> Shapes:
        """Return all inputs, then all outputs."""
        return self.inputs() | self.outputs(size)


def kept_graph(network: Network, size: int, precision: Precision, weights_sha256: str) -> Path:
    """Path where the exported graph is kept in the cache, whether it is there or not."""
    words = (network.name, size, precision, "graph", network.graph, weights_sha256[:8])
    return cache_dir("models") / ("-".join(str(word) for word in words if word) + ".onnx")


def find_network(name: str) -> Network:
    """Return one of ``NETWORKS``, or that of a generator of the user's.

    Raises:
        InputError: there is none of this name.
    """
    network = known_network(name)
    if network is None:
        names = ", ".join(dict.fromkeys((*NETWORKS, *GENERATORS)))
        raise InputError(f"there is no network {name!r}; choose one of {names}")
    return network


def known_network(name: str) -> Network | None:
    """Return one of ``NETWORKS``, or that of a generator of the user's; None: there is none."""
    if name in GENERATORS and name not in NETWORKS:
        return network_of(GENERATORS[name])
    return NETWORKS.get(name)


def _picture(size: int) -> Shapes:
    return {"picture": (1, size, size, 4)}


def _encoder(weights: Path, size: int, precision: Precision) -> "nn.Module":
    del size
    # They import torch.
    from vjnode.modulation.encoder.export import (  # noqa: PLC0415
        InHalf,
        Lasting,
        folded,
        load_encoder,
    )
    from vjnode.modulation.encoder.network import Streaming  # noqa: PLC0415
    from vjnode.modulation.encoder.weights import load_trained  # noqa: PLC0415

    streaming = Streaming(folded(load_encoder(load_trained(weights).weights)))
    lasting = Lasting(streaming).eval()
    return InHalf(lasting) if precision == "fp16" else lasting


def _encoder_inputs() -> Shapes:
    """Return what ``vjnode.modulation.encoder.export.Lasting`` takes."""
    lasting = {f"history{i}": shape for i, shape in enumerate(histories()) if all(shape)}
    return {"column": (1, PLANES, 1, FRAMES), **lasting}


def _encoder_outputs() -> Shapes:
    before = _encoder_inputs()
    kept = {k.replace("history", "kept"): v for k, v in before.items() if k != "column"}
    return {"values": (1, VALUES), **kept}


def network_of(spec: GeneratorSpec) -> Network:
    """Return a generator's frame graph as a network."""
    return Network(
        name=spec.name,
        about=spec.about,
        graph=spec.graph,
        sizes=spec.sizes,
        weights=spec.weights,
        module=spec.frame_graph,
        inputs=lambda: spec.inputs,
        outputs=_picture,
    )


NETWORKS = {
    network.name: network
    for network in (
        *map(network_of, SHIPPED.values()),
        Network(
            name="encoder",
            about="sound encoder",
            graph=2,
            sizes=(0,),
            weights=lambda: shipped("encoder", "encoder.safetensors"),
            module=_encoder,
            inputs=_encoder_inputs,
            outputs=lambda size: _encoder_outputs(),
        ),
    )
}

SHOW = (DEFAULT.name, "encoder")
"""Names of the networks that a show runs."""
