import errno
import threading
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from tests.events import wait_for
from vjnode.engines import own_weights
from vjnode.engines.base import OneByOne
from vjnode.engines.own_weights import WithOwnWeights
from vjnode.errors import InputError, VjnodeError
from vjnode.generators.latent import Weights, still
from vjnode.render import keyframe_files, keyframe_workers
from vjnode.render.base import Look
from vjnode.render.keyframe_renderer import KeyframeRenderer
from vjnode.render.keyframes import Sweep, keys_within
from vjnode.render.layers import Layers

SIZE = 64
WAIT_S = 60
"""Limit, s, on waits that take far less on any machine, so that a test that fails ends."""

KEY_BYTES = SIZE * SIZE * 4
ADA, BEN, CHI = (Look(name, ("laugh",)) for name in ("ada", "ben", "chi"))


class PaintBox(OneByOne):
    """An engine whose pictures show their code, so that a test can tell them apart.

    A line that moves on with it keeps keys from being spared.
    """

    name = "paint box"
    identity = "1"
    size = SIZE

    def __init__(self):
        self.drawn = []

    def draw(self, latent):
        first = float(latent.codes()[0, 0])
        self.drawn.append(first)
        picture = np.full((SIZE, SIZE, 4), int(first), np.uint8)
        picture[8 + int(first) % (SIZE - 8), :, :3] = 255
        picture[..., 3] = 255
        return picture

    def draw_unless(self, given_up, latent):
        return None if given_up() else self.draw(latent)

    def close(self):
        pass


class Patient(PaintBox):
    """A paint box that draws as many pictures as it may, unless a drawing is given up."""

    def __init__(self):
        super().__init__()
        self.begun, self.may = threading.Semaphore(0), threading.Semaphore(0)

    def draw_unless(self, given_up, latent):
        self.begun.release()
        while not self.may.acquire(timeout=0.001):
            if given_up():
                return None
        return self.draw(latent)


def latents(look, weights):
    base = {"ada": 10, "ben": 100, "chi": 180}[look.face]
    return still(np.full((23, 512), base + round(weights[0] * 63), np.float32))


def one_layer(look):
    return Layers(look, None)


@pytest.fixture
def make(tmp_path, monkeypatch):
    """Make renderers whose threads are all equal: what gives way may wait for ever elsewhere."""
    monkeypatch.setattr(keyframe_workers, "lower_priority", lambda niceness: None)
    made = []

    def make(engine, *, keys=64, sweeps=2, folder=tmp_path / "sweeps"):
        library = KeyframeRenderer(
            lambda threads: engine,
            latents,
            one_layer,
            size=SIZE,
            memory_bytes=KEY_BYTES * keys * sweeps,
            folder=folder,
        )
        made.append(library)
        return library

    yield make
    for library in made:
        library.close()


def completed(library, look):
    sweep = library.sweep(look)
    assert library.wait(sweep, ready=sweep.keys, timeout_s=WAIT_S)
    return sweep


def value(sweep, weight):
    out = np.zeros((SIZE, SIZE, 4), np.uint8)
    sweep.blend(weight, out)
    return int(out[0, 0, 0])


def test_a_sweep_fills_coarse_to_fine(make):
    engine = PaintBox()
    sweep = completed(make(engine), ADA)
    assert engine.drawn[:3] == [10, 73, 41]
    assert len(engine.drawn) == 64
    assert [value(sweep, weight) for weight in (0, 1)] == [10, 73]


def test_a_second_show_draws_nothing_and_shows_the_same(make):
    first = completed(make(PaintBox()), ADA)
    engine = PaintBox()
    second = completed(make(engine), ADA)
    assert engine.drawn == []
    for weight in (0.0, 0.31, 1.0):
        assert value(first, weight) == value(second, weight)


def test_keys_drawn_without_a_faces_weights_are_not_kept_as_if_with_them(make, monkeypatch):
    weights = Weights(Path("ada.safetensors"), "0" * 64, SIZE)

    def of_its_own(look, amounts):
        latent = latents(look, amounts)
        return replace(latent, subject=replace(latent.subject, weights=weights))

    def fail(*_):
        raise InputError("no memory is left")

    def shown(plain, open_one):
        monkeypatch.setattr(own_weights, "_unusable", set())  # as where a program begins
        library = make(WithOwnWeights(plain, None, open_one))
        library._workers._latents = of_its_own
        completed(library, ADA)

    plain, tuned = PaintBox(), PaintBox()
    shown(plain, fail)
    assert len(plain.drawn) == 64
    for _ in range(2):
        shown(plain, lambda *_: tuned)
        assert (len(plain.drawn), len(tuned.drawn)) == (64, 64)


def test_a_damaged_key_is_drawn_again(make, tmp_path):
    completed(make(PaintBox()), ADA)
    keys = sorted(tmp_path.glob("sweeps/*/*.jpg"))
    keys[3].write_bytes(keys[3].read_bytes()[:40])
    keys[5].write_bytes(b"")
    engine = PaintBox()
    completed(make(engine), ADA)
    assert sorted(engine.drawn) == [13, 15]


def test_what_presets_need_is_prepared_when_there_is_room(make):
    engine = PaintBox()
    library = make(engine, sweeps=2, folder=None)
    library.prefetch([BEN, CHI])
    completed(library, ADA)
    ben = library.sweep(BEN)
    assert library.wait(ben, ready=64, timeout_s=WAIT_S)
    assert 128 <= len(engine.drawn) <= 129  # a key in hand may be drawn by both threads


def test_for_what_is_sure_to_come_room_is_made_but_never_of_what_is_on(make):
    engine = PaintBox()
    library = make(engine, sweeps=2, folder=None)
    on = [completed(library, look) for look in (ADA, BEN)][1]
    for looks in ([CHI], [ADA, CHI]):  # there is room for one of these
        library.prefetch([ADA, BEN, CHI], first=looks)
        wait_for(partial(is_complete, library, looks[0]))
        assert library.sweep(BEN) is on
    drawn = len(engine.drawn)
    assert value(library.sweep(ADA), 0.0) == 10
    assert len(engine.drawn) == drawn


def is_complete(library, look):
    sweep = library._cache.published.get(look)
    return sweep is not None and sweep.ready == sweep.keys


def test_memory_stays_within_its_limit(make):
    library = make(PaintBox(), sweeps=2, folder=None)
    first = completed(library, ADA)
    for look in (BEN, CHI):
        completed(library, look)
    assert library.sweep(ADA) is not first


def test_little_memory_gives_fewer_keys():
    assert keys_within(1 << 30, size=1024) == 64
    assert keys_within(64 << 20, size=1024) == 16
    assert keys_within(0, size=1024) == 2


def test_a_folder_that_cannot_be_written_does_not_stop_the_show(make, tmp_path, caplog):
    (tmp_path / "file").write_text("in the way")
    completed(make(PaintBox(), folder=tmp_path / "file"), ADA)
    assert caplog.text.count("cannot be kept") == 1


def test_a_switch_gives_up_what_is_in_hand_and_comes_back_to_it(make):
    patient = Patient()
    library = make(patient, folder=None)
    ada = library.sweep(ADA)
    patient.may.release(9)
    assert library.wait(ada, ready=9, timeout_s=WAIT_S)
    for _ in range(10):
        assert patient.begun.acquire(timeout=WAIT_S)
    ben = library.sweep(BEN)
    assert patient.begun.acquire(timeout=WAIT_S)  # so that of ada has been given up
    patient.may.release()
    assert library.wait(ben, ready=1, timeout_s=WAIT_S)
    assert patient.drawn[9:] == [100]
    patient.may.release(128)
    completed(library, BEN)
    completed(library, ADA)
    assert sorted(patient.drawn) == [*range(10, 74), *range(100, 164)]


def test_the_next_key_is_drawn_while_the_last_is_encoded(make, monkeypatch):
    drawn_on, seen, encode = threading.Event(), [], keyframe_files.encode

    class Going(PaintBox):
        def draw(self, latent):
            if self.drawn:
                drawn_on.set()
            return super().draw(latent)

    def slow(picture):
        seen.append(drawn_on.wait(WAIT_S))
        return encode(picture)

    monkeypatch.setattr(keyframe_files, "encode", slow)
    engine = Going()
    sweep = completed(make(engine), ADA)
    assert all(seen)
    assert sorted(engine.drawn) == list(range(10, 74))  # each of them once
    assert all(value(sweep, key / 63) == 10 + key for key in range(64))


def test_the_tick_waits_for_nobody(make, monkeypatch):
    """Whatever the background does with its sweeps, and however long that takes."""
    busy, goes_on, missing = threading.Event(), threading.Event(), Sweep.missing

    def slowly(sweep, in_hand=()):
        busy.set()
        goes_on.wait()
        return missing(sweep, in_hand)

    monkeypatch.setattr(Sweep, "missing", slowly)
    library, got = make(PaintBox(), folder=None), []
    library.prefetch([CHI])
    library.sweep(ADA)
    assert busy.wait(WAIT_S)
    looks = (ADA, BEN, ADA, CHI)
    tick = threading.Thread(target=lambda: got.extend(map(library.sweep, looks)), daemon=True)
    tick.start()
    tick.join(10)
    waits = tick.is_alive()
    goes_on.set()
    assert not waits
    assert library.wait(got[-1], ready=64, timeout_s=WAIT_S)
    assert library.sweep(CHI) is got[-1]


def test_a_look_that_is_asked_for_again_before_it_is_begun_stays_the_same(make, monkeypatch):
    """A sweep made anew would take the place of the first, and of the keys drawn for that."""
    busy, goes_on, missing = threading.Event(), threading.Event(), Sweep.missing

    def slowly(sweep, in_hand=()):
        busy.set()
        goes_on.wait()
        return missing(sweep, in_hand)

    monkeypatch.setattr(Sweep, "missing", slowly)
    library = make(PaintBox(), folder=None)
    library.sweep(ADA)
    assert busy.wait(WAIT_S)
    got = [library.sweep(look) for look in (BEN, CHI, BEN)]
    goes_on.set()
    assert got[2] is got[0]
    assert got[1] is not got[0]
    assert library.wait(got[0], ready=64, timeout_s=WAIT_S)
    assert library.sweep(BEN) is got[0]


def test_what_is_prepared_ahead_keeps_nobody_waiting(make, monkeypatch):
    """A thread that gives way to everything may stay for long at a lock that others need."""

    class Lock:
        def __init__(self):
            self._lock = threading.Lock()

        def __enter__(self):
            came.add(threading.current_thread().name)
            self._lock.acquire()

        def __exit__(self, *_):
            self._lock.release()

    class Watched(PaintBox):
        def draw_unless(self, given_up, latent):
            drew.add(threading.current_thread().name)
            return super().draw_unless(given_up, latent)

    def init(sweep, **how):
        made(sweep, **how)
        sweep._filling = Lock()

    came, drew, made = set(), set(), Sweep.__init__
    monkeypatch.setattr(Sweep, "__init__", init)
    library = make(Watched())
    library._files._counting = Lock()
    completed(library, ADA)
    library.prefetch([BEN])
    until_s = time.monotonic() + WAIT_S
    while (ben := library._cache.published.get(BEN)) is None and time.monotonic() < until_s:
        time.sleep(0.005)
    assert library.wait(ben, ready=64, timeout_s=WAIT_S)
    assert "sweeps ahead" in drew
    assert came
    assert "sweeps ahead" not in came


def test_a_disk_that_fills_up_does_not_stop_the_show(make, tmp_path, caplog):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vjnode.render.keyframe_files.replace_file", full)
        sweep = completed(make(PaintBox()), ADA)
    assert sweep.drawn == 64
    assert caplog.text.count("cannot be kept") == 1


def test_closing_does_not_wait_for_a_picture(make):
    patient = Patient()
    library = make(patient, folder=None)
    library.sweep(ADA)
    assert patient.begun.acquire(timeout=WAIT_S)
    library.close()  # would never return
    assert patient.drawn == []


def test_a_failed_engine_is_reported_and_never_waited_for(make):
    class Broken(PaintBox):
        def draw(self, latent):
            raise RuntimeError("out of memory")

    library = make(Broken(), folder=None)
    with pytest.raises(VjnodeError, match="out of memory"):
        library.wait(library.sweep(ADA), ready=1, timeout_s=WAIT_S)
    with pytest.raises(VjnodeError, match="out of memory"):
        library.sweep(BEN)


def test_keys_that_would_not_show_are_not_drawn_and_leave_room(make):
    class Fading(PaintBox):
        def draw(self, latent):
            first = float(latent.codes()[0, 0])
            self.drawn.append(first)
            return np.full((SIZE, SIZE, 4), int(first), np.uint8)

    engine = Fading()
    library = make(engine, sweeps=2)
    looks = (ADA, BEN, CHI)
    sweeps = [completed(library, look) for look in looks]
    assert len(engine.drawn) == 3 * 17
    assert [library.sweep(look) for look in looks] == sweeps
    again = Fading()
    assert value(completed(make(again), ADA), 0.5) == value(sweeps[0], 0.5)
    assert again.drawn == []


def test_other_channels_are_prepared_at_the_same_pace_and_added(make):
    look = Look("ada", ("laugh", "wide"))

    class Patches(PaintBox):
        def draw(self, latent):
            first, second = latent.codes()[0, :2]
            self.drawn.append((first - 10, second))
            picture = np.full((SIZE, SIZE, 4), 60, np.uint8)
            picture[int(first) % 32, :, :3] = 255  # so that no key is spared
            picture[40:56, 10:30, :3] += np.uint8(100 * second)
            return picture

    def two(look, weights):
        codes = np.zeros((23, 512), np.float32)
        codes[0, :2] = 10 + round(weights[0] * 63), sum(weights[1:])
        return still(codes)

    engine = Patches()
    library = make(engine)
    library._layers = lambda asked: Layers(asked.in_one_channel(), asked)
    library._workers._latents = two
    assert library.prepare(look, keys=1000, timeout_s=WAIT_S)
    progress = library.ready(look)
    overlay = library._newest.overlay
    assert progress.ready == progress.wanted == 64 + overlay.keys
    assert engine.drawn[0] == (0, 0)
    # An even part of each: brows do not wait for the last of 64 keys.
    seconds = [number for number, (_, second) in enumerate(engine.drawn) if second]
    assert seconds[0] < 8
    assert seconds[len(seconds) // 2] < len(engine.drawn) * 0.65
    out = np.zeros((SIZE, SIZE, 4), np.uint8)
    library.begin(look, (0.5, 0.75)).result().copy_to(out)
    assert int(out[48, 20, 0]) == pytest.approx(135, abs=2)
    library.begin(look, (0.5, 0.0)).result().copy_to(out)
    assert out[48, 20, 0] == 60
    engine.drawn.clear()
    again = make(engine)
    again._layers, again._workers._latents = library._layers, two
    assert again.prepare(look, keys=1000, timeout_s=WAIT_S)
    assert not engine.drawn  # all of it is on disk
