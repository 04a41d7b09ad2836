"""The processor's engine: right pictures, of every size, the same each time."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import openvino
import pytest
import torch

from tests.engines.cuda.cards import codes_of, psnr_db
from tools.train.quantise import given
from vjnode.engines.openvino.engine import OpenVinoEngine
from vjnode.engines.openvino.graph import GRAPH, SLOWER_KERNEL
from vjnode.engines.processor import has_bf16
from vjnode.engines.registry import open_engine
from vjnode.errors import FetchError, InputError, VjnodeError
from vjnode.faces.catalogue import expression_names, load_expression, load_face
from vjnode.faces.expression import latent_of
from vjnode.generators.latent import Latent, Subject, still
from vjnode.generators.mobilestylegan.distilled import DistilledGenerator, load_tail
from vjnode.generators.mobilestylegan.download import generator_weights
from vjnode.generators.mobilestylegan.folded import FoldedSynthesis
from vjnode.generators.mobilestylegan.layout import DIM, SLOTS
from vjnode.generators.mobilestylegan.model import load
from vjnode.generators.registry import DEFAULT
from vjnode.generators.stylegan2.checkpoint import load as load_stylegan2
from vjnode.generators.stylegan2.folded import FoldedSynthesis as FoldedStyleGan2
from vjnode.generators.stylegan2.spec import STYLEGAN2
from vjnode.paths import cache_dir

CODES = """
import cv2
import numpy as np
codes = np.random.default_rng(4).standard_normal((23, 512)).astype(np.float32) * 0.3
"""


@pytest.fixture(scope="module")
def codes():
    return np.random.default_rng(4).standard_normal((SLOTS, DIM)).astype(np.float32) * 0.3


@pytest.fixture(scope="module")
def kept(codes):
    """An engine of 256 px, as a show opens it, and its picture."""
    engine = open_engine(256)
    return engine, engine.draw(still(codes)).copy()


@pytest.fixture(scope="module")
def truth(codes):
    """The readable network's picture, shape (1024, 1024, 3), levels 0…255."""
    _, synthesis = load(generator_weights())
    with torch.inference_mode():
        picture = synthesis(torch.from_numpy(codes)[None])[0].permute(1, 2, 0)
    return (127.5 * picture.numpy() + 127.5).clip(0, 255)


@pytest.mark.parametrize("size", DEFAULT.sizes)
def test_draws_what_the_network_says(size, codes, truth):
    engine = OpenVinoEngine(DEFAULT, size)
    picture = engine.draw(still(codes))
    assert picture.shape == (size, size, 4)
    assert picture.dtype == np.uint8
    assert (picture[..., 3] == 255).all()
    scale = 1024 // size
    wanted = truth.reshape(size, scale, size, scale, 3).mean((1, 3))
    error = np.mean((picture[..., :3] - wanted) ** 2)
    assert 10 * np.log10(255**2 / error) >= 45
    engine.close()
    engine.close()


@pytest.mark.slow
def test_int8_keeps_the_picture_and_is_what_a_show_draws_with(monkeypatch):
    monkeypatch.delenv("VJNODE_PRECISION", raising=False)
    engine = OpenVinoEngine(DEFAULT, 1024, fast=True)
    if " bf16 " in engine.name:
        pytest.skip("this processor has bf16, which is used instead")
    assert " int8 " in engine.name
    exact = OpenVinoEngine(DEFAULT, 1024)
    assert engine.identity != exact.identity
    for seed in (1, 5):
        codes = codes_of(seed)
        assert psnr_db(engine.draw(still(codes)), exact.draw(still(codes))) >= 38


def test_a_precision_can_be_asked_for(monkeypatch, codes):
    monkeypatch.setenv("VJNODE_PRECISION", "f32")
    exact = OpenVinoEngine(DEFAULT, 256, fast=True)
    assert " f32 " in exact.name
    monkeypatch.setenv("VJNODE_PRECISION", "int4")
    with pytest.raises(InputError, match=r"int4.*f32"):
        OpenVinoEngine(DEFAULT, 256, fast=True)
    assert OpenVinoEngine(DEFAULT, 256).name  # exact ones do not ask


def test_a_drawn_picture_stays_when_the_next_is_drawn(codes, kept):
    engine, _ = kept
    first = engine.draw(still(codes))
    kept = first.copy()
    engine.draw(still(-codes))
    assert np.array_equal(first, kept)
    assert np.array_equal(engine.draw(still(codes)), kept)


def test_another_process_draws_the_same_and_needs_no_torch(kept):
    engine, picture = kept
    here = hashlib.sha256(picture).hexdigest()
    script = CODES + (
        "import hashlib, sys\n"
        "from vjnode.engines.registry import open_engine\n"
        "from vjnode.generators.latent import still\n"
        "engine = open_engine(256)\n"
        "print(hashlib.sha256(engine.draw(still(codes))).hexdigest(), engine.identity, "
        "'torch' in sys.modules)\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.split() == [here, engine.identity, "False"]


def test_sizes_have_identities_of_their_own():
    assert len({open_engine(size).identity for size in DEFAULT.sizes}) == len(DEFAULT.sizes)


def test_another_size_is_refused():
    with pytest.raises(InputError, match="640"):
        open_engine(640)


def test_wrong_codes_are_refused(kept):
    engine, _ = kept
    with pytest.raises(ValueError, match="18"):
        engine.draw(still(np.zeros((18, DIM), np.float32)))


@pytest.fixture
def drawn_before(kept, tmp_path, monkeypatch):
    """A picture of 256 px; from here on the cache is a copy of its own, which may be damaged.

    Of the graphs only those that a picture like this may be drawn with: all are a gigabyte.
    """
    weights, models = generator_weights(), tmp_path / "models"
    models.mkdir()
    (models / weights.name).symlink_to(weights)
    for folder in weights.parent.glob(f"{weights.stem}*-graph-{GRAPH}-256-*-bands-*"):
        shutil.copytree(folder, models / folder.name)
    monkeypatch.setenv("VJNODE_CACHE", str(tmp_path))
    return kept[1]


def whole(data):
    return len(data) > 1_000_000 and hashlib.sha256(data[32:]).digest() == data[:32]


DAMAGE = {
    "cut off": lambda data: data[: len(data) // 2],
    "empty": lambda _: b"",
    "changed within": lambda data: (
        data[: len(data) // 2] + bytes(1000) + data[len(data) // 2 + 1000 :]
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_compiled_graph_is_made_anew(codes, drawn_before, damage):
    files = list(cache_dir("models").glob("*graph*/*.blob"))
    for file in files:
        file.write_bytes(DAMAGE[damage](file.read_bytes()))
    assert np.array_equal(open_engine(256, 1).draw(still(codes)), drawn_before)
    assert any(whole(file.read_bytes()) for file in files)


def test_a_damaged_graph_is_made_anew(codes, drawn_before):
    for folder in cache_dir("models").glob("*graph*"):
        for compiled in folder.glob("*.blob"):
            compiled.unlink()
        for path in folder.glob("*.bin"):
            weights = bytearray(path.read_bytes())
            weights[len(weights) // 2] ^= 0xFF
            path.write_bytes(weights)
    assert np.array_equal(open_engine(256).draw(still(codes)), drawn_before)


def test_without_cache_or_network_the_error_says_what_to_do(tmp_path, monkeypatch):
    file = tmp_path / "file"
    file.write_text("")
    monkeypatch.setenv("VJNODE_CACHE", str(file))
    with pytest.raises(VjnodeError, match="VJNODE_CACHE"):
        open_engine(256)
    monkeypatch.setenv("VJNODE_CACHE", str(tmp_path / "empty"))
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("VJNODE_WHEELS", raising=False)
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(FetchError, match="connect"):
        open_engine(256)


def test_models_are_kept_in_the_cache(kept):
    assert any(Path(cache_dir("models")).glob("*graph*-256-*/trunk.bin"))


def test_what_is_kept_from_one_picture_to_the_next_never_shows(codes, kept):
    """The pose, which expressions leave as it is; a morph moves it as well."""
    (engine, _), other = kept, codes[::-1].copy()
    laughing = codes.copy()
    laughing[7] += 0.5
    seen = [engine.draw(still(one)) for one in (codes, laughing, other)]
    assert engine.draw_unless(lambda: True, still(codes)) is None
    again = [engine.draw(still(one)) for one in (laughing, other, codes)]
    for before, after in zip(seen, (again[2], *again[:2]), strict=True):
        assert np.array_equal(before, after)
    assert len({picture.tobytes() for picture in seen}) == len(seen)


class Watched:
    """A stand-in for an infer request, which notes its calls; while held, it is never done."""

    def __init__(self, request, *, held):
        self.request, self.held = request, held
        self.told, self.asked = [], 0

    def __getattr__(self, name):
        def do():
            self.told.append(name)
            return getattr(self.request, name)()

        return do

    def wait_for(self, timeout_ms):
        self.asked += 1
        return not self.held and self.request.wait_for(timeout_ms)


@pytest.mark.parametrize("threads", [None, 1])
@pytest.mark.parametrize("during", [0, 1, 2], ids=["root", "trunk", "band"])
def test_a_drawing_that_is_given_up_ends_soon_and_the_next_is_whole(codes, threads, during):
    engine = open_engine(512, threads)
    whole, another_pose = engine.draw(still(codes)), codes[::-1].copy()
    turns = [engine._root, *engine._turns]
    watched = [
        [Watched(request, held=number == during) for request in turn]
        for number, turn in enumerate(turns)
    ]
    engine._root, engine._turns = watched[0], watched[1:]
    held = watched[during][0]
    assert engine.draw_unless(lambda: held.asked == 3, still(another_pose)) is None
    assert held.asked == 3
    for number, turn in enumerate(watched):
        begun = ["start_async"] * (number <= during)
        end = ["cancel", "wait"] if number == during else ["wait"] * (number < during)
        assert all(part.told == begun + end for part in turn)
    engine._root, engine._turns = turns[0], turns[1:]
    again = engine.draw_unless(lambda: False, still(codes))
    assert np.array_equal(again, whole)


HELD = """
from vjnode.engines.timing import looks_like_one, probe
from vjnode.engines.openvino.engine import OpenVinoEngine, known_as
from vjnode.generators.registry import DEFAULT
for fast in (False, True):
    print(known_as(DEFAULT, 256, "full", fast=fast).name)
engine = OpenVinoEngine(DEFAULT, 256, quality="reduced", fast=True)
print(looks_like_one(engine.draw(probe()), 256), engine.name)
"""


def test_a_processor_that_is_held_to_avx2_draws_without_bf16():
    unasked = {name: value for name, value in os.environ.items() if name != "VJNODE_PRECISION"}
    run = subprocess.run(
        [sys.executable, "-c", HELD],
        capture_output=True,
        text=True,
        check=False,
        env=unasked | {"ONEDNN_MAX_CPU_ISA": "AVX2"},
    )
    assert run.returncode == 0, run.stderr
    exact, fast, drawn = run.stdout.splitlines()
    assert exact.startswith("openvino f32 on ")
    assert fast.startswith("openvino int8 on ")
    assert drawn.startswith("True openvino f32 live on ")
    assert all(name.endswith("held to AVX2") for name in (exact, fast, drawn))


KERNELS = """
import json
import os
from vjnode.engines.openvino.engine import OpenVinoEngine
from vjnode.generators.registry import DEFAULT
engine = OpenVinoEngine(DEFAULT, 256, fast=True)
parts = [part for turn in (engine._root, *engine._turns) for part in turn]
models = [part.get_compiled_model() for part in parts]
nodes = [node for model in models for node in model.get_runtime_model().get_ops()]
print(json.dumps(sorted({str(node.get_rt_info()["primitiveType"].value) for node in nodes})))
"""


@pytest.mark.usefixtures("kept")
def test_the_kept_graph_runs_on_the_faster_kernels_there_are():
    """As a show opens it: in a process of its own, which may take other kernels than a full one."""
    run = [sys.executable, "-c", KERNELS]
    said = subprocess.run(run, capture_output=True, text=True, check=True)
    kernels = json.loads(said.stdout.splitlines()[-1])
    assert kernels
    assert SLOWER_KERNEL not in kernels


@pytest.mark.slow
def test_another_family_of_generators_draws_what_torch_draws():
    """StyleGAN2 has no root and no bands, and is given offsets."""
    engine = OpenVinoEngine(STYLEGAN2, 256, fast=True)
    assert "stylegan2" in engine.name
    mapping, synthesis = load_stylegan2(STYLEGAN2.weights())
    folded = FoldedStyleGan2(synthesis, 256)
    with torch.inference_mode():
        codes = mapping(torch.randn(18, 512, generator=torch.manual_seed(2)), 0.7)
        wanted = folded(codes[None], torch.ones(1))[0].numpy()
        drawn = engine.draw(still(codes.numpy()))
        assert drawn.std() > 10
        assert psnr_db(drawn, wanted) >= 45
        offsets = 0.3 * torch.randn(1, STYLEGAN2.styles, generator=torch.manual_seed(3))
        wanted = folded(codes[None], torch.ones(1), 0.5 * offsets)[0].numpy()
    none = np.zeros((1, *STYLEGAN2.codes_shape), np.float32)
    subject = Subject(codes.numpy(), none, offsets.numpy())
    moved = engine.draw(Latent(subject, np.array([0.5], np.float32)))
    assert psnr_db(moved, wanted) >= 45
    assert psnr_db(moved, drawn) < 30
    assert np.array_equal(engine.draw(still(codes.numpy())), drawn)  # nothing is left of it
    with pytest.raises(ValueError, match="codes have shape"):
        engine.draw(still(np.zeros((23, 512), np.float32)))
    engine.close()


@pytest.mark.slow
@pytest.mark.parametrize("quality", ["full", "reduced"])
def test_offsets_move_a_face_as_torch_says(quality):
    """Also when only offsets of the root change, and back."""
    engine = OpenVinoEngine(DEFAULT, 256, quality=quality)
    (_, synthesis), face = load(generator_weights()), load_face(0)
    network = FoldedSynthesis(synthesis, 256)
    if quality == "reduced":
        network = DistilledGenerator(synthesis, load_tail(256))
    root = np.zeros((1, DEFAULT.styles), np.float32)
    root[0, :512] = 0.2
    turned = Subject(face.codes, np.zeros((1, *face.codes.shape), np.float32), root)
    latents = [
        latent_of(face, load_expression("laugh"), 1.0),
        Latent(turned, np.ones(1, np.float32)),
        still(face.codes),
        latent_of(face, load_expression("wonder"), 1.0),
    ]
    drawn = [engine.draw(latent) for latent in latents]
    for latent, picture in zip(latents, drawn, strict=True):
        with torch.inference_mode():
            wanted = network(*given(latent))[0].numpy()
        assert psnr_db(picture, wanted) >= 45
    assert psnr_db(drawn[1], drawn[2]) < 40


def looks_in(precision):
    """Return pictures of a face, as a show draws them in ``precision``: at rest, then each look."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VJNODE_PRECISION", precision)
        engine = OpenVinoEngine(DEFAULT, 512, fast=True)
    assert precision in engine.name
    face = load_face("dune")  # of the faces that ship, the one that bytes change most
    expressions = (load_expression(name) for name in expression_names())
    looks = [latent_of(face, one, 1.0) for one in expressions if one.side is None]
    return [engine.draw(latent) for latent in (still(face.codes), *looks)]


@pytest.fixture(scope="module")
def exact_looks():
    return looks_in("f32")


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["bf16", "int8"])
def test_an_expression_moves_a_face_the_same_in_every_precision(exact_looks, precision):
    """Movement is compared 2 px blurred: rounding to bytes takes up to 5 % of the finest grain."""
    if precision == "bf16" and not has_bf16(openvino.Core()):
        pytest.skip("this processor has no bf16")
    rests, *looks = zip(exact_looks, looks_in(precision), strict=True)
    assert looks
    for full in looks:
        assert psnr_db(*full) >= 40
        wanted, got = (
            cv2.GaussianBlur(np.subtract(after, rest, dtype=np.float32), (0, 0), 2.0)
            for after, rest in zip(full, rests, strict=True)
        )
        assert np.vdot(got, wanted) / np.vdot(wanted, wanted) == pytest.approx(1.0, abs=0.03)
