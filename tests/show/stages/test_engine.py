"""The engine's process: its clock goes before what an engine does beside it."""

from fractions import Fraction
from types import SimpleNamespace

import pytest

from vjnode.control.state import Controls
from vjnode.engines.registry import Choice, Verdict
from vjnode.render.direct import DirectRenderer
from vjnode.show.messages import pack_controls
from vjnode.show.shared_memory import ShowMemory
from vjnode.show.stages import engine as engine_stage
from vjnode.show.stages.engine import EngineJob

SIZE = 256


class Lifeline:
    """A tie to a show that is over before it begins."""

    def __init__(self):
        self.told = []

    def running(self):
        return True

    def ready(self, about):
        self.told.append(about)

    def wait_for_begin(self):
        return None


@pytest.mark.parametrize(("drawing", "times"), [("keys", 1), ("live", 0)])
def test_the_clock_goes_first_where_key_frames_are_prepared_beside_it(monkeypatch, drawing, times):
    """Drawing live, clock and engine are one, and what the engine makes must not wait."""
    first, lifeline = [], Lifeline()
    engine = SimpleNamespace(name="drawn by memory", identity="1", size=SIZE, at_once=1, parallel=1)
    renderer = SimpleNamespace(
        prefetch=lambda looks, first=(): None, way="keys", draws_beside_the_clock=True, at_once=1
    )

    def open_keyframes(*, told, **_):
        told(Choice(engine, (Verdict("openvino", engine.name, "", 1.0),)))
        return DirectRenderer(engine, None) if drawing == "live" else renderer

    monkeypatch.setattr(engine_stage, "open_renderer", open_keyframes)
    monkeypatch.setattr(
        engine_stage, "FrameRenderer", lambda *_: SimpleNamespace(prepare=lambda *_, **__: True)
    )
    monkeypatch.setattr(engine_stage, "put_clock_first", lambda: first.append(1))
    with ShowMemory(SIZE, 1) as memory:
        memory.controls.write(pack_controls(Controls("", "ada", "laugh")))
        engine_stage.run_engine(
            lifeline, memory.names, EngineJob(SIZE, Fraction(60), 64, (), drawing)
        )
    assert len(first) == times
    assert [about["drawing"] for about in lifeline.told] == [drawing]
