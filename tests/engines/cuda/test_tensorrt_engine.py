"""A built engine as it runs: on a card where there is one, else how the card is used."""

import gc
from pathlib import Path

import numpy as np
import pytest

from tests.engines.cuda.cards import card, latent_of, psnr_db
from tests.engines.cuda.fake_card import FakeDriver, fake_tensorrt
from vjnode.engines.build.store import Machine, engine_path
from vjnode.engines.build.tensorrt import build
from vjnode.engines.build.tensorrt_variants import FULL, RTX, flavour_for
from vjnode.engines.cuda import tensorrt_runtime
from vjnode.engines.cuda.capability import gpu_here
from vjnode.engines.cuda.driver import Cuda
from vjnode.engines.cuda.tensorrt_engine import TensorRtEngine, open_tensorrt
from vjnode.engines.cuda.tensorrt_runtime import Built, find_built
from vjnode.engines.cuda.torch_engine import TorchEngine
from vjnode.engines.networks import NETWORKS
from vjnode.errors import EngineError
from vjnode.generators.latent import DIRECTIONS, Latent, Subject, still
from vjnode.generators.mobilestylegan.layout import DIM, SLOTS
from vjnode.generators.registry import DEFAULT

SIZE = 256
NETWORK = NETWORKS["mobilestylegan"]


@pytest.fixture
def driver(tmp_path, monkeypatch):
    monkeypatch.setenv("VJNODE_CACHE", str(tmp_path / "cache"))
    return FakeDriver()


def opened(driver, flavour=FULL, **trt):
    shapes = {
        "face": (1, SLOTS, DIM),
        "directions": (DIRECTIONS, SLOTS, DIM),
        "amounts": (DIRECTIONS,),
        "noise_strength": (1,),
        "offsets": (DIRECTIONS, DEFAULT.styles),
        "picture": (1, SIZE, SIZE, 4),
    }
    path = Path("mobilestylegan-256-fp16-sm89.trt")
    built = Built(path, b"an engine", SIZE, "fp16", shapes, "mobilestylegan")
    module = fake_tensorrt(driver, **trt)
    driver.contexts = module.contexts
    return TensorRtEngine(DEFAULT, flavour, module, built, Cuda(driver)), module


def flat(number):
    return np.full((SLOTS, DIM), number, np.float32)


def test_a_picture_is_that_of_its_codes(driver):
    engine, _ = opened(driver)
    for number in (7, 8, 9):
        picture = engine.draw(still(flat(number)))
        assert picture.shape == (SIZE, SIZE, 4)
        assert picture.dtype == np.uint8
        assert (picture == number).all()


def test_a_face_is_moved_on_the_card(driver):
    """Face and directions are copied there once a look, the amounts with every picture."""
    engine, _ = opened(driver)
    directions = np.zeros((2, SLOTS, DIM), np.float32)
    directions[0, 0, 0], offsets = 20, np.zeros((2, DEFAULT.styles), np.float32)
    offsets[1, 0] = 4
    one, other = (Subject(flat(number), directions, offsets) for number in (100, 5))
    latents = [
        Latent(subject, np.array(amounts, np.float32))
        for subject, amounts in ((one, (0.5, 1.0)), (one, (1.0, 0.5)), (other, (0.0, 0.25)))
    ]
    begun = [engine.begin(latent) for latent in latents[:2]]
    assert [int(picture.result()[0, 0, 0]) for picture in begun] == [114, 122]
    driver.calls.clear()
    begun = [engine.begin(latent) for latent in latents[1:]]
    assert driver.calls.count("cuMemcpyHtoDAsync_v2") == 3
    assert [int(picture.result()[0, 0, 0]) for picture in begun] == [122, 6]


def test_the_very_bytes_that_were_admitted_are_run(driver):
    _, trt = opened(driver)
    assert trt.log == [b"an engine"]


def test_a_picture_stays_when_others_are_drawn(driver):
    engine, _ = opened(driver)
    pictures = [engine.draw(still(flat(number))) for number in range(20)]
    assert [int(one[0, 0, 0]) for one in pictures] == list(range(20))
    assert all((one == number).all() for number, one in enumerate(pictures))


def test_a_picture_stays_when_its_engine_is_closed(driver):
    engine, _ = opened(driver)
    corner = engine.draw(still(flat(5)))[:2, :2]
    engine.close()
    engine.close()
    assert (corner == 5).all()
    assert len(driver.pinned) == 1
    del corner
    gc.collect()
    assert not driver.pinned


def test_closing_frees_everything(driver):
    engine, _ = opened(driver)
    engine.begin(still(flat(1)))
    assert driver.held
    engine.close()
    assert not driver.held
    assert not driver.pinned


def test_a_tick_is_one_launch_and_one_copy(driver):
    engine, _ = opened(driver)
    first = still(flat(1))
    engine.draw(first)
    driver.calls.clear()
    engine.draw(Latent(first.subject, first.amounts))
    assert [name for name in driver.calls if name != "cuCtxSetCurrent"] == [
        "cuGraphLaunch",
        "cuEventRecord",
        "cuStreamWaitEvent",
        "cuMemcpyDtoHAsync_v2",
        "cuEventRecord",
        "cuEventSynchronize",
    ]


def test_the_next_picture_is_drawn_while_the_last_is_copied_back(driver):
    engine, _ = opened(driver)
    before = engine.begin(still(flat(1)))
    for number in range(2, 30):
        driver.calls.clear()
        begun = engine.begin(still(flat(number)))
        assert "cuEventSynchronize" not in driver.calls  # the one before is not waited for
        assert (before.result() == number - 1).all()
        before = begun
    last = [engine.begin(still(flat(number))) for number in (0, 1)]
    # The third waits for the first.
    assert (engine.draw(still(flat(77))) == 77).all()
    assert (last[1].result() == 1).all()
    assert (before.result() == 29).all()
    assert (last[0].result() == 0).all()


def test_memory_for_pictures_is_used_again(driver):
    engine, _ = opened(driver)
    before = len(driver.pinned)
    for number in range(50):
        engine.draw(still(flat(number)))
    assert len(driver.pinned) == before


def test_a_drawing_that_is_given_up_ends_soon_and_the_next_is_whole(driver):
    engine, _ = opened(driver)
    assert engine.draw_unless(lambda: True, still(flat(3))) is None
    assert (engine.draw_unless(lambda: False, still(flat(4))) == 4).all()
    assert (engine.draw(still(flat(5))) == 5).all()


def test_wrong_codes_are_refused(driver):
    engine, _ = opened(driver)
    with pytest.raises(ValueError, match="18"):
        engine.draw(still(np.zeros((18, DIM), np.float32)))


@pytest.mark.parametrize("what", [{"works": False}, {"draws": False}])
def test_an_engine_that_tensorrt_refuses_is_told_and_leaves_nothing(driver, what):
    with pytest.raises(EngineError, match=r"cannot run mobilestylegan-256.*vjnode engines build"):
        opened(driver, **what)
    assert not driver.held
    assert not driver.pinned


@pytest.mark.parametrize(
    "call",
    [
        "TensorRt.Runtime",
        "Runtime.deserialize_cuda_engine",
        "CudaEngine.create_execution_context",
        "ExecutionContext.set_tensor_address",
        "ExecutionContext.execute_async_v3",
    ],
)
def test_whatever_tensorrt_raises_nothing_is_left(driver, call):
    with pytest.raises(RuntimeError, match=f"{call} has failed"):
        opened(driver, RTX, raises=call)
    assert (driver.held, driver.pinned, len(driver.contexts)) == (0, {}, 0)


@pytest.mark.parametrize("after", [0, 1])
def test_memory_that_cannot_be_pinned_leaves_none_behind(driver, monkeypatch, after):
    made, allocate = [], FakeDriver.do_cuMemHostAlloc

    def refuse(self, *arguments):
        made.append(1)
        return 2 if len(made) > after else allocate(self, *arguments)

    monkeypatch.setattr(FakeDriver, "do_cuMemHostAlloc", refuse)
    with pytest.raises(EngineError, match="out of memory"):
        opened(driver)
    assert not driver.pinned


def test_an_engine_that_no_graph_can_hold_runs_without_and_says_so(driver, caplog):
    engine, _ = opened(driver, captures=False)
    assert "without a CUDA graph" in caplog.text
    for number in (3, 4, 5):
        assert (engine.draw(still(flat(number))) == number).all()
    engine.close()
    assert not driver.held


def test_a_card_that_is_full_is_told_and_leaves_nothing(driver):
    driver.failing["cuMemAlloc_v2"] = 2
    with pytest.raises(EngineError, match="out of memory"):
        opened(driver)
    assert not driver.held
    assert not driver.pinned


def test_kernels_made_on_the_card_are_kept_for_the_next_start(driver):
    _, first = opened(driver, RTX)
    assert first.log == [b"an engine", "RuntimeCache"]
    _, second = opened(driver, RTX)
    assert second.log == [b"an engine", "kernels: made on the card", "RuntimeCache"]


def test_the_text_names_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(tensorrt_runtime, "gpu_here", lambda: None)
    with pytest.raises(EngineError, match="no CUDA card"):
        find_built(NETWORK, RTX, SIZE, tmp_path)
    monkeypatch.setattr(tensorrt_runtime, "gpu_here", lambda: "sm90")
    with pytest.raises(EngineError, match="not for sm90"):
        find_built(NETWORK, RTX, SIZE, tmp_path)


@pytest.mark.skipif(not RTX.installed, reason=f"{RTX.package} is not installed")
def test_an_engine_that_is_not_there_or_not_right_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(tensorrt_runtime, "gpu_here", lambda: "sm89")
    monkeypatch.setattr("vjnode.engines.build.store.gpu_here", lambda: "sm89")
    with pytest.raises(EngineError, match=r"no engine .* 256 px and sm89.*engines build --model"):
        find_built(NETWORK, RTX, SIZE, tmp_path)
    machine = Machine(RTX.module, RTX.version, "sm89", "")
    engine_path(tmp_path, NETWORK, SIZE, "fp16", machine).write_bytes(b"x")
    with pytest.raises(EngineError, match="no manifest"):
        find_built(NETWORK, RTX, SIZE, tmp_path)


@card
@pytest.mark.slow
@pytest.mark.parametrize("size", [256, 1024])
def test_on_a_card_the_pictures_are_right(tmp_path, size):
    flavour = flavour_for(gpu_here())
    if not flavour.installed:
        pytest.skip(f"{flavour.package} is not installed")
    build(NETWORK, size, "fp16", gpu_here(), tmp_path, flavour=flavour)
    engine = open_tensorrt(DEFAULT, flavour, size, tmp_path)
    truth = TorchEngine(DEFAULT, size, "cpu")
    for seed in (1, 2):
        wanted = truth.draw(latent_of(seed))
        assert psnr_db(engine.draw(latent_of(seed)), wanted) >= 45
        assert psnr_db(engine.draw_unless(lambda: False, latent_of(seed)), wanted) >= 45
    engine.close()
