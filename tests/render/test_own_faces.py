"""Faces with weights of their own where every frame is drawn anew, on an engine that swaps them."""

import threading

import numpy as np
import pytest

from tests.caches import with_models
from tests.tuned_faces import PX, face_bytes, mean_levels
from vjnode.control.state import Controls
from vjnode.engines import own_weights
from vjnode.engines.base import OneByOne
from vjnode.engines.cuda.torch_engine import TorchEngine
from vjnode.engines.registry import Choice, Verdict
from vjnode.faces import catalogue
from vjnode.faces.catalogue import load_face
from vjnode.generators.registry import DEFAULT, DISTILLED
from vjnode.modulation.weight_track import live_track
from vjnode.render import open as render_open
from vjnode.render import own_faces
from vjnode.render.base import Look, Progress
from vjnode.render.direct import DirectRenderer
from vjnode.render.frame_renderer import FrameRenderer
from vjnode.render.keyframe_renderer import KeyframeRenderer
from vjnode.render.mixtures import Mixtures
from vjnode.render.morph import Leg
from vjnode.render.open_transition import open_transition
from vjnode.render.own_faces import OwnFaces

PERIOD_S = 1 / 60


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A user's folder with two faces that are tuned."""
    monkeypatch.setenv("VJNODE_CACHE", str(with_models(tmp_path / "cache")))
    monkeypatch.setattr(catalogue, "config_dir", (tmp_path / "config").joinpath)
    monkeypatch.setattr(own_weights, "_unusable", set())
    faces = tmp_path / "config" / "faces"
    faces.mkdir(parents=True)
    for seed, name in ((1, "nova"), (2, "vega")):
        (faces / f"{name}.safetensors").write_bytes(face_bytes(seed, number=900 + seed))
    catalogue.forget_own()
    yield faces
    catalogue.forget_own()


@pytest.fixture
def card(monkeypatch):
    """A function that pretends that torch runs on a card, so many ms a picture."""

    def card(ms=1.0, own_ms=1.0, engine=None):
        engine = engine or TorchEngine(DISTILLED, PX, "cpu")
        choice = Choice(engine, (Verdict("torch", engine.name, "", ms),))
        monkeypatch.setattr(render_open, "may_be_fast", lambda: True)
        monkeypatch.setattr(render_open, "choose", lambda size, measured, spec: choice)
        monkeypatch.setattr(own_faces, "measured_ms", lambda engine, spec: own_ms)

    return card


def opened(drawing="auto"):
    return render_open.open_renderer(size=PX, drawing=drawing, period_s=PERIOD_S, memory_mib=64)


def controls(face):
    return Controls("", face, "laugh", morph=0.1)


def test_a_show_draws_them_live_and_dissolves_between_weights(home, card):
    card()
    renderer = opened()
    assert isinstance(renderer, DirectRenderer)
    frames = FrameRenderer(renderer, live_track(), open_transition(renderer, spec=DEFAULT, size=PX))
    out = np.zeros((PX, PX, 4), np.uint8)

    def frame(now_s, face):
        info = frames.render(now_s, controls(face), out)
        return info, out.copy()

    assert frames.prepare(controls("nova"), keys=1, timeout_s=60)
    info, nova = frame(1.0, "nova")
    assert (info.face, info.note) == ("nova", "")
    rest = Look("nova", ("laugh",))
    renderer.begin(rest, (0.0,)).result().copy_to(out)
    plain = TorchEngine(DISTILLED, PX, "cpu").draw(render_open.latents_of(DEFAULT)(rest, (0.0,)))
    assert mean_levels(nova, out) < 0.5 * mean_levels(nova, plain)
    assert frames.prepare(controls("vega"), keys=1, timeout_s=60)
    halfway = [frame(1.0 + at, "vega")[1] for at in (0.001, 0.051)][1]
    _, vega = frame(1.2, "vega")
    middle = (nova.astype(int) + vega) / 2
    assert mean_levels(halfway, middle) < 0.6 * mean_levels(nova, middle)
    renderer.close()


def test_a_look_stays_on_until_the_next_ones_weights_are_loaded(home, card, monkeypatch):
    card()
    renderer = opened("live")
    frames = FrameRenderer(renderer, live_track())
    out = np.zeros((PX, PX, 4), np.uint8)
    assert frames.prepare(controls("raven"), keys=1, timeout_s=0.0)
    engine, go_on = own_faces.WithTuned, threading.Event()
    load = engine.load
    monkeypatch.setattr(
        engine, "load", lambda self, weights: go_on.wait(60) and load(self, weights)
    )
    assert frames.render(1.0, controls("nova"), out).face == "raven"
    assert not frames.prepare(controls("nova"), keys=1, timeout_s=0.01)
    go_on.set()
    assert frames.prepare(controls("nova"), keys=1, timeout_s=60)
    assert frames.render(1.1, controls("nova"), out).face == "nova"
    renderer.close()


def test_a_damaged_file_is_drawn_by_its_codes_and_the_show_goes_on(home, card, caplog):
    card()
    renderer = opened()
    weights = load_face("nova").weights
    weights.path.write_bytes(b"damaged meanwhile")
    look = Look("nova", ("laugh",))
    assert renderer.prepare(look, keys=1, timeout_s=60)
    out = np.zeros((PX, PX, 4), np.uint8)
    transition = open_transition(renderer, spec=DEFAULT, size=PX)
    picture = transition.begin(look, (0.0,), 1.0, over_s=0.0, progress=Progress(1, 1))
    picture.result().copy_to(out)
    renderer.close()
    assert transition.note == "nova without its own weights, which cannot be used"
    assert "nova: its weights cannot be used" in caplog.text
    latent = render_open.latents_of(DEFAULT)(look, (0.0,))
    assert np.array_equal(out, TorchEngine(DISTILLED, PX, "cpu").draw(latent))


class CannotSwap(OneByOne):
    """An engine as TensorRT's is."""

    name = identity = "fixed"
    size = PX

    def draw(self, latent):
        return np.zeros((PX, PX, 4), np.uint8)

    def close(self):
        pass


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"engine": CannotSwap()}, "fixed cannot swap weights"),
        ({"own_ms": 9.0}, "takes 9 ms a picture, and may take 5.83"),
        ({"ms": 9.0}, ""),
    ],
)
def test_auto_takes_key_frames_where_they_are_not_drawn_fast_enough(home, card, caplog, given, why):
    card(**given)
    renderer = opened()
    assert isinstance(renderer, KeyframeRenderer)
    renderer.close()
    assert why in caplog.text


def test_what_cannot_swap_draws_them_live_by_their_codes_and_says_so(home, card, caplog):
    card(engine=CannotSwap())
    renderer = opened("live")
    assert renderer.own_weights(Look("nova", ("laugh",))) is None
    transition = open_transition(renderer, spec=DEFAULT, size=PX)
    for face, note in (("nova", "nova without its own weights, which take --drawing keys"),
                       ("raven", "")):  # fmt: skip
        transition.begin(Look(face, ("laugh",)), (0.0,), 1.0, over_s=0.0, progress=Progress(1, 1))
        assert transition.note == note
    renderer.close()


A, B, C, D = (Look(name, ("laugh",)) for name in ("raven", "nova", "aster", "vega"))


def test_looks_mix_as_codes_where_the_same_weights_draw_them(home):
    """And dissolve elsewhere, without a jump where a morph is led on to a third look."""
    mixtures = Mixtures(DEFAULT, lambda look: load_face(look.face).weights)
    whole = {A: 0.5, B: 0.3, C: 0.2}
    for leg, share in (
        (Leg(whole, D), 0.0),
        (Leg(whole, D), 0.25),
        (Leg({A: 0.4, B: 0.6}, C), 0.5),
    ):
        drawn = mixtures.latents(leg, share, (0.5,))
        mix = leg.mix(share)
        shares = {
            weights: sum(
                part for look, part in mix.items() if load_face(look.face).weights == weights
            )
            for weights in (load_face(look.face).weights for look in mix)
        }
        assert {latent.subject.weights: part for latent, part in drawn} == pytest.approx(shares)
        for latent, part in drawn:
            codes = sum(
                mix[look] / part * load_face(look.face).codes
                for look in mix
                if load_face(look.face).weights == latent.subject.weights
            )
            moved = latent.subject.codes + latent.amounts[0] * latent.subject.directions[0]
            np.testing.assert_allclose(moved, codes, atol=1e-4)
    one = Mixtures(DEFAULT)
    ((latent, part),) = one.latents(Leg(whole, D), 0.25, (0.5,))
    assert (part, latent.subject.weights) == (1.0, None)


class Slow:
    """Stands for ``WithTuned``: tells when a load begins, and waits until it may end."""

    keeps = 8

    def __init__(self):
        self.begun, self.may_end = [], threading.Semaphore(0)
        self.there = set()

    def draws(self, weights):
        return weights

    def loaded(self, weights):
        return weights in self.there

    def load(self, weights):
        self.begun.append(weights)
        self.may_end.acquire()
        self.there.add(weights)


def test_the_look_that_is_asked_for_is_loaded_before_those_that_may_come():
    engine = Slow()
    own = OwnFaces(engine, lambda look: None if look.face == "plain" else look.face)
    looks = [Look(name, ("laugh",)) for name in "abcdefgh"]
    own.expect([Look("plain", ("laugh",)), *looks])
    assert own.ready(Look("plain", ("laugh",)))
    assert not own.ready(looks[3])
    engine.may_end.release(2)
    assert own.wait(looks[3], 60.0)
    assert not own.wait(looks[2], 0.01)
    engine.may_end.release(8)
    assert own.wait(looks[2], 60.0)
    own.close()
    assert "d" in engine.begun[:2]
    assert not {"e", "f", "g", "h"} & set(engine.begun)  # more would push out what is shown
