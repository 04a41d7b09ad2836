"""Opens what a show passes from look to look with, and the engine of a passage."""

import logging
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from vjnode.engines.base import Engine
from vjnode.engines.openvino.parallel import AT_ONCE, SideBySide, pair_name
from vjnode.engines.own_weights import usable
from vjnode.engines.registry import open_engine, processor_may_draw
from vjnode.engines.timing import kept_ms, measured_ms
from vjnode.generators.spec import GeneratorSpec
from vjnode.render.base import Look, Renderer
from vjnode.render.direct import DirectRenderer
from vjnode.render.direct_transition import DirectTransition, Lacks
from vjnode.render.layers import LayersOf, layers_of, poses_of
from vjnode.render.looks import has_own_weights, own_weights_of
from vjnode.render.mixtures import Mixtures
from vjnode.render.passage import Immediate, Passage
from vjnode.render.transition import (
    LeftOutOf,
    PassageTransition,
    Transition,
)
from vjnode.runtime import cores

if TYPE_CHECKING:
    from vjnode.generators.parts import Quality

_log = logging.getLogger(__name__)

LEAST_FPS = 24.0
"""Fewer pictures a second are no movement, even with what lies between them."""

TOGETHER, APART = 1.5, 1.2
"""A picture takes so many times longer beside a show than alone, where all cores draw it together,
and where each of two draws one of its own."""

OFTEN = 3
"""Measurements of which the quickest counts: the first may meet a busy machine, and what was too
slow then would be so for ever."""

PROMPT_S = 0.1
"""Longest time of one picture, s: a face that does what it hears later than that lags."""


def open_transition(renderer: Renderer, *, spec: GeneratorSpec, size: int) -> Transition:
    """Open the transitions of a show of ``size`` px that ``renderer`` draws, from spec's looks.

    No engine is opened before a look passes into another, or is about to.
    """
    if isinstance(renderer, DirectRenderer):
        mixtures = Mixtures(spec, renderer.own_weights)
        return DirectTransition(renderer, mixtures, lacks_weights(renderer, spec))
    passage = Passage(partial(open_passage_engine, spec, size), size)
    layers = layers_of(spec)
    return PassageTransition(
        renderer,
        passage,
        Mixtures(spec),
        left_out_of(layers),
        poses=poses_of(spec, layers),
        only_keys=has_own_weights(spec),
    )


def open_offline_transition(
    renderer: Renderer, *, spec: GeneratorSpec, size: int
) -> PassageTransition:
    """Open the transitions of a rendering from key frames: every mix is drawn, by no clock.

    So that the same looks at the same times give the same frames, each look is to be prepared
    before it is asked for.
    """
    passage = Immediate(partial(open_engine, size, spec=spec))
    return PassageTransition(
        renderer,
        passage,
        Mixtures(spec),
        left_out_of(layers_of(spec)),
        only_keys=has_own_weights(spec),
    )


def lacks_weights(renderer: DirectRenderer, spec: GeneratorSpec) -> Lacks:
    """Return what says that a look's face has weights of its own which do not draw it, and why."""
    of = own_weights_of(spec)

    def lacks(look: Look) -> str:
        own = of(look)
        if own is None or renderer.own_weights(look) is not None:
            return ""
        why = "take --drawing keys" if usable(own) else "cannot be used"
        return f"{look.face} without its own weights, which {why}"

    return lacks


def left_out_of(layers: LayersOf) -> LeftOutOf:
    """Return what gives the channels of a look that key frames leave out."""
    return lambda look: layers(look).left_out


def open_passage_engine(spec: GeneratorSpec, size: int) -> Engine | None:
    """Open the engine for passages of a show of ``size`` px; None: nothing here is fast enough.

    That is the whole generator where it is known to keep up; else the smaller network, at its
    largest size that does, by all cores or two pictures at once. What is not known of it is
    measured, which takes a second, and kept.
    """
    if spec.parts is None or not processor_may_draw():
        return None
    # It is imported when it is opened.
    from vjnode.engines.openvino.engine import OpenVinoEngine, known_as  # noqa: PLC0415

    smaller = sorted((one for one in spec.parts.reduced_sizes if one <= size), reverse=True)
    tried: list[tuple[int, Quality]] = [(size, "full"), *((one, "reduced") for one in smaller)]
    for side, quality in tried:
        known = known_as(spec, side, quality, fast=True)
        open_one = partial(OpenVinoEngine, spec, side, None, quality, fast=True)
        open_two = partial(SideBySide, partial(open_one, shares=AT_ONCE))
        pair = replace(known, name=pair_name(known.name))
        for name, open_it, at_once in ((known, open_one, 1), (pair, open_two, AT_ONCE)):
            # The whole generator is measured by a show with key frames.
            often = 1 if quality == "full" else OFTEN
            ms = kept_ms(name, count=often)
            if at_once > cores() or (ms is None and quality == "full"):
                continue
            if ms is not None and not _keeps_up(ms, at_once):
                continue
            with ExitStack() as unless_chosen:
                engine = open_it()
                unless_chosen.callback(engine.close)
                if _keeps_up(measured_ms(engine, count=often, spec=spec), at_once):
                    unless_chosen.pop_all()
                    _log.info("looks pass into one another by %s, %d px", engine.name, side)
                    return engine
    _log.info("looks pass into one another by their key frames: nothing draws fast enough here")
    return None


def _keeps_up(ms: float, at_once: int) -> bool:
    takes_s = 1e-3 * ms * (TOGETHER if at_once == 1 else APART)
    return takes_s * LEAST_FPS <= 1.0 and takes_s * at_once <= PROMPT_S
