"""Opens what a show draws with: key frames, or every frame anew where that is fast enough."""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import lru_cache, partial
from math import inf
from typing import TYPE_CHECKING

from vjnode.engines.base import LEAST_LIVE_FPS, Engine, TunedEngine
from vjnode.engines.openvino.parallel import AT_ONCE, SideBySide
from vjnode.engines.own_weights import WithOwnWeights
from vjnode.engines.registry import (
    CANDIDATES,
    Choice,
    Verdict,
    choose,
    may_be_fast,
    open_engine,
    processor_may_draw,
)
from vjnode.engines.timing import kept_ms, measured_ms
from vjnode.errors import InputError, VjnodeError
from vjnode.faces.catalogue import load_face
from vjnode.faces.expression import Expression, latent_in, subject_of
from vjnode.generators.latent import Latent, Subject
from vjnode.generators.registry import DEFAULT
from vjnode.generators.spec import GeneratorSpec
from vjnode.paths import cache_dir
from vjnode.render.base import Latents, Look, Renderer
from vjnode.render.direct import DirectRenderer
from vjnode.render.keyframe_renderer import KeyframeRenderer
from vjnode.render.layers import layers_of
from vjnode.render.looks import expressions_of, faces_with_own_weights, weights_of
from vjnode.render.own_faces import open_tuned_engines, with_own_faces
from vjnode.runtime import cores

if TYPE_CHECKING:
    from vjnode.generators.parts import Quality

_log = logging.getLogger(__name__)

LIVE_SHARE = 0.35
"""An engine that draws within this part of a period draws every frame anew: it begins 0.4 periods
before a frame is due, and may take a little longer at times."""

IN_A_SHOW = 1.5
"""A picture that all cores draw takes so many times longer beside a show than alone."""

SMOOTH_S = 0.04
"""Longest time from one picture to the next, s, before two are drawn at once: they then come more
often, but each, on half of the cores, a little later."""

PROMPT_S = 0.1
"""Unless each would then take longer than this, s."""


SUBJECTS = 32
"""Looks whose directions are kept: 150 kB each."""


def latents_of(spec: GeneratorSpec) -> Latents:
    """Return what a generator draws of a look; the subjects of the last looks are kept."""

    @lru_cache(maxsize=SUBJECTS)
    def found(look: Look) -> tuple[Subject, tuple[Expression | None, ...]]:
        expressions = expressions_of(look, spec)
        return subject_of(load_face(look.face, spec), expressions), expressions

    def latent(look: Look, weights: Sequence[float]) -> Latent:
        subject, expressions = found(look)
        return latent_in(subject, expressions, weights_of(look, weights))

    return latent


def open_keyframes(
    *,
    spec: GeneratorSpec = DEFAULT,
    size: int,
    memory_mib: int,
    told: Callable[[Choice], None] | None = None,
    choice: Choice | None = None,
    prompt: bool = True,
) -> KeyframeRenderer:
    """Open the engine and its sweeps.

    spec: of the generator. told: is told which engine draws, before it draws. choice: an engine
    that is open already. prompt: see ``KeyframeWorkers``.
    """
    try:
        folder = cache_dir("sweeps")
    except VjnodeError as error:
        folder = None
        _log.warning("key frames cannot be kept: %s", error)

    def opened(threads: int | None) -> Engine:
        if threads is not None:  # one more
            return WithOwnWeights(open_engine(size, threads, spec=spec), threads)
        chosen = choice or choose(size, measured=True, spec=spec)
        _tell("drawing with %s", chosen, told)
        return WithOwnWeights(chosen.engine)

    return KeyframeRenderer(
        opened,
        latents_of(spec),
        layers_of(spec),
        size=size,
        memory_bytes=memory_mib << 20,
        folder=folder,
        prompt=prompt,
    )


def open_direct(
    *,
    spec: GeneratorSpec = DEFAULT,
    size: int,
    period_s: float,
    told: Callable[[Choice], None] | None = None,
    restarted: bool = False,
) -> DirectRenderer:
    """Open what draws every frame anew.

    That is the whole generator on a card where it keeps up; else what is quicker: the same, or the
    processor with the small network, or with the whole generator for a size that has no other.

    period_s: of the frames. told: is told which engine draws, before it draws. restarted: whether
    the show goes on already; what is measured beside it is no reason to end it.

    Raises:
        InputError: nothing here draws this size ``LEAST_LIVE_FPS`` times a second.
    """
    choice = _on_a_card(spec, size)
    may = spec.parts is not None and processor_may_draw()
    if choice is None or (may and not _keeps_up(choice, period_s)):
        with ExitStack() as unless_opened:
            if choice is not None:
                unless_opened.callback(choice.engine.close)
            other = _on_the_processor(spec, size, period_s)
            unless_opened.pop_all()
        choice = _quicker(choice, other)
    ms, reduced_sizes = choice.taken.ms, _reduced_sizes(spec)
    if size not in reduced_sizes and ms is not None and ms > 1e3 / LEAST_LIVE_FPS:
        rate = f"{size} px {1e3 / ms:.3g} times a second here ({choice.taken.engine})"
        if not restarted:
            choice.engine.close()
            sizes = " or ".join(f"--size {one}" for one in reduced_sizes)
            remedy = f"add {sizes}, or take --drawing keys" if sizes else "take --drawing keys"
            raise InputError(
                f"--drawing live would draw {rate}, and that takes at least {LEAST_LIVE_FPS:g}; "
                + remedy
            )
        _log.warning("drawing %s, fewer than %g: the show goes on", rate, LEAST_LIVE_FPS)
    return _direct(spec, choice, period_s, told, open_tuned_engines(choice, spec) or {})


def _reduced_sizes(spec: GeneratorSpec) -> tuple[int, ...]:
    """Return the sizes that a processor draws with a smaller network."""
    return () if spec.parts is None else spec.parts.reduced_sizes


def _on_a_card(spec: GeneratorSpec, size: int) -> Choice | None:
    """Open the whole generator on what is here beside the processor; None where it is of no use."""
    choice = choose(size, measured=True, spec=spec) if may_be_fast() else None
    if choice is None or choice.taken.name != CANDIDATES[-1].name:
        return choice
    choice.engine.close()
    return None


def _keeps_up(choice: Choice, period_s: float) -> bool:
    return choice.taken.ms is not None and choice.taken.ms <= LIVE_SHARE * period_s * 1e3


def _quicker(first: Choice | None, second: Choice) -> Choice:
    """Return one of two, and close the other; one that was not measured is the slower."""
    if first is None:
        return second
    taken, other = sorted((first, second), key=_ms)
    other.engine.close()
    return taken


def _ms(choice: Choice) -> float:
    return inf if choice.taken.ms is None else choice.taken.ms


def open_renderer(
    *,
    spec: GeneratorSpec = DEFAULT,
    size: int,
    drawing: str,
    period_s: float,
    memory_mib: int,
    told: Callable[[Choice], None] | None = None,
    restarted: bool = False,
) -> Renderer:
    """Open what a show draws with.

    drawing: one of ``vjnode.config.DRAWINGS``; ``auto`` is live where the engine draws fast enough
    for this period, s, those with weights of faces' own included, and from key frames elsewhere.
    restarted: as for ``open_direct``. The rest is as for ``open_keyframes``.

    Raises:
        InputError: no engine draws this size live, and nothing else was asked for.
    """
    if drawing == "live":
        return open_direct(spec=spec, size=size, period_s=period_s, told=told, restarted=restarted)
    own, choice = faces_with_own_weights(spec) if drawing == "auto" else {}, None
    fast = drawing == "auto" and may_be_fast()
    if fast or (drawing == "auto" and not own and _processor_keeps_up(spec, size, period_s)):
        choice, within_ms = choose(size, measured=True, spec=spec), LIVE_SHARE * period_s * 1e3
        if _keeps_up(choice, period_s):
            tuned = open_tuned_engines(choice, spec, within_ms=within_ms)
            if tuned is not None:
                return _direct(spec, choice, period_s, told, tuned)
    elif own:
        names = ", ".join(own)
        _log.info("drawing from key frames, for the faces with weights of their own: %s", names)
    return open_keyframes(spec=spec, size=size, memory_mib=memory_mib, told=told, choice=choice)


def _processor_keeps_up(spec: GeneratorSpec, size: int, period_s: float) -> bool:
    """Return whether the whole generator has been measured on this processor, and keeps up.

    Nothing is opened to find out: key frames are drawn by threads of low priority, which an engine
    that was opened by another one would not have. A show with key frames measures it.
    """
    from vjnode.engines.openvino.engine import known_as  # noqa: PLC0415 - imported when it is needed

    if spec.parts is None:
        return False
    ms = kept_ms(known_as(spec, size, "full", fast=True))
    return ms is not None and ms <= LIVE_SHARE * period_s * 1e3


def _on_the_processor(spec: GeneratorSpec, size: int, period_s: float) -> Choice:
    """Open one engine that draws with all cores, or two side by side.

    With the reduced network; with the whole generator where there is none for this size.
    """
    # They are imported when opened.
    from vjnode.engines.openvino.engine import OpenVinoEngine, known_as  # noqa: PLC0415

    quality: Quality = "reduced" if size in _reduced_sizes(spec) else "full"
    open_one = partial(OpenVinoEngine, spec, size, None, quality, fast=True)
    engine: Engine | None = None
    ms = kept_ms(known_as(spec, size, quality, fast=True))
    if ms is None:
        engine, ms = _measured(spec, open_one)
    slow = 1e-3 * IN_A_SHOW * ms > max(SMOOTH_S, period_s)
    if slow and 1e-3 * AT_ONCE * ms <= PROMPT_S and cores() >= AT_ONCE:
        if engine is not None:
            engine.close()
        engine, ms = _measured(spec, partial(SideBySide, partial(open_one, shares=AT_ONCE)))
    engine = engine or open_one()
    return Choice(engine, (Verdict("openvino", engine.name, "", ms),))


def _measured(spec: GeneratorSpec, open_one: Callable[[], Engine]) -> tuple[Engine, float]:
    """Open an engine and measure it, ms; it is closed again where that fails."""
    with ExitStack() as unless_measured:
        engine = open_one()
        unless_measured.callback(engine.close)
        ms = measured_ms(engine, spec=spec)
        unless_measured.pop_all()
        return engine, ms


def _direct(
    spec: GeneratorSpec,
    choice: Choice,
    period_s: float,
    told: Callable[[Choice], None] | None,
    tuned: Mapping[int, TunedEngine],
) -> DirectRenderer:
    """Return what draws every frame with an engine, the next one meanwhile where that is needed.

    An engine that keeps up by itself shows each frame at once. Of one that does not, the next
    picture is begun before the last one is there. tuned: as for ``WithTuned``; may be empty.
    """
    _tell("drawing every frame with %s", choice, told)
    engine, own = with_own_faces(choice.engine, tuned, spec)
    alone = engine.parallel == 1 and _keeps_up(choice, period_s)
    at_once = 1 if alone else engine.at_once
    return DirectRenderer(engine, latents_of(spec), at_once=at_once, own=own)


def _tell(how: str, choice: Choice, told: Callable[[Choice], None] | None) -> None:
    """Say which engine draws, once in the log and to whom it may concern."""
    _log.info(how, choice)
    if told is not None:
        told(choice)
