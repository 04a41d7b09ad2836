"""Choice of what looks pass into one another with, and a rendering of a morph."""

import numpy as np
import pytest

from vjnode.control.state import Controls
from vjnode.engines.openvino.engine import known_as
from vjnode.engines.openvino.parallel import pair_name
from vjnode.generators.registry import DEFAULT
from vjnode.modulation.weight_track import live_track
from vjnode.render import open_transition
from vjnode.render.frame_renderer import FrameRenderer
from vjnode.render.open import open_keyframes
from vjnode.render.open_transition import open_offline_transition, open_passage_engine

SIZE = 256
ALL = 10_000
"""More key frames than a look has."""


@pytest.fixture
def figures(monkeypatch):
    """A function that sets what engines take on two cores: ms, by quality, size and at once."""

    def figures(given):
        ms = {}
        for (quality, size, at_once), value in given.items():
            known = known_as(DEFAULT, size, quality, fast=True)
            name = known.name if at_once == 1 else pair_name(known.name)
            ms[name, known.size] = value

        def kept(it, count=1):
            return ms.get((it.name, it.size))

        def measured(it, spec, count=1):
            return ms.get((it.name, it.size), 500.0)

        monkeypatch.setattr(open_transition, "kept_ms", kept)
        monkeypatch.setattr(open_transition, "measured_ms", measured)
        monkeypatch.setattr(open_transition, "cores", lambda: 2)

    return figures


@pytest.mark.parametrize(
    ("given", "chosen"),
    [
        ({("full", 1024, 1): 20.0}, ("full", 1024, 1)),
        ({("full", 1024, 1): 35.0, ("reduced", 512, 1): 20.0}, ("reduced", 512, 1)),
        ({("full", 1024, 1): 60.0, ("reduced", 512, 1): 36.0, ("reduced", 512, 2): 32.0},
         ("reduced", 512, 2)),
        ({("reduced", 512, 1): 50.0, ("reduced", 512, 2): 45.0, ("reduced", 256, 1): 18.0},
         ("reduced", 256, 1)),
        ({("reduced", 256, 1): 60.0, ("reduced", 256, 2): 60.0}, None),
    ],
)  # fmt: skip
def test_as_large_a_picture_as_comes_often_enough(figures, given, chosen):
    figures(given)
    engine = open_passage_engine(DEFAULT, 1024)
    if chosen is None:
        assert engine is None
        return
    quality, size, at_once = chosen
    known = known_as(DEFAULT, size, quality, fast=True)
    engine.close()
    assert (engine.size, engine.identity, engine.at_once) == (size, known.identity, at_once)


def test_no_picture_is_larger_than_is_shown(figures):
    figures({("reduced", 512, 1): 1.0, ("reduced", 256, 1): 1.0})
    engine = open_passage_engine(DEFAULT, SIZE)
    engine.close()
    assert engine.size == SIZE


def rendered():
    """Return frames in which one look becomes another, and is then led back half-way."""
    renderer = open_keyframes(size=SIZE, memory_mib=1, prompt=False)
    transition = open_offline_transition(renderer, spec=DEFAULT, size=SIZE)
    frames = FrameRenderer(renderer, live_track(), transition)
    there = Controls("", "raven", "laugh", morph=0.5)
    seen = []
    for at, controls in enumerate([there] * 2 + [there.with_(face="aster")] * 5 + [there] * 5):
        assert frames.prepare(controls, keys=ALL, timeout_s=120)
        out = np.zeros((SIZE, SIZE, 4), np.uint8)
        frames.render(10.0 + 0.1 * at, controls, out)
        seen.append(out)
    transition.close()
    renderer.close()
    return seen


def test_a_rendered_morph_is_the_same_whenever_it_is_rendered():
    first, second = rendered(), rendered()
    assert all(map(np.array_equal, first, second))
    moved = [float(np.abs(a.astype(float) - first[0]).mean()) for a in first]
    assert moved[1] < 0.1 < moved[3] < moved[5]  # it breathes, and then it goes
    assert max(moved) > 10.0
    assert moved[-1] < 2.0  # key frames again; in int8 they are a level away from what was drawn
