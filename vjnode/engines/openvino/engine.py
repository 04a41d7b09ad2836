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
from typing import TYPE_CHECKING, get_args

import numpy as np
from numpy.typing import NDArray

from vjnode.engines.base import OneByOne
from vjnode.engines.openvino.graph import GRAPH, compiled
from vjnode.engines.processor import has_bf16, processor_name
from vjnode.errors import EngineError, InputError
from vjnode.generators.latent import Latent
from vjnode.generators.parts import Arithmetic, PartsForm, Plan, Quality
from vjnode.generators.registry import DEFAULT
from vjnode.generators.spec import NOISE_STRENGTH, GeneratorSpec
from vjnode.runtime import load_openvino

if TYPE_CHECKING:
    import openvino

MOST_BANDS = 4
"""Bands of a picture that are drawn at the same time; each has memory of its own."""

PATIENCE_MS = 5
"""Interval, ms, of asking whether a drawing is still wanted."""

_NOISE = np.full(1, NOISE_STRENGTH, np.float32)


@dataclass(frozen=True)
class Known:
    """Facts about an engine before it is opened; see ``Named``."""

    name: str
    identity: str
    size: int
    precision: Arithmetic


def known_as(
    spec: GeneratorSpec,
    size: int,
    quality: Quality,
    *,
    fast: bool,
    core: "openvino.Core | None" = None,
) -> Known:
    """Return what ``OpenVinoEngine`` will be known as.

    Raises:
        InputError: another size, or ``VJNODE_PRECISION`` names nothing that is known.
        EngineError: no processor draws this generator.
    """
    spec.check_size(size)
    ov, form = load_openvino(), _form(spec)
    core = core or ov.Core()
    precision = _precision(core, form, quality, fast=fast)
    weights = form.key(Plan(size, quality, precision, 0))
    of = "" if spec is DEFAULT else f" {spec.name}"
    name = f"openvino {precision}{' live' * (quality == 'reduced')}{of} on {processor_name(core)}"
    what = f"{weights} {GRAPH} {ov.__version__} {precision} {size}"
    return Known(name, hashlib.sha256(what.encode()).hexdigest()[:16], size, precision)


def _form(spec: GeneratorSpec) -> PartsForm:
    if spec.parts is None:
        raise EngineError(f"{spec.about} is not drawn on a processor; choose another generator")
    return spec.parts


class OpenVinoEngine(OneByOne):
    """A generator on the processor.

    spec, size: which, and of what size, px. threads: how many to use; None for one on each core.
    shares: how many such engines share these cores, each with its part of them.
    fast: as a show draws, int8 rather than f32, or what ``VJNODE_PRECISION`` says.
    quality: ``full`` draws the generator's largest picture and averages; ``reduced`` runs a smaller
    network, some four times as fast, for the sizes that it has one for.

    Raises:
        InputError: another size.
        FetchError: the generator is neither in the cache nor to be had.
    """

    name: str
    identity: str
    size: int

    def __init__(
        self,
        spec: GeneratorSpec,
        size: int,
        threads: int | None = None,
        quality: Quality = "full",
        *,
        fast: bool = False,
        shares: int = 1,
    ) -> None:
        core = load_openvino().Core()
        known = known_as(spec, size, quality, fast=fast, core=core)
        precision, form = known.precision, _form(spec)
        options: dict[str, object] = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32",
            # Audio and outputs need the cores too; a pinned thread would wait behind them.
            "ENABLE_CPU_PINNING": False,
        }
        fit = _threads(core, options)
        threads = threads or max(fit // shares, 1)
        # However many threads this engine has, so that all of a machine draw with the same graphs.
        count = min(fit, MOST_BANDS) if quality == "full" and form.banded else 0
        before = 1 + form.rooted  # parts that all threads draw together
        counts = [threads] * before
        counts += [max((threads + index) // count, 1) for index in range(count)]
        parts = compiled(
            core,
            form,
            Plan(size, quality, precision, count),
            [options | {"INFERENCE_NUM_THREADS": share} for share in counts],
        )
        requests = [part.create_infer_request() for part in parts]
        together = max(1, min(threads, count))
        turns = range(before, len(requests), together)
        self._root = requests[: before - 1]
        self._turns = [
            requests[before - 1 : before],
            *(requests[first : first + together] for first in turns),
        ]
        self._rooted = False  # whether that has been run for the codes that are there
        self._codes = np.zeros((1, *spec.codes_shape), np.float32)
        self._offsets = np.zeros((1, spec.styles), np.float32)
        self._spec = spec
        self._drawn: NDArray[np.uint8] = np.zeros((1, size, size, 4), np.uint8)
        self._share_memory(self._root, requests[before - 1], requests[before:])
        self.name, self.identity, self.size = known.name, known.identity, known.size

    def _share_memory(
        self,
        roots: "list[openvino.InferRequest]",
        trunk: "openvino.InferRequest",
        bands: "list[openvino.InferRequest]",
    ) -> None:
        """Have every part read from where the others write, and all write into one picture."""
        tensor = partial(load_openvino().Tensor, shared_memory=True)
        inputs = [tensor(self._codes), tensor(_NOISE)]
        if self._offsets.size:
            inputs.append(tensor(self._offsets))
        begun = [root.get_output_tensor(0) for root in roots]
        features = trunk.get_output_tensor(0)
        before = [
            *((root, []) for root in roots),
            (trunk, begun),
            *((band, [features]) for band in bands),
        ]
        for part, made in before:
            # Offsets come last, and the late parts take none.
            for index, given in zip(range(len(part.model_inputs)), (*made, *inputs), strict=False):
                part.set_input_tensor(index, given)
        top = 0
        for part in bands or [trunk]:
            bottom = top + part.get_output_tensor(0).shape[1]
            part.set_output_tensor(tensor(self._drawn[:, top:bottom]))
            top = bottom

    def draw(self, latent: Latent) -> NDArray[np.uint8]:
        """Draw one picture; see ``Engine.draw``."""
        picture = self.draw_unless(lambda: False, latent)
        assert picture is not None  # noqa: S101 - nobody has given it up
        return picture

    def draw_unless(self, given_up: Callable[[], bool], latent: Latent) -> NDArray[np.uint8] | None:
        """Draw one picture unless that is given up; see ``Engine.draw_unless``."""
        self._spec.check_latent(latent)
        codes, offsets = latent.codes(), latent.offsets()
        # A pose stays the same through many pictures.
        root_slots, root_styles = self._spec.root_slots, self._spec.root_styles
        self._rooted &= np.array_equal(self._codes[0, :root_slots], codes[:root_slots])
        self._codes[0] = codes
        if self._offsets.size:
            whole = np.zeros_like(self._offsets[0])
            whole[: len(offsets)] = offsets
            self._rooted &= np.array_equal(self._offsets[0, :root_styles], whole[:root_styles])
            self._offsets[0] = whole
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


def _precision(
    core: "openvino.Core", form: PartsForm, quality: Quality, *, fast: bool
) -> Arithmetic:
    """Return the fastest precision that keeps the picture, or what the user has asked for.

    Raises:
        InputError: the user has asked for another one.
    """
    asked = os.environ.get("VJNODE_PRECISION") if fast else None
    if asked and asked not in get_args(Arithmetic):
        raise InputError(
            f"VJNODE_PRECISION is {asked!r}; unset it, or set it to one of "
            f"{', '.join(get_args(Arithmetic))}"
        )
    # There is no reduced network in int8.
    able = [one for one in form.arithmetic if (one, quality) != ("int8", "reduced")]
    if asked:
        return asked if asked in able else "f32"
    if "bf16" in able and has_bf16(core):
        return "bf16"
    return "int8" if fast and "int8" in able else "f32"
