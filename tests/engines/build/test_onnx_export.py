"""Exported graphs draw and hear the same as torch, in both precisions."""

import sys
from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch

from tests.modulation.encoder.encoders import demo_mfcc
from tools.train.quantise import given as as_tensors
from vjnode.engines.build.onnx_export import export, to_onnx
from vjnode.engines.networks import NETWORKS, PRECISIONS, find_network, kept_graph, network_of
from vjnode.errors import EngineError, InputError
from vjnode.faces.catalogue import load_expression, load_face
from vjnode.faces.expression import amounts_of, subject_of
from vjnode.generators.latent import DIRECTIONS, Latent
from vjnode.generators.mobilestylegan.distilled import DistilledGenerator, load_tail
from vjnode.generators.mobilestylegan.download import generator_weights
from vjnode.generators.mobilestylegan.folded import FoldedSynthesis
from vjnode.generators.mobilestylegan.model import load
from vjnode.generators.registry import DEFAULT
from vjnode.generators.stylegan2.checkpoint import load as load_stylegan2
from vjnode.generators.stylegan2.checkpoint import random_network, save
from vjnode.generators.stylegan2.spec import STYLEGAN2
from vjnode.modulation.encoder.export import load_encoder
from vjnode.modulation.encoder.input import FRAMES, picture
from vjnode.modulation.encoder.layout import histories
from vjnode.modulation.encoder.weights import load_trained

NOISE_STRENGTH = np.ones(1, np.float32)

STYLES = 3 * 4 * 64 + 2 * 64
"""Factors of a StyleGAN2 for 64 px with 64 channels everywhere."""


def session(graph):
    """Open a graph in a second runtime, which rounds to fp16 between the steps of fp16 graphs."""
    ort = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    options = ort.SessionOptions()
    options.intra_op_num_threads = 2
    return ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def draw(graph, *inputs):
    names = ("face", "directions", "amounts", "noise_strength", "offsets")
    return session(graph).run(["picture"], dict(zip(names, inputs, strict=True)))[0]


def psnr_db(found, wanted):
    return 10 * np.log10(255**2 / np.mean((found.astype(float) - wanted) ** 2))


def relative(found, wanted):
    return np.linalg.norm(found - wanted) / np.linalg.norm(wanted)


@pytest.fixture(scope="module")
def look():
    """Inputs for a face that two expressions act on, and the levels 0…255 that torch draws."""
    face, laugh, wonder = load_face("raven"), load_expression("laugh"), load_expression("wonder")
    latent = Latent(subject_of(face, [laugh, wonder]), amounts_of([laugh, wonder], [0.7, 0.5]))
    _, synthesis = load(generator_weights())
    with torch.inference_mode():
        levels = FoldedSynthesis(synthesis, 1024).levels(*as_tensors(latent))
    drawn = levels[0, :3].permute(1, 2, 0).numpy()
    given = DEFAULT.subject_inputs(latent.subject)
    inputs = (
        *(given["face"], given["directions"]),
        *(latent.padded_amounts(), NOISE_STRENGTH, given["offsets"]),
    )
    return inputs, drawn.astype(float), latent


@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "precision"), [(1024, "fp32"), (1024, "fp16"), (512, "fp32"), (256, "fp16")]
)
def test_mobilestylegan_draws_a_moved_face(engine_cache, look, size, precision):
    inputs, full, _ = look
    scale = 1024 // size
    wanted = full.reshape(size, scale, size, scale, 3).mean((1, 3)).clip(0, 255)
    found = draw(export(NETWORKS["mobilestylegan"], size, precision), *inputs)
    assert found.shape == (1, size, size, 4)
    assert found.dtype == np.uint8
    assert (found[..., 3] == 255).all()
    assert psnr_db(found[0, ..., :3], wanted) >= 45
    if precision == "fp32":  # torch's graph rounds to whole levels too, here and there to another
        with torch.inference_mode():
            tick = NETWORKS["mobilestylegan"].module(generator_weights(), size, precision)
            defined = tick(*map(torch.tensor, inputs)).numpy()
        assert relative(found.astype(float), defined.astype(float)) <= 1e-3


@pytest.mark.slow
@pytest.mark.parametrize(("size", "precision"), [(256, "fp32"), (512, "fp16")])
def test_the_live_network_draws_what_torch_draws(engine_cache, look, size, precision):
    with torch.inference_mode():
        network = DistilledGenerator(load(generator_weights())[1], load_tail(size))
        levels = network.levels(*as_tensors(look[2]))
    wanted = levels[0].permute(1, 2, 0).clamp(0, 255).numpy()
    found = draw(export(NETWORKS["mobilestylegan-live"], size, precision), *look[0])
    assert found.shape == (1, size, size, 4)
    assert psnr_db(found[0], wanted) >= 45
    if precision == "fp32":
        assert relative(found[0].astype(float), wanted.round()) <= 1e-3


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A StyleGAN2 for 64 px: its entry and its graphs by precision."""
    path = tmp_path_factory.mktemp("stylegan2") / "small.safetensors"
    save(path, *random_network(64, seed=5, most=64))
    shape = {"sizes": (64,), "slots": 10, "styles": STYLES}
    network = network_of(replace(STYLEGAN2, weights=lambda: path, **shape))
    return network, {precision: exported(network, precision) for precision in PRECISIONS}


def exported(network, precision):
    return to_onnx(network.module(network.weights(), 64, precision), network, 64)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_stylegan2_draws_what_torch_draws(small, precision):
    network, graphs = small
    mapping, synthesis = load_stylegan2(network.weights())
    with torch.inference_mode():
        codes = mapping(torch.randn(synthesis.slots, 512, generator=torch.manual_seed(1)), 0.7)
        drawn = synthesis(codes[None])[0].permute(1, 2, 0).double().numpy()
    wanted = (127.5 * drawn + 127.5).clip(0, 255)
    rest = (
        np.zeros((DIRECTIONS, *codes.shape), np.float32),
        np.zeros(DIRECTIONS, np.float32),
        NOISE_STRENGTH,
    )
    given = (codes.numpy()[None], *rest, np.zeros((DIRECTIONS, STYLES), np.float32))
    found = draw(graphs[precision], *given)[0, ..., :3]
    assert found.std() > 10
    if precision == "fp32":
        assert relative(found, wanted.round()) <= 1e-3
    assert psnr_db(found, wanted) >= 45


@pytest.mark.parametrize(("precision", "near"), [("fp32", 1e-3), ("fp16", 5e-3)])
def test_the_encoder_hears_what_torch_hears(engine_cache, precision, near):
    trained, mfcc = load_trained(), demo_mfcc()[800:1000]
    pictures = picture(mfcc, trained.mfcc_low, trained.mfcc_high)
    with torch.inference_mode():
        encoder = load_encoder(trained.weights)
        wanted = encoder(torch.from_numpy(pictures)[None])[0].numpy()
    runtime = session(export(NETWORKS["encoder"], 0, precision))
    names = [one.name for one in runtime.get_inputs()]
    kept, found = [np.zeros(shape, np.float32) for shape in histories() if all(shape)], []
    for i in range(len(mfcc)):
        column = pictures[None, :, i : i + 1]
        values, *kept = runtime.run(None, dict(zip(names, [column, *kept], strict=True)))
        found.append(values[0])
    found = np.array(found[FRAMES - 1 :])
    assert relative(found, wanted) <= near
    weights = [[trained.weight(row.mean()) for row in rows] for rows in (found, wanted)]
    np.testing.assert_allclose(*weights, atol=near)


def test_fp16_is_in_the_types_of_the_graph(small):
    graph = onnx.load_from_string(small[1]["fp16"]).graph
    kernels = [one for one in graph.initializer if len(one.dims) == 4]
    halves = [one for one in kernels if one.data_type == onnx.TensorProto.FLOAT16]
    assert sum(np.prod(one.dims) for one in halves) > 0.9 * sum(np.prod(k.dims) for k in kernels)


def test_the_same_network_gives_the_same_bytes_and_none_tells_of_this_machine(small):
    network, graphs = small
    assert exported(network, "fp16") == graphs["fp16"]
    for trace in (b"site-packages", b"stylegan2_fold.py", b"forward"):
        assert trace not in graphs["fp16"]


def test_a_graph_is_exported_once(engine_cache, caplog, monkeypatch):
    caplog.set_level("INFO")
    network = NETWORKS["encoder"]
    first = export(network, 0, "fp32")
    caplog.clear()
    monkeypatch.delattr("torch.onnx.export")
    assert export(network, 0, "fp32") == first
    assert caplog.text == ""
    assert list((engine_cache / "models").glob("encoder-fp32-graph-*.onnx"))


def test_other_weights_are_another_graph(engine_cache):
    network = NETWORKS["encoder"]
    assert kept_graph(network, 0, "fp16", "a" * 64) != kept_graph(network, 0, "fp16", "b" * 64)


@pytest.mark.parametrize("package", ["onnx", "onnxscript"])
def test_a_missing_package_is_named(small, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(EngineError, match=f"{package}; run: .*pip install"):
        exported(small[0], "fp32")


def test_an_unknown_network_is_refused_with_those_there_are():
    with pytest.raises(InputError, match=r"biggan.*mobilestylegan.*stylegan2.*encoder"):
        find_network("biggan")
