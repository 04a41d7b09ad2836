"""Shape of a StyleGAN3: its layers, as the network's file keeps them beside the numbers."""

import json
from dataclasses import asdict, dataclass
from typing import Any

SIDE_HIGH, CHANNELS_HIGH, LAYERS_HIGH, TAPS_HIGH, FACTOR_HIGH = 1300, 4096, 40, 64, 8
"""Largest sides of features, channels, number of layers, taps of a filter, and resampling factor.
At 1024 px a network has features of 1044 px and filters of 24 taps."""


@dataclass(frozen=True)
class Layer:
    """A layer: convolution, doubling, activation, halving.

    inputs, outputs: channels. taps: of the kernel, along one axis.
    up, down: factors of the resampling. up_taps, down_taps: of its filters along one axis; 1 where
        nothing is filtered. radial: whether the filter on the way down is one of two dimensions.
    padding: before the filter on the way up: left, right, top, bottom; negative cuts off.
    size: of its result, px.
    """

    inputs: int
    outputs: int
    taps: int
    up: int
    down: int
    up_taps: int
    down_taps: int
    radial: bool
    padding: tuple[int, int, int, int]
    size: int

    def check(self, inputs: int, size: int) -> None:
        """Check that its numbers fit together, and to what comes before.

        inputs, size: channels and px of what it is given.

        Raises:
            ValueError: they do not.
        """
        sides = (self.inputs, self.outputs, self.up_taps, self.down_taps, self.size)
        whole = all(type(one) is int for one in (*sides, self.taps, self.up, self.down))
        if not whole or not all(type(one) is int for one in self.padding):
            raise ValueError("a layer has numbers that are not whole")
        if (
            self.inputs != inputs
            or not 1 <= self.outputs <= CHANNELS_HIGH
            or not 1 <= self.size <= SIDE_HIGH
            or self.taps not in (1, 3)
            or not (1 <= self.up <= FACTOR_HIGH and 1 <= self.down <= FACTOR_HIGH)
            or not (1 <= self.up_taps <= TAPS_HIGH and 1 <= self.down_taps <= TAPS_HIGH)
            or len(self.padding) != 4
            or max(map(abs, self.padding)) > SIDE_HIGH
        ):
            raise ValueError(f"a layer is beyond what is known: {self}")
        if (self.up > 1 and self.up_taps == 1) or (self.down > 1 and self.down_taps == 1):
            raise ValueError("a layer is resampled without a filter")
        for low, high in (self.padding[:2], self.padding[2:]):
            wide = (size + self.taps - 1) * self.up + low + high - self.up_taps + 1
            if (wide - self.down_taps) // self.down + 1 != self.size or wide < self.down_taps:
                raise ValueError(f"a layer's padding does not lead to {self.size} px")


@dataclass(frozen=True)
class Shape:
    """A network.

    side, channels: of the Fourier features that drawing starts from. band: highest frequency in
    them. rate: their sampling rate. scale: of the picture. clamp: largest size of a layer's result.
    """

    side: int
    channels: int
    band: float
    rate: float
    scale: float
    clamp: float
    layers: tuple[Layer, ...]

    @property
    def size(self) -> int:
        """Return the size of its pictures, px."""
        return self.layers[-1].size

    @property
    def slots(self) -> int:
        """Return the number of its style codes: one for the features, and one for each layer."""
        return 1 + len(self.layers)

    def check(self) -> None:
        """Check that its layers fit together.

        Raises:
            ValueError: they do not.
        """
        if not 2 <= len(self.layers) <= LAYERS_HIGH:
            raise ValueError(f"it has {len(self.layers)} layers")
        if not (1 <= self.side <= SIDE_HIGH and 1 <= self.channels <= CHANNELS_HIGH):
            raise ValueError("its features are beyond what is known")
        numbers = (self.band, self.rate, self.scale, self.clamp)
        if not all(0 < one < 1e6 for one in numbers) or self.rate <= 2 * self.band:
            raise ValueError("its frequencies are beyond what is known")
        inputs, size = self.channels, self.side
        for layer in self.layers:
            layer.check(inputs, size)
            inputs, size = layer.outputs, layer.size
        if inputs != 3 or self.layers[-1].taps != 1:
            raise ValueError("its last layer does not make three colours")

    def text(self) -> str:
        """Return it as text, for a file."""
        return json.dumps(asdict(self))


def read_shape(text: str) -> Shape:
    """Return the shape that a file keeps.

    Raises:
        ValueError: it is damaged.
    """
    try:
        told: dict[str, Any] = json.loads(text)
        layers = tuple(
            Layer(**{**layer, "padding": tuple(layer["padding"])}) for layer in told.pop("layers")
        )
        shape = Shape(**told, layers=layers)
        shape.check()
    except (TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"its shape is damaged ({error})") from error
    return shape
