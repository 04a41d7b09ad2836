"""The first engine in the order of choice that really draws is taken; the others say why not."""

import json
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from vjnode.engines import registry as choose_module
from vjnode.engines import timing
from vjnode.engines.base import OneByOne
from vjnode.engines.crash_guard import attempt, forget_attempts, took_down
from vjnode.engines.cuda.capability import gpu_here
from vjnode.engines.registry import CANDIDATES, Candidate, choose, open_engine, survey
from vjnode.engines.timing import looks_like_one
from vjnode.errors import EngineError, InputError
from vjnode.generators.latent import still
from vjnode.generators.mobilestylegan.download import generator_weights

SIZE = 256

without_card = pytest.mark.skipif(gpu_here() is not None, reason="there is a CUDA card here")


def noise(size):
    picture = np.random.default_rng(0).integers(0, 256, (size, size, 4), np.uint8)
    picture[..., 3] = 255
    return picture


class Drawing(OneByOne):
    """An engine that draws what it is told to."""

    def __init__(self, name, size, picture=None, error=None):
        self.name, self.identity, self.size = name, f"identity of {name}", size
        self.picture, self.error = noise(size) if picture is None else picture, error
        self.drawn, self.closed = 0, False

    def draw(self, latent):
        assert latent.codes().shape == (23, 512)
        self.drawn += 1
        if self.error is not None:
            raise self.error
        return self.picture.copy()

    def close(self):
        self.closed = True


@pytest.fixture
def offer(tmp_path, monkeypatch):
    """Offer these instead of the real ones; returns the engines that were opened, by name."""
    weights, models = generator_weights(), tmp_path / "cache" / "models"
    models.mkdir(parents=True)
    (models / weights.name).symlink_to(weights)  # its mean picture is what they are tried with
    monkeypatch.setenv("VJNODE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("VJNODE_ENGINE", raising=False)
    monkeypatch.setattr(choose_module, "_taken", {})

    def offer(**offered):
        opened = {}

        def candidate(name, what):
            def open_(spec, size, threads):
                if isinstance(what, Exception):
                    raise what
                opened.setdefault(name, []).append(Drawing(name, size, **what))
                return opened[name][-1]

            return Candidate(name, open_)

        candidates = tuple(candidate(name, what) for name, what in offered.items())
        monkeypatch.setattr(choose_module, "CANDIDATES", candidates)
        return opened

    return offer


def test_the_first_that_draws_is_taken(offer):
    opened = offer(first={}, second={}, last={})
    choice = choose(SIZE)
    assert choice.engine is opened["first"][0]
    assert set(opened) == {"first"}
    assert choice.taken.usable


def test_those_before_it_say_why_they_are_not(offer):
    opened = offer(
        first=EngineError("no card; buy one"), second=EngineError("no card; buy one"), last={}
    )
    choice = choose(SIZE, measured=True)
    assert choice.engine is opened["last"][0]
    assert [one.reason for one in choice.verdicts] == ["no card; buy one", "no card; buy one", ""]
    assert str(choice) == (
        f"last, {choice.taken.ms:.3g} ms a picture (not first, second: no card; buy one)"
    )
    assert choice.report() == {
        "runtime": "last",
        "engine": "last",
        "ms": choice.taken.ms,
        "skipped": {"first": "no card; buy one", "second": "no card; buy one"},
    }


def spoilt(**changes):
    picture = noise(SIZE)
    if "alpha" in changes:
        picture[0, 0, 3] = 0
    elif "half" in changes:
        picture[SIZE // 2 :, :, :3] = 0
    else:
        picture[..., :3] = changes["flat"]
    return picture


@pytest.mark.parametrize("what", [{"flat": 0}, {"flat": 127}, {"half": 1}, {"alpha": 1}])
def test_an_engine_that_draws_no_picture_is_passed_over_and_closed(offer, what):
    opened = offer(broken={"picture": spoilt(**what)}, last={})
    choice = choose(SIZE)
    assert choice.engine is opened["last"][0]
    assert opened["broken"][0].closed
    assert "broken draws nothing that could be a face" in choice.verdicts[0].reason
    assert "update the driver" in choice.verdicts[0].reason


@pytest.mark.parametrize("error", [RuntimeError("device lost"), EngineError("device lost")])
def test_an_engine_that_fails_at_its_first_picture_is_passed_over_and_closed(offer, error):
    opened = offer(broken={"error": error}, last={})
    choice = choose(SIZE)
    assert choice.engine is opened["last"][0]
    assert opened["broken"][0].closed
    assert "device lost" in choice.verdicts[0].reason


def dying(name):
    """Open the engine ``name`` in a process that is taken down by that."""
    script = (
        "import os, sys\n"
        "from vjnode.engines.crash_guard import attempt\n"
        f"with attempt({name!r}):\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -9


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_an_engine_that_takes_the_process_down_is_not_tried_again_until_asked(offer):
    opened = offer(first={}, last={})
    dying("first")
    choice = choose(SIZE)
    assert choice.engine is opened["last"][0]
    assert "took the process down the last time" in choice.verdicts[0].reason
    assert "vjnode engines list" in choice.verdicts[0].reason
    assert "first" not in opened
    assert survey(SIZE)[0].usable
    assert choose(SIZE).engine is opened["first"][-1]


def test_an_attempt_of_a_process_that_lives_is_no_failure(offer):
    opened = offer(first={}, last={})
    with attempt("first"):
        assert not took_down("first")
        asked = "from vjnode.engines.crash_guard import took_down; print(took_down('first'))"
        done = subprocess.run([sys.executable, "-c", asked], capture_output=True, check=True)
        assert done.stdout.strip() == b"False"
    with attempt("first"):
        forget_attempts()
        assert choose(SIZE).engine is opened["first"][0]


def test_the_user_can_name_the_only_one_to_consider(offer, monkeypatch):
    opened = offer(first={}, second=EngineError("no card"), last={})
    monkeypatch.setenv("VJNODE_ENGINE", "last")
    assert choose(SIZE).engine is opened["last"][0]
    assert set(opened) == {"last"}
    assert [one.name for one in survey(SIZE)] == ["last"]
    monkeypatch.setenv("VJNODE_ENGINE", "second")
    with pytest.raises(EngineError, match="no card"):
        choose(SIZE)
    monkeypatch.setenv("VJNODE_ENGINE", "third")
    with pytest.raises(InputError, match=r"'third'.*first, second, last"):
        choose(SIZE)


def test_a_runtime_that_breaks_when_it_is_opened_is_passed_over(offer):
    opened = offer(
        first=RuntimeError("no libfoo"),
        second=OSError("no libbar"),
        third=AttributeError("no such call in this version"),
        last={},
    )
    choice = choose(SIZE)
    assert choice.engine is opened["last"][0]
    assert [one.reason for one in choice.verdicts[:3]] == [
        "first fails: no libfoo",
        "second fails: no libbar",
        "third fails: no such call in this version",
    ]


def test_when_not_even_the_last_can_be_opened_its_own_error_is_told(offer):
    offer(first=EngineError("no card"), last=EngineError("no processor"))
    with pytest.raises(EngineError, match="no processor"):
        choose(SIZE)


def test_the_last_one_need_not_draw_first(offer):
    opened = offer(first=EngineError("no card"), last={})
    open_engine(SIZE)
    assert opened["last"][0].drawn == 0


def test_what_was_taken_is_opened_again_without_trying_it(offer):
    opened = offer(first=EngineError("no card"), second={}, last={})
    open_engine(SIZE)
    again = open_engine(SIZE, 1)
    assert [one.drawn for one in opened["second"]] == [1, 0]
    assert again is opened["second"][1]


def test_where_the_last_was_taken_none_before_it_is_tried_again(offer, monkeypatch):
    tried = []

    def refuse(spec, size, threads):
        tried.append(threads)
        raise EngineError("no card")

    opened = offer(first={}, last={})
    offered = (Candidate("first", refuse), choose_module.CANDIDATES[-1])
    monkeypatch.setattr(choose_module, "CANDIDATES", offered)
    for threads in (None, 1, 1):
        open_engine(SIZE, threads)
    assert tried == [None]
    assert len(opened["last"]) == 3


def test_what_was_taken_and_is_gone_is_replaced(offer, monkeypatch):
    def refuse(spec, size, threads):
        raise EngineError("the card is gone")

    offer(first=EngineError("the card is gone"), last={})
    monkeypatch.setitem(choose_module._taken, ("mobilestylegan", SIZE), Candidate("first", refuse))
    assert open_engine(SIZE).name == "last"


def test_it_is_measured_once(offer):
    opened = offer(first={}, last={})
    choice = choose(SIZE, measured=True)
    assert choice.taken.ms > 0
    drawn = opened["first"][0].drawn
    assert drawn > 1
    assert choose(SIZE).taken.ms == choice.taken.ms
    assert choose(SIZE, measured=True).taken.ms == choice.taken.ms
    assert [one.drawn for one in opened["first"]] == [drawn, 1, 1]


def test_other_engines_have_times_of_their_own(offer):
    offer(first={}, last={})
    choose(SIZE, measured=True)
    assert choose(512).taken.ms is None
    offer(second={}, last={})
    assert choose(SIZE).taken.ms is None


def test_the_quickest_of_several_measurements_is_kept(monkeypatch, tmp_path):
    """One that met a busy machine does not count for ever."""
    monkeypatch.setenv("VJNODE_CACHE", str(tmp_path))
    engine, latent = Drawing("test", SIZE), still(np.zeros((23, 512), np.float32))
    monkeypatch.setattr(timing, "probe", lambda spec: latent)
    takes_s = iter((0.08, 0.02, 0.5))
    monkeypatch.setattr(timing, "DRAWS", 1)
    monkeypatch.setattr(timing, "_drawing_s", lambda *_: next(takes_s))
    assert timing.measured_ms(engine) == timing.measured_ms(engine) == 80.0
    assert timing.kept_ms(engine, count=2) is None
    assert timing.measured_ms(engine, count=2) == 20.0
    assert timing.measured_ms(engine, count=2) == timing.kept_ms(engine, count=2) == 20.0
    assert timing.measured_ms(engine, count=3) == 20.0
    assert timing.kept_ms(engine) == 20.0


def test_times_that_were_kept_before_they_were_counted_are_known(monkeypatch, tmp_path):
    monkeypatch.setenv("VJNODE_CACHE", str(tmp_path))
    engine = Drawing("test", SIZE)
    timing._file().write_text(json.dumps({timing._key(engine): 12.5}))
    assert (timing.kept_ms(engine), timing.kept_ms(engine, count=2)) == (12.5, None)


@pytest.mark.parametrize("content", ["", "[]", '{"a": "b"}', '{"a": [1]}', "\0"])
def test_damaged_times_are_measured_anew(offer, content):
    offer(first={}, last={})
    timing._file().write_text(content)
    assert choose(SIZE).taken.ms is None
    ms = choose(SIZE, measured=True).taken.ms
    assert choose(SIZE).taken.ms == ms


def test_a_cache_that_cannot_be_written_does_no_harm(offer, tmp_path, monkeypatch):
    offer(first={}, last={})
    latent = timing.probe()  # reads the generator, which would be in the cache
    monkeypatch.setattr(timing, "probe", lambda spec: latent)
    monkeypatch.setattr(choose_module, "probe", lambda spec: latent)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("VJNODE_CACHE", str(tmp_path / "file"))
    assert choose(SIZE, measured=True).taken.ms > 0


def test_the_survey_tries_and_measures_all_anew_and_closes_them(offer):
    opened = offer(first=EngineError("no card"), second={}, third={"picture": spoilt(flat=9)})
    timing.measured_ms(Drawing("second", SIZE))
    verdicts = survey(SIZE)
    assert [one.usable for one in verdicts] == [False, True, False]
    assert verdicts[1].ms > 0
    assert opened["second"][0].drawn > 2
    assert choose(SIZE).taken.ms == verdicts[1].ms
    assert opened["second"][0].closed
    assert opened["third"][0].closed


class Disturbed(Drawing):
    """An engine with a clock of its own, by which its first pictures take longer than others."""

    now_s = 0.0

    def draw(self, latent):
        self.now_s += 0.05 if self.drawn < 12 else 0.02
        return super().draw(latent)


def test_a_start_that_takes_the_cores_does_not_make_an_engine_slow(offer, monkeypatch):
    offer(first={})
    engine = Disturbed("first", SIZE)
    monkeypatch.setattr(timing, "time", SimpleNamespace(perf_counter=lambda: engine.now_s))
    assert timing.measured_ms(engine) == 20.0


def test_another_size_is_refused_before_anything_is_opened(offer):
    opened = offer(first={})
    for ask in (choose, survey, open_engine):
        with pytest.raises(InputError, match="640"):
            ask(640)
    assert not opened


def test_a_face_looks_like_one():
    picture = open_engine(SIZE).draw(timing.probe())
    assert looks_like_one(picture, SIZE)
    assert not looks_like_one(picture, 512)


def test_the_order_is_that_of_speed():
    names = [one.name for one in CANDIDATES]
    assert names == ["tensorrt_rtx", "tensorrt", "torch", "onnxruntime", "openvino"]


@without_card
def test_without_a_card_nothing_of_cuda_is_imported_and_each_says_why():
    script = (
        "import json, sys\n"
        "from vjnode.engines.registry import choose\n"
        "choice = choose(256)\n"
        "own = 'vjnode.engines.cuda.tensorrt_engine'\n"
        "heavy = ('torch', 'tensorrt', 'tensorrt_rtx', 'onnx', own)\n"
        "print(json.dumps([choice.report(), [one for one in heavy if one in sys.modules]]))\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    report, imported = json.loads(run.stdout)
    assert imported == []
    assert report["runtime"] == "openvino"
    assert report["engine"].startswith("openvino ")
    for name in ("tensorrt_rtx", "tensorrt", "torch"):
        assert "no CUDA card here" in report["skipped"][name]
    assert report["skipped"]["onnxruntime"]
