"""TensorRT really builds, for cards that are not here, and leaves nothing half done."""

import os
import subprocess
import sys

import pytest

from vjnode.engines.build import store
from vjnode.engines.build.manifest import manifest_path, read_manifest
from vjnode.engines.build.store import Machine, admit, engine_files, examine, wanted
from vjnode.engines.build.tensorrt import build
from vjnode.engines.build.tensorrt_variants import FULL, RTX, flavour_for, resolve_gpu, system
from vjnode.engines.networks import NETWORKS, SHOW
from vjnode.errors import EngineError, InputError

ENCODER = NETWORKS["encoder"]

rtx = pytest.mark.skipif(not RTX.installed, reason=f"{RTX.package} is not installed")
posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals and limits")


def machine(gpu):
    return Machine(RTX.module, RTX.version, gpu, system())


@rtx
@pytest.mark.slow
@pytest.mark.parametrize("gpu", ["sm86", "sm89", "sm120"])
@pytest.mark.parametrize("name", SHOW)
def test_a_real_engine_is_built_for_a_card_that_is_not_here(engine_cache, tmp_path, name, gpu):
    network = NETWORKS[name]
    size = network.sizes[0]
    path = build(network, size, "fp16", gpu, tmp_path / "engines")
    assert path.stat().st_size > 2_000_000
    wants = wanted(network, size, "fp16", machine(gpu))
    assert "onnx_sha256" in wants
    engine = admit(path, wants)
    assert engine == path.read_bytes()
    manifest, ours = read_manifest(path)
    assert ours
    assert (manifest.gpu, manifest.precision, manifest.size) == (gpu, "fp16", size)
    assert manifest.shapes == {k: list(v) for k, v in network.shapes(size).items()}
    assert {one.name for one in path.parent.iterdir()} == {path.name, manifest_path(path).name}
    # Damaged on the way: refused before TensorRT sees a byte of it.
    flipped = bytearray(engine)
    flipped[len(engine) // 2] ^= 1
    for content, why in ((engine[:-1], "cut off"), (flipped, "damaged")):
        path.write_bytes(content)
        with pytest.raises(EngineError, match=f"{why}.*vjnode engines build"):
            admit(path, wants)


@rtx
def test_an_engine_can_run_on_the_card_it_is_for_and_on_no_other(
    engine_cache, tmp_path, monkeypatch
):
    path = build(ENCODER, 0, "fp16", "sm89", tmp_path)
    monkeypatch.setattr(store, "gpu_here", lambda: "sm89")
    assert examine(path).reason == ""
    monkeypatch.setattr(store, "gpu_here", lambda: "sm86")
    examined = examine(path)
    assert examined.elsewhere
    assert examined.reason == "it is for sm89 (RTX 40, L4, L40), and this GPU is sm86"
    wants = wanted(NETWORKS["encoder"], 0, "fp16", store.this_machine(RTX))
    with pytest.raises(EngineError, match=r"built for sm89, this GPU is sm86; run: .*--gpu sm86"):
        admit(path, wants)


@rtx
@posix
@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGKILL", -9)])
def test_a_build_that_is_interrupted_leaves_no_engine(engine_cache, tmp_path, name, code):
    build(ENCODER, 0, "fp16", "sm89", tmp_path / "before")  # so that the graph is there
    script = (
        "import os, signal, sys\n"
        "from vjnode.cli.main import main\n"
        "from vjnode.engines.build.progress import Progress\n"
        "start = Progress.start\n"
        "def interrupted(self, phase, parent, steps):\n"
        "    start(self, phase, parent, steps)\n"
        "    if phase == 'Timing tactics':\n"
        f"        os.kill(os.getpid(), signal.{name})\n"
        "Progress.start = interrupted\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    out = tmp_path / "out"
    arguments = ["engines", "build", "--model", "encoder", "--gpu", "sm89", "--out", str(out)]
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    assert list(out.iterdir()) == []
    if name != "SIGKILL":
        assert "interrupted; no engine of encoder was written" in done.stderr


@rtx
@posix
def test_a_full_disk_leaves_no_engine_and_says_what_to_do(engine_cache, tmp_path):
    build(ENCODER, 0, "fp16", "sm89", tmp_path / "before")
    script = (
        "import resource, sys\n"
        "from vjnode.cli.main import main\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    out = tmp_path / "out"
    arguments = ["engines", "build", "--model", "encoder", "--gpu", "sm89", "--out", str(out)]
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    assert "make room" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(out.iterdir()) == []


@rtx
def test_too_little_room_is_noticed_before_the_build(engine_cache, tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: _Full())
    with pytest.raises(EngineError, match=r"1 MiB free.*may need \d+ MiB; make room.*--out"):
        build(ENCODER, 0, "fp16", "sm89", tmp_path)
    assert engine_files(tmp_path) == []


class _Full:
    free = 1 << 20


@rtx
def test_a_damaged_graph_says_what_to_delete(engine_cache, tmp_path, monkeypatch):
    monkeypatch.setattr("vjnode.engines.build.onnx_export.export", lambda *arguments: b"no graph")
    with pytest.raises(EngineError, match=r"cannot read the graph.*delete the folder.*models"):
        build(ENCODER, 0, "fp16", "sm89", tmp_path)
    assert engine_files(tmp_path) == []


@pytest.mark.parametrize("flavour", [RTX, FULL])
def test_a_missing_package_is_named(engine_cache, tmp_path, monkeypatch, flavour):
    monkeypatch.setattr("vjnode.engines.build.tensorrt_variants.gpu_here", lambda: "sm89")
    monkeypatch.setitem(sys.modules, flavour.module, None)
    assert not flavour.installed
    with pytest.raises(EngineError, match=f"not usable here.*pip install .*{flavour.package}$"):
        build(ENCODER, 0, "fp16", "sm89", tmp_path, flavour=flavour)


def test_cards_that_cannot_be_built_for_are_refused_with_what_can(monkeypatch):
    monkeypatch.setattr("vjnode.engines.build.tensorrt_variants.gpu_here", lambda: None)
    with pytest.raises(InputError, match=r"no GPU 'sm61'.*sm75 \(RTX 20.*or this"):
        resolve_gpu("sm61")
    with pytest.raises(InputError, match=r"no CUDA card here.*sm89 \(RTX 40"):
        resolve_gpu("this")
    with pytest.raises(InputError, match=r"sm90 \(H100, H200\) are built on the card itself"):
        flavour_for("sm90")


def test_the_card_that_is_here_decides_which_tensorrt(monkeypatch):
    for here, flavour in (("sm90", FULL), ("sm89", RTX)):
        monkeypatch.setattr(
            "vjnode.engines.build.tensorrt_variants.gpu_here", lambda here=here: here
        )
        assert resolve_gpu("this") == here
        assert flavour_for(here) is flavour
    assert flavour_for("sm75") is RTX


@pytest.mark.parametrize(("flavour", "gpu"), [(RTX, "sm90"), (FULL, "sm89")])
def test_the_wrong_tensorrt_for_a_card_is_refused(tmp_path, monkeypatch, flavour, gpu):
    monkeypatch.setattr("vjnode.engines.build.tensorrt_variants.gpu_here", lambda: "sm90")
    with pytest.raises(InputError, match=f"does not build for {gpu} .* here; it builds for"):
        build(ENCODER, 0, "fp16", gpu, tmp_path, flavour=flavour)


def test_a_size_that_the_network_has_not_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"640 px.*1024"):
        build(NETWORKS["mobilestylegan"], 640, "fp16", "sm89", tmp_path)
