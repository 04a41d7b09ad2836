"""Choice of the engine that draws: the one place that knows them all.

They stand in the order of choice, and the first that is really usable draws: its package, its
device and whatever was built for it are there, and a first picture looks like one. A runtime is
imported when it is opened, and nothing of CUDA where no driver of a card is.
"""

import importlib.util
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import groupby

from vjnode.engines.base import Engine
from vjnode.engines.crash_guard import attempt, forget_failure, refuse_if_it_took_down
from vjnode.engines.cuda.capability import gpu_here
from vjnode.engines.cuda.driver import NO_CARD
from vjnode.engines.timing import kept_ms, looks_like_one, measured_ms, probe
from vjnode.errors import EngineError, InputError, VjnodeError
from vjnode.generators.registry import DEFAULT
from vjnode.generators.spec import GeneratorSpec


@dataclass(frozen=True)
class Candidate:
    """One way to draw.

    name: for people and machines. open: from generator, size, px, and threads for what runs on the
        processor (None for one on each core) to an engine; raises a ``VjnodeError`` that says
        why it cannot, and what to do.
    """

    name: str
    open: Callable[[GeneratorSpec, int, int | None], Engine]


@dataclass(frozen=True)
class Verdict:
    """Result of trying a candidate.

    engine: name of its engine, "" when it is not usable. reason: why it is not, with the
    remedy; "" when it is. ms: time for a picture, copied back; None: not measured.
    """

    name: str
    engine: str
    reason: str
    ms: float | None = None

    @property
    def usable(self) -> bool:
        """Return whether it can draw here."""
        return not self.reason


@dataclass(frozen=True)
class Choice:
    """The engine that draws, and the verdict on every candidate that came before it, and on it."""

    engine: Engine
    verdicts: tuple[Verdict, ...]

    @property
    def taken(self) -> Verdict:
        """The verdict on the one that was taken."""
        return self.verdicts[-1]

    def report(self) -> dict[str, object]:
        """Return the same as ``str`` does, for machines."""
        return {
            "runtime": self.taken.name,
            "engine": self.taken.engine,
            "ms": self.taken.ms,
            "skipped": {one.name: one.reason for one in self.verdicts[:-1]},
        }

    def __str__(self) -> str:
        """Say which, how fast, and why none of those before it."""
        ms = "" if self.taken.ms is None else f", {self.taken.ms:.3g} ms a picture"
        return f"{self.taken.engine}{ms}{skipped_text(self.verdicts[:-1])}"


def skipped_text(verdicts: Sequence[Verdict]) -> str:
    """Return the reasons of those that are not usable, in brackets; "" where there are none."""
    same = groupby(verdicts, lambda one: one.reason)
    said = "; ".join(f"not {', '.join(one.name for one in ones)}: {why}" for why, ones in same)
    return f" ({said})" if said else ""


def _tensorrt(flavour: str) -> Callable[[GeneratorSpec, int, int | None], Engine]:
    def open_(spec: GeneratorSpec, size: int, threads: int | None) -> Engine:
        del threads
        _need_card()
        from vjnode.engines.build.tensorrt_variants import FLAVOURS  # noqa: PLC0415
        from vjnode.engines.cuda.tensorrt_engine import open_tensorrt  # noqa: PLC0415

        return open_tensorrt(spec, FLAVOURS[flavour], size)

    return open_


def _torch_cuda(spec: GeneratorSpec, size: int, threads: int | None) -> Engine:
    del threads
    _need_card()
    from vjnode.engines.cuda.torch_engine import open_torch_cuda  # noqa: PLC0415

    return open_torch_cuda(spec, size)


def _onnxruntime(spec: GeneratorSpec, size: int, threads: int | None) -> Engine:
    from vjnode.engines.onnxruntime import open_onnx_provider  # noqa: PLC0415

    return open_onnx_provider(spec, size, threads)


def _openvino(spec: GeneratorSpec, size: int, threads: int | None) -> Engine:
    from vjnode.engines.openvino.engine import OpenVinoEngine  # noqa: PLC0415

    return OpenVinoEngine(spec, size, threads, fast=True)


def _need_card() -> None:
    if gpu_here() is None:
        raise EngineError(NO_CARD)


CANDIDATES = (
    Candidate("tensorrt_rtx", _tensorrt("tensorrt_rtx")),
    Candidate("tensorrt", _tensorrt("tensorrt")),
    Candidate("torch", _torch_cuda),
    Candidate("onnxruntime", _onnxruntime),
    Candidate("openvino", _openvino),
)
"""In the order of choice; the last one works everywhere."""

_taken: dict[tuple[str, int], Candidate] = {}
"""Generator and size → what this process has taken: an engine that is opened again need not be
chosen again."""


def open_engine(size: int, threads: int | None = None, *, spec: GeneratorSpec = DEFAULT) -> Engine:
    """Open the best engine that works on this machine.

    size: one of ``spec.sizes``, px. threads: for engines on the processor;
    None for one on each core.

    Raises:
        InputError: another size.
        FetchError: the generator is neither in the cache nor to be had.
    """
    taken = _taken.get((spec.name, size))
    if taken is not None and taken.name in {one.name for one in _considered()}:
        try:
            return taken.open(spec, size, threads)
        except (VjnodeError, RuntimeError, OSError):  # it was usable, and is not any more
            if taken.name == CANDIDATES[-1].name:
                raise
            _taken.pop((spec.name, size), None)
    return choose(size, threads, spec=spec).engine


def choose(
    size: int,
    threads: int | None = None,
    *,
    measured: bool = False,
    spec: GeneratorSpec = DEFAULT,
) -> Choice:
    """Open the best engine that works on this machine, and say why it is that one.

    ``VJNODE_ENGINE`` names the only candidate to consider.

    measured: also measure it, unless that was done before on this machine.

    Raises:
        InputError: another size, or ``VJNODE_ENGINE`` names nothing that is known.
        VjnodeError: not even the last candidate can draw.
    """
    spec.check_size(size)
    verdicts: list[Verdict] = []
    candidates = _considered()
    for candidate in candidates[:-1]:
        try:
            refuse_if_it_took_down(candidate.name)
            engine = _proved(candidate, spec, size, threads)
        except VjnodeError as error:
            verdicts.append(Verdict(candidate.name, "", str(error)))
            continue
        break
    else:
        candidate = candidates[-1]  # nothing can take its place, so it need not be tried first
        engine = candidate.open(spec, size, threads)
    _taken[spec.name, size] = candidate
    ms = measured_ms(engine, spec=spec) if measured else kept_ms(engine)
    return Choice(engine, (*verdicts, Verdict(candidate.name, engine.name, "", ms)))


def survey(size: int, *, spec: GeneratorSpec = DEFAULT) -> list[Verdict]:
    """Open and measure every candidate, in the order of choice; a show takes the first usable.

    Raises:
        InputError: another size.
    """
    spec.check_size(size)
    return [_verdict(candidate, spec, size) for candidate in _considered()]


def allowed() -> tuple[str, ...]:
    """Return the names of the candidates that ``VJNODE_ENGINE`` allows, in the order of choice.

    Raises:
        InputError: ``VJNODE_ENGINE`` names nothing that is known.
    """
    return tuple(candidate.name for candidate in _considered())


def processor_may_draw() -> bool:
    """Return True if ``VJNODE_ENGINE`` allows the last candidate, the processor.

    Raises:
        InputError: ``VJNODE_ENGINE`` names nothing that is known.
    """
    return CANDIDATES[-1] in _considered()


def may_be_fast() -> bool:
    """Return whether there is anything here beside the processor that could draw. Opens nothing."""
    direct_ml = sys.platform == "win32" and importlib.util.find_spec("onnxruntime") is not None
    return gpu_here() is not None or sys.platform == "darwin" or direct_ml


def _considered() -> tuple[Candidate, ...]:
    name = os.environ.get("VJNODE_ENGINE")
    found = CANDIDATES if not name else tuple(one for one in CANDIDATES if one.name == name)
    if not found:
        names = ", ".join(one.name for one in CANDIDATES)
        raise InputError(f"VJNODE_ENGINE is {name!r}; set it to one of {names}, or to nothing")
    return found


def _verdict(candidate: Candidate, spec: GeneratorSpec, size: int) -> Verdict:
    forget_failure(candidate.name)
    try:
        engine = _proved(candidate, spec, size, None)
    except VjnodeError as error:
        return Verdict(candidate.name, "", str(error))
    try:
        return Verdict(candidate.name, engine.name, "", measured_ms(engine, anew=True, spec=spec))
    finally:
        engine.close()


def _proved(candidate: Candidate, spec: GeneratorSpec, size: int, threads: int | None) -> Engine:
    """Open an engine and return it when it draws something; else close it.

    Raises:
        VjnodeError: it cannot be opened, its picture is none, or it has failed.
    """
    with ExitStack() as unless_proved, attempt(candidate.name):
        try:
            engine = candidate.open(spec, size, threads)
            unless_proved.callback(engine.close)
            picture = engine.draw(probe(spec))
        except VjnodeError:
            raise
        except Exception as error:  # whatever it is, there are others
            raise EngineError(f"{candidate.name} fails: {error}") from error
        if not looks_like_one(picture, engine.size):
            raise EngineError(
                f"{engine.name} draws nothing that could be a face: its arithmetic or its engine "
                "is broken; update the driver, and build the engine again if it is one"
            )
        unless_proved.pop_all()
        return engine
