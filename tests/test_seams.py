"""Each of the five seams takes a new one with one module and one row.

The fifth, a parameter, is in ``tests/control/test_new_parameter.py``. A channel is one entry.
"""

import subprocess
import sys
from concurrent.futures import Future
from fractions import Fraction
from types import ModuleType

import numpy as np
import pytest
import torch

from tests.modulation.drives import drive
from tests.output.shows import flat
from vjnode.audio.sources.base import BLOCK_S
from vjnode.control.state import Controls
from vjnode.engines import registry as engines
from vjnode.engines.base import OneByOne
from vjnode.engines.build.onnx_export import to_onnx
from vjnode.engines.networks import network_of
from vjnode.engines.openvino.engine import OpenVinoEngine
from vjnode.generators import registry as generators
from vjnode.generators.frame_graph import FrameGraph
from vjnode.generators.latent import still
from vjnode.generators.parts import PartsForm
from vjnode.generators.spec import GeneratorSpec
from vjnode.modulation.weight_track import live_track
from vjnode.output import registry as outputs
from vjnode.output.base import OutputContext
from vjnode.paths import cache_dir
from vjnode.render.base import Drawn, Progress
from vjnode.render.direct import DirectRenderer
from vjnode.render.frame_renderer import FrameRenderer

SIZE = 256
ADA = Controls("", "ada", "laugh", attack=0.0, release=0.0)


def test_an_output(monkeypatch):
    class Wall:
        def __init__(self, target, context):
            self.target, self.size, self.frames = target, context.size, []

        def send(self, frame, due_s):
            self.frames.append(frame.pixels.copy())

        def close(self):
            pass

    module = ModuleType("wall")
    module.open_output = Wall
    monkeypatch.setitem(sys.modules, "wall", module)
    row = outputs.OutputKind("wall", "wall", "wall:NAME", "LEDs on a wall")
    monkeypatch.setitem(outputs.KINDS, "wall", row)
    spec = outputs.parse_output("wall:left")
    assert outputs.unready(row) == ""
    wall = outputs.open_output(spec, OutputContext(64, Fraction(60)))
    wall.send(flat((1, 2, 3)), 0.0)
    assert (wall.target, wall.size, wall.frames[0][0, 0].tolist()) == ("left", 64, [1, 2, 3, 255])


class Noise(OneByOne):
    """An engine that draws noise, brighter with the first style code."""

    name = identity = "noise"

    def __init__(self, spec, size, threads):
        self.spec, self.size = spec, size

    def draw(self, latent):
        self.spec.check_latent(latent)
        picture = np.random.default_rng(0).integers(0, 200, (self.size, self.size, 4), np.uint8)
        picture += np.uint8(np.clip(50 * abs(latent.codes()[0, 0]), 0, 50))
        picture[..., 3] = 255
        return picture

    def draw_unless(self, given_up, latent):
        return None if given_up() else self.draw(latent)

    def close(self):
        pass


def test_an_engine(monkeypatch, tmp_path):
    (tmp_path / "models").symlink_to(cache_dir("models"))
    monkeypatch.setenv("VJNODE_CACHE", str(tmp_path))
    monkeypatch.delenv("VJNODE_ENGINE", raising=False)
    monkeypatch.setattr(engines, "_taken", {})
    row = engines.Candidate("noise", Noise)
    monkeypatch.setattr(engines, "CANDIDATES", (row, *engines.CANDIDATES))
    choice = engines.choose(SIZE, measured=True)
    assert choice.taken.engine == "noise"
    assert choice.taken.ms > 0
    latent = still(np.zeros((23, 512), np.float32))
    renderer = DirectRenderer(choice.engine, lambda look, weights: latent)
    assert picture_of(renderer).std() > 10


class Stripes(torch.nn.Module):
    """A generator: each of its three style codes of four numbers is a stripe's colour."""

    def __init__(self, size):
        super().__init__()
        self.size = size

    def levels(self, codes, noise_strength):
        colours = codes.reshape(1, 3, 4).permute(0, 2, 1)[:, :, None, :]
        return (
            torch.nn.functional.interpolate(colours, (self.size, self.size)) + 0.0 * noise_strength
        )

    def forward(self, codes, noise_strength):
        levels = self.levels(codes, noise_strength).clamp(0, 255).round()
        return levels.permute(0, 2, 3, 1).to(torch.uint8)


@pytest.fixture
def stripes(monkeypatch, tmp_path):
    """A family of its own, which has a row in the registry."""
    monkeypatch.setenv("VJNODE_CACHE", str(tmp_path / "cache"))
    weights = tmp_path / "stripes"
    weights.write_bytes(b"none")
    given = torch.zeros(1, 3, 4), torch.ones(1)
    spec = GeneratorSpec(
        name="stripes",
        about="stripes",
        slots=3,
        dim=4,
        sizes=(SIZE,),
        graph=1,
        weights=lambda: weights,
        mapping=lambda: lambda noise, truncation: noise,
        mean_latent=lambda: np.full(4, 128, np.float32),
        frame_graph=lambda weights, size, precision: FrameGraph(Stripes(size)),
        parts=PartsForm(
            arithmetic=("f32",),
            key=lambda plan: "stripes",
            stem=lambda plan: "stripes",
            drawings=lambda plan: [(Stripes(plan.size), given)],
        ),
    )
    monkeypatch.setitem(generators.GENERATORS, spec.name, spec)
    return generators.GENERATORS["stripes"]


CODES = np.array([[255, 0, 0, 255], [0, 255, 0, 255], [0, 0, 255, 255]], np.float32)


def test_a_generator(stripes):
    engine = OpenVinoEngine(stripes, SIZE, fast=True)
    assert engine.name.startswith("openvino f32 stripes on ")
    drawn = engine.draw(still(CODES))
    assert [drawn[9, x].tolist() for x in (9, SIZE // 2, SIZE - 9)] == CODES.tolist()
    changed = engine.draw(still(CODES[::-1].copy()))
    assert changed[9, 9].tolist() == CODES[2].tolist()
    with pytest.raises(ValueError, match=r"codes have shape \(23, 512\), not \(3, 4\)"):
        engine.draw(still(np.zeros((23, 512), np.float32)))
    network = network_of(stripes)
    assert network.shapes(SIZE)["face"] == (1, 3, 4)
    assert to_onnx(network.module(network.weights(), SIZE, "fp32"), network, SIZE)
    renderer = DirectRenderer(engine, lambda look, weights: still(np.float32(weights[0]) * CODES))
    assert picture_of(renderer)[9, 9, 0] > 0


def test_a_renderer():
    class Grey:
        """Draws the weight as grey, at once."""

        way, engine_name, at_once, draws_beside_the_clock = "grey", "none", 1, False

        def ready(self, look):
            return Progress(1, 1)

        def begin(self, look, weights):
            future = Future()
            future.set_result(Drawn(np.full((SIZE, SIZE, 4), round(255 * weights[0]), np.uint8)))
            return future

        def prepare(self, look, *, keys, timeout_s):
            return True

        def prefetch(self, looks, first=()):
            pass

        def close(self):
            pass

    assert (picture_of(Grey()) > 100).all()
    assert (picture_of(Grey(), ADA.with_(gain=0.0)) < 100).all()


ONE_MORE_CHANNEL = """
import numpy as np
from vjnode.modulation import matrix
matrix.CHANNELS += ("expression/5",)  # before anything asks for them
from tests.modulation.drives import drive
from vjnode.audio.sources.base import BLOCK_S
from vjnode.control.state import Controls, change
from vjnode.modulation.weight_track import live_track
from vjnode.render.base import Look
from vjnode.render.frame_renderer import FrameRenderer
from vjnode.render.open import latents_of, open_direct
from vjnode.generators.registry import DEFAULT
from vjnode.show.factory import stock
from vjnode.show.messages import pack_controls, unpack_controls, read_info, write_info, INFO_BYTES

available = stock()
controls = change(Controls("", "flint", "laugh"), "expression/5", "wonder", available)
for name, value in (("release", 0.0), ("accent", 0.0), ("route/expression/weight/amount", 0.5),
                    ("route/expression/2/onset/amount", 0.0), ("channel/3/gain", 0.0),
                    ("route/expression/5/constant/amount", 0.75),
                    ("idle_gaze", 0.0), ("idle_breath", 0.0)):
    controls = change(controls, name, value, available)
controls = unpack_controls(pack_controls(controls))
renderer = open_direct(size=256, period_s=1 / 60)
latents, track = latents_of(DEFAULT), live_track()
for number in range(200):
    track.push(drive(number * BLOCK_S, 0.6))
frames, out = FrameRenderer(renderer, track), np.zeros((256, 256, 4), np.uint8)
for now_s in (0.1, 0.5, 0.9, 1.0):
    info = frames.render(now_s, controls, out)
memory = np.zeros(INFO_BYTES, np.uint8)
write_info(info, memory)
assert read_info(memory) == info
first, *rest, second = info.moment.weights
assert abs(second - 0.75) < 1e-6 < first < 0.5, info.moment.weights
assert list(info.moment.traced())[-2:] == ["weight/4", "weight/5"]
look = Look("flint", ("laugh", "", "", "", "wonder"))
assert frames.drawn_look == (look, True)
engine = renderer._engine
assert np.array_equal(out, engine.draw(latents(look, (first + info.idle, *rest, second))))
alone = [engine.draw(latents(look, weights)) for weights in ((first,), (0.0, *rest, second))]
changed = [float(np.abs(out.astype(float) - one).mean()) for one in alone]
assert min(changed) > 1.0, changed
print(changed)
"""


@pytest.mark.slow
def test_a_channel():
    """Another entry gets its parameters, routes, trace and direct drawing."""
    done = subprocess.run(
        [sys.executable, "-c", ONE_MORE_CHANNEL], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def picture_of(renderer, controls=ADA):
    """Return the frame that a show would draw in loud music."""
    track = live_track()
    for number in range(200):
        track.push(drive(number * BLOCK_S, 1.0))
    frames, out = FrameRenderer(renderer, track), np.zeros((SIZE, SIZE, 4), np.uint8)
    assert frames.prepare(controls, keys=1, timeout_s=1.0)
    for now_s in (0.1, 0.5, 1.0):
        frames.render(now_s, controls, out)
    renderer.close()
    return out
