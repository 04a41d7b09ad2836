"""The default generator on the processor, by OpenVINO.

Cores that share out every layer of a picture wait for each other after each. So what is small is
drawn first, by all of them, and then each draws a band of the picture's rows by itself.
"""

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, cast, get_args

import numpy as np
from numpy.typing import NDArray

from vjnode.engines.base import SIZES, OneByOne
from vjnode.engines.build.manifest import sha256_of
from vjnode.engines.openvino.graph import GRAPH, INT8_LIMITS, Plan, Precision, Quality, compiled
from vjnode.engines.processor import has_bf16, processor_name
from vjnode.errors import InputError
from vjnode.generators.mobilestylegan import distilled_weights, download
from vjnode.generators.mobilestylegan.layout import DIM, ROOT_SLOTS, SLOTS
from vjnode.runtime import load_openvino

if TYPE_CHECKING:
    import openvino

MOST_BANDS = 4
"""Bands of a picture that are drawn at the same time; each has memory of its own."""

PATIENCE_MS = 5
"""How often a drawing is asked whether it is still wanted."""

TEXTURE = np.ones(1, np.float32)
"""Strength of the generator's frozen noise: as it was trained."""


@dataclass(frozen=True)
class Known:
    """What is known of an engine before it is opened; see ``Named``."""

    name: str
    identity: str
    size: int
    precision: Precision


def known_as(
    size: int, quality: Quality, *, fast: bool, core: "openvino.Core | None" = None
) -> Known:
    """Return what ``OpenVinoEngine`` will be known as.

    Raises:
        InputError: another size, or ``VJNODE_PRECISION`` names nothing that is known.
    """
    if size not in SIZES:
        raise InputError(f"size {size} px cannot be drawn; choose one of {SIZES}")
    weights, ov = download.GENERATOR.sha256, load_openvino()
    if quality == "live":
        weights += distilled_weights.file_sha256(size)
    core = core or ov.Core()
    precision = _precision(core, quality, fast=fast)
    if precision == "int8":
        weights += sha256_of(INT8_LIMITS)
    name = f"openvino {precision}{' live' * (quality == 'live')} on {processor_name(core)}"
    what = f"{weights} {GRAPH} {ov.__version__} {precision} {size}"
    return Known(name, hashlib.sha256(what.encode()).hexdigest()[:16], size, precision)


class OpenVinoEngine(OneByOne):
    """The default generator on the processor.

    size: 1024, 512 or 256, px. threads: how many to use; None for one on each core.
    shares: how many such engines share these cores, each with its part of them.
    fast: as a show draws, int8 rather than f32, or what ``VJNODE_PRECISION`` says.
    quality: ``full`` draws 1024 px and averages; ``live`` runs the network of
    ``vjnode.generators.mobilestylegan.distilled``, some four times as fast, which there is for 512
    and 256 px.

    Raises:
        InputError: another size.
        FetchError: the generator is neither in the cache nor to be had.
    """

    name: str
    identity: str
    size: int

    def __init__(
        self,
        size: int,
        threads: int | None = None,
        quality: Quality = "full",
        *,
        fast: bool = False,
        shares: int = 1,
    ) -> None:
        core = load_openvino().Core()
        known = known_as(size, quality, fast=fast, core=core)
        precision = known.precision
        options: dict[str, object] = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32",
            # Audio and outputs need the cores too; a pinned thread would wait behind them.
            "ENABLE_CPU_PINNING": False,
        }
        fit = _threads(core, options)
        threads = threads or max(fit // shares, 1)
        # However many threads this engine has, so that all of a machine draw with the same graphs.
        count = min(fit, MOST_BANDS) if quality == "full" else 0
        counts = [threads, threads, *(max((threads + index) // count, 1) for index in range(count))]
        parts = compiled(
            core,
            Plan(size, quality, precision, count),
            [options | {"INFERENCE_NUM_THREADS": share} for share in counts],
        )
        requests = [part.create_infer_request() for part in parts]
        together = max(1, min(threads, count))
        turns = range(2, len(requests), together)
        self._root = requests[:1]
        self._turns = [requests[1:2], *(requests[first : first + together] for first in turns)]
        self._rooted = False  # whether that has been run for the codes that are there
        self._codes = np.zeros((1, SLOTS, DIM), np.float32)
        self._drawn: NDArray[np.uint8] = np.zeros((1, size, size, 4), np.uint8)
        self._share_memory(*requests)
        self.name, self.identity, self.size = known.name, known.identity, known.size

    def _share_memory(
        self,
        root: "openvino.InferRequest",
        trunk: "openvino.InferRequest",
        *bands: "openvino.InferRequest",
    ) -> None:
        """Have every part read from where the others write, and all write into one picture."""
        tensor = partial(load_openvino().Tensor, shared_memory=True)
        inputs = [tensor(self._codes), tensor(TEXTURE)]
        begun, features = root.get_output_tensor(0), trunk.get_output_tensor(0)
        before = [(root, []), (trunk, [begun]), *((band, [features]) for band in bands)]
        for part, made in before:
            for index, given in enumerate((*made, *inputs)):
                part.set_input_tensor(index, given)
        top = 0
        for part in bands or [trunk]:
            bottom = top + part.get_output_tensor(0).shape[1]
            part.set_output_tensor(tensor(self._drawn[:, top:bottom]))
            top = bottom

    def draw(self, codes: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Draw one picture; see ``Engine.draw``."""
        picture = self.draw_unless(lambda: False, codes)
        assert picture is not None  # noqa: S101 - nobody has given it up
        return picture

    def draw_unless(
        self, given_up: Callable[[], bool], codes: NDArray[np.float32]
    ) -> NDArray[np.uint8] | None:
        """Draw one picture unless that is given up; see ``Engine.draw_unless``."""
        if codes.shape != (SLOTS, DIM):
            raise ValueError(f"codes have shape {codes.shape}, not {(SLOTS, DIM)}")
        # A pose stays the same through many pictures.
        self._rooted &= np.array_equal(self._codes[0, :ROOT_SLOTS], codes[:ROOT_SLOTS])
        self._codes[0] = codes
        self._rooted = self._rooted or _run(self._root, given_up)
        if self._rooted and all(_run(turn, given_up) for turn in self._turns):
            picture: NDArray[np.uint8] = self._drawn[0].copy()
            return picture
        return None

    def close(self) -> None:
        """Free the network's memory; safe to call twice."""
        self._root, self._turns = [], []


def _run(requests: "list[openvino.InferRequest]", given_up: Callable[[], bool]) -> bool:
    """Run all of them at the same time; returns whether they have, and were not given up."""
    for request in requests:
        request.start_async()
    for request in requests:
        while not request.wait_for(PATIENCE_MS):
            if given_up():
                for one in requests:
                    one.cancel()
                for one in requests:
                    with suppress(RuntimeError):  # how OpenVINO says that it has been cancelled
                        one.wait()
                return False
        request.wait()  # raises what went wrong
    return True


def _threads(core: "openvino.Core", options: dict[str, object]) -> int:
    """Return how many threads OpenVINO itself would use, often fewer than logical cores."""
    ov = load_openvino()
    nothing = ov.opset13.parameter([1], np.float32)
    model = ov.Model([ov.opset13.relu(nothing)], [nothing], "nothing")
    compiled = core.compile_model(model, "CPU", options)
    return max(1, int(compiled.get_property("INFERENCE_NUM_THREADS")))


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
    if has_bf16(core):
        return "bf16"
    return "int8" if fast and quality == "full" else "f32"
