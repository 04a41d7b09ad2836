"""A StyleGAN3 is drawn by the engines as by torch."""

import numpy as np
import pytest
import torch

from tests.generators.checkpoints.layouts import pkl_of, with_modules
from tests.generators.checkpoints.layouts3 import Generator3
from tests.generators.own_folder import own_folder
from vjnode.engines.build.onnx_export import to_onnx
from vjnode.engines.networks import network_of
from vjnode.engines.registry import open_engine
from vjnode.generators.adding import add_generator
from vjnode.generators.latent import Latent, Subject, still

DIM = 16


@pytest.fixture(params=[False, True], ids=["t", "r"])
def spec(request, tmp_path, monkeypatch):
    with_modules(monkeypatch)
    monkeypatch.setenv("VJNODE_CACHE", str(tmp_path / "cache"))
    torch.manual_seed(6)
    generator = Generator3(DIM, 128, layers=5, most=6, radial=request.param)
    with torch.no_grad():  # some contrast
        generator.synthesis.L5_128_3.weight.mul_(8)
    path = tmp_path / "given.pkl"
    path.write_bytes(pkl_of(generator))
    with own_folder(tmp_path / "own"):
        yield add_generator(path, "waves")[0]


def test_an_engine_draws_it_and_its_movements(spec):
    assert (spec.slots, spec.sizes, spec.styles) == (7, (128, 64), 0)
    draws = np.random.default_rng(1)
    codes = draws.standard_normal(spec.codes_shape).astype(np.float32)
    directions = draws.standard_normal((1, *spec.codes_shape)).astype(np.float32)
    moved = Subject(codes, directions, np.zeros((1, 0), np.float32))
    graph = spec.frame_graph(spec.weights(), 64, "fp32")
    engine = open_engine(64, spec=spec)
    pictures = []
    try:
        for latent in (still(codes), Latent(moved, np.ones(1, np.float32))):
            drawn = engine.draw(latent)
            with torch.inference_mode():
                levels = graph.generator.levels(
                    torch.from_numpy(latent.codes()[None]), torch.ones(1)
                )
            wanted = levels.clamp(0, 255).round()[0].permute(1, 2, 0).numpy()
            assert np.abs(drawn - wanted).max() <= 1
            pictures.append(drawn.astype(float))
    finally:
        engine.close()
    assert pictures[0][..., :3].std() > 5
    assert np.abs(pictures[0] - pictures[1]).mean() > 2


def test_it_becomes_a_graph_for_other_engines(spec):
    onnxruntime = pytest.importorskip("onnxruntime")
    network = network_of(spec)
    module = network.module(spec.weights(), 128, "fp32")
    graph = to_onnx(module, network, 128)
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    draws = np.random.default_rng(1)
    given = {
        name: (0.1 * draws.standard_normal(shape)).astype(np.float32)
        for name, shape in spec.inputs.items()
    }
    (drawn,) = session.run(None, {one.name: given[one.name] for one in session.get_inputs()})
    with torch.inference_mode():
        wanted = module(*(torch.from_numpy(given[name]) for name in spec.inputs)).numpy()
    assert drawn.shape == (1, 128, 128, 4)
    assert np.abs(drawn.astype(int) - wanted).max() <= 1
    assert drawn[..., :3].std() > 5
