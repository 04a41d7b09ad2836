"""OpenVINO on the processor: the generator as one graph from style codes to RGBA."""

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, cast, get_args

import numpy as np
from numpy.typing import NDArray

from vjnode.engine.base import SIZES
from vjnode.engine.manifest import sha256_of
from vjnode.engine.openvino_graph import GRAPH, INT8_LIMITS, Precision, Quality, compiled
from vjnode.errors import InputError
from vjnode.face import fetch, live
from vjnode.face.layout import DIM, SLOTS
from vjnode.runtime import cores, load_openvino

if TYPE_CHECKING:
    import openvino

MOST_AT_ONCE = 4
"""Engines that share out the cores; each has memory of its own."""

PATIENCE_MS = 5
"""How often a drawing is asked whether it is still wanted."""

TEXTURE = np.ones(1, np.float32)
"""Strength of the generator's frozen noise: as it was trained."""


class OpenVinoEngine:
    """The default generator on the processor.

    size: 1024, 512 or 256, px. threads: how many to use; None for one on each core.
    fast: as a show draws, int8 rather than f32, or what ``VJNODE_PRECISION`` says.
    quality: ``full`` draws 1024 px and averages; ``live`` runs the network of
    ``vjnode.face.heads``, some six times as fast, which there is for 512 and 256 px.

    Raises:
        InputError: another size.
        FetchError: the generator is neither in the cache nor to be had.
    """

    name: str
    identity: str
    size: int
    at_once: int

    def __init__(
        self,
        size: int,
        threads: int | None = None,
        quality: Quality = "full",
        *,
        fast: bool = False,
    ) -> None:
        if size not in SIZES:
            raise InputError(f"size {size} px cannot be drawn; choose one of {SIZES}")
        weights = fetch.GENERATOR.sha256
        if quality == "live":
            weights += live.file_sha256(size)
        ov = load_openvino()
        core = ov.Core()
        precision = _precision(core, quality, fast=fast)
        if precision == "int8":
            weights += sha256_of(INT8_LIMITS)
        options: dict[str, object] = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32",
            # Audio and outputs need the cores too; a pinned thread would wait behind them.
            "ENABLE_CPU_PINNING": False,
        }
        if threads is not None:
            options["INFERENCE_NUM_THREADS"] = threads
        self._request = compiled(core, size, options, quality, precision).create_infer_request()
        self.size = size
        self.at_once = min(threads or cores(), MOST_AT_ONCE)
        processor = str(core.get_property("CPU", "FULL_DEVICE_NAME")).strip()
        self.name = f"openvino {precision}{' live' * (quality == 'live')} on {processor}"
        what = f"{weights} {GRAPH} {ov.__version__} {precision} {size}"
        self.identity = hashlib.sha256(what.encode()).hexdigest()[:16]

    def draw(self, codes: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Draw one picture; see ``Engine.draw``."""
        self._request.infer(_inputs(codes), share_inputs=True)
        return self._picture()

    def draw_unless(
        self, given_up: Callable[[], bool], codes: NDArray[np.float32]
    ) -> NDArray[np.uint8] | None:
        """Draw one picture unless that is given up; see ``Engine.draw_unless``."""
        inputs = _inputs(codes)
        self._request.start_async(inputs, share_inputs=True)
        while not self._request.wait_for(PATIENCE_MS):
            if given_up():
                self._request.cancel()
                with suppress(RuntimeError):  # how OpenVINO says that it has been cancelled
                    self._request.wait()
                return None
        return self._picture()

    def _picture(self) -> NDArray[np.uint8]:
        picture: NDArray[np.uint8] = self._request.get_output_tensor(0).data[0].copy()
        return picture

    def close(self) -> None:
        """Free the network's memory; safe to call twice."""
        self._request = None


def _inputs(codes: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    if codes.shape != (SLOTS, DIM):
        raise ValueError(f"codes have shape {codes.shape}, not {(SLOTS, DIM)}")
    return [np.ascontiguousarray(codes[None], np.float32), TEXTURE]


def _precision(core: "openvino.Core", quality: Quality, *, fast: bool) -> Precision:
    """Return the fastest precision that keeps the picture, or what the user has asked for.

    Raises:
        InputError: the user has asked for another one.
    """
    asked = os.environ.get("VJNODE_PRECISION") if fast else None
    if asked in get_args(Precision):
        # There is no live network in int8.
        return "f32" if quality == "live" and asked == "int8" else cast("Precision", asked)
    if asked:
        raise InputError(
            f"VJNODE_PRECISION is {asked!r}; unset it, or set it to one of "
            f"{', '.join(get_args(Precision))}"
        )
    # Where the processor lacks bf16 it would be emulated: slower and no better.
    if "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        return "bf16"
    return "int8" if fast and quality == "full" else "f32"
