import errno
import threading
import time

import numpy as np
import pytest

from vjnode.engine.library import Look, SweepLibrary, keys_within
from vjnode.errors import VjnodeError

SIZE = 64
KEY_BYTES = SIZE * SIZE * 4
ADA, BEN, CHI = (Look(name, "laugh") for name in ("ada", "ben", "chi"))


class PaintBox:
    """An engine whose pictures show their code, so that a test can tell them apart.

    A line that moves on with it keeps keys from being spared.
    """

    name = "paint box"
    identity = "1"
    size = SIZE
    at_once = 1

    def __init__(self, delay_s=0.0):
        self.drawn = []
        self.delay_s = delay_s

    def draw(self, codes):
        time.sleep(self.delay_s)
        self.drawn.append(float(codes[0, 0]))
        picture = np.full((SIZE, SIZE, 4), int(codes[0, 0]), np.uint8)
        picture[8 + int(codes[0, 0]) % (SIZE - 8), :, :3] = 255
        picture[..., 3] = 255
        return picture

    def draw_unless(self, given_up, codes):
        return None if given_up() else self.draw(codes)

    def close(self):
        pass


class Workshop(PaintBox):
    """Paint boxes that draw at once; it notes what is under way with what whenever one begins."""

    at_once = 2

    def __init__(self, delay_s=0.005):
        super().__init__(delay_s)
        self.threads = []
        self.closed = 0
        self.moments = []
        self._under_way = []
        self._writing = threading.Lock()

    def open(self, threads):
        self.threads.append(threads)
        return self

    def close(self):
        self.closed += 1

    def draw_unless(self, given_up, codes):
        with self._writing:
            self._under_way.append(float(codes[0, 0]))
            self.moments.append(tuple(self._under_way))
        until_s = time.perf_counter() + self.delay_s
        try:
            while time.perf_counter() < until_s:
                if given_up():
                    return None
                time.sleep(0.001)
            return PaintBox.draw(self, codes)
        finally:
            with self._writing:
                self._under_way.remove(float(codes[0, 0]))


def codes(look, weight):
    base = {"ada": 10, "ben": 100, "chi": 180}[look.face]
    return np.full((23, 512), base + round(weight * 63), np.float32)


@pytest.fixture
def make(tmp_path):
    made = []

    def make(engine, *, keys=64, sweeps=2, folder=tmp_path / "sweeps"):
        library = SweepLibrary(
            getattr(engine, "open", lambda threads: engine),
            codes,
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
    assert library.wait(sweep, ready=sweep.keys, timeout_s=10)
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


def test_a_damaged_key_is_drawn_again(make, tmp_path):
    completed(make(PaintBox()), ADA)
    keys = sorted(tmp_path.glob("sweeps/*/*.jpg"))
    keys[3].write_bytes(keys[3].read_bytes()[:40])
    keys[5].write_bytes(b"")
    engine = PaintBox()
    completed(make(engine), ADA)
    assert sorted(engine.drawn) == [13, 15]


def test_a_switch_comes_first_and_an_unfinished_sweep_goes_on_later(make):
    engine = PaintBox(delay_s=0.005)
    library = make(engine, folder=None)
    library.sweep(ADA)
    time.sleep(0.05)
    ben = library.sweep(BEN)
    assert library.wait(ben, ready=1, timeout_s=1)
    assert len(engine.drawn) < 64
    completed(library, BEN)
    completed(library, ADA)


def test_what_presets_need_is_prepared_when_there_is_room(make):
    engine = PaintBox()
    library = make(engine, sweeps=2, folder=None)
    library.prefetch([BEN, CHI])
    completed(library, ADA)
    ben = library.sweep(BEN)
    assert library.wait(ben, ready=64, timeout_s=10)
    assert 128 <= len(engine.drawn) <= 129  # a key in hand may be drawn by both threads


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


def test_several_draw_at_once_and_nothing_is_drawn_twice(make):
    shop = Workshop()
    sweep = completed(make(shop, folder=None), ADA)
    assert sorted(shop.drawn) == list(range(10, 74))
    assert max(len(moment) for moment in shop.moments) == 2
    assert shop.threads == [None, shop.threads[1], shop.threads[1]]
    assert all(value(sweep, key / 63) == 10 + key for key in range(64))


def test_the_first_key_of_a_switch_has_all_cores(make):
    shop = Workshop(delay_s=0.02)
    library = make(shop, folder=None)
    ada = library.sweep(ADA)
    assert library.wait(ada, ready=9, timeout_s=5)
    assert library.wait(library.sweep(BEN), ready=1, timeout_s=5)
    assert shop.drawn[-1] == 100  # what was in hand has been given up
    completed(library, BEN)
    assert not any(moment[-1] > 100 for moment in shop.moments if 100 in moment)
    completed(library, ADA)
    assert sorted(shop.drawn) == [*range(10, 74), *range(100, 164)]


def test_nobody_is_called_to_help_where_all_is_on_disk(make):
    completed(make(PaintBox()), ADA)
    shop = Workshop()
    completed(make(shop), ADA)
    assert shop.threads == [None]


@pytest.mark.parametrize("fails", ["open", "draw"])
def test_without_a_helper_the_others_go_on(make, caplog, fails):
    class Helpless(Workshop):
        def open(self, threads):
            helper = threads is not None
            if helper and fails == "open":
                raise RuntimeError("no memory for another")
            return Unsteady() if helper else self

    class Unsteady(Workshop):
        def draw_unless(self, given_up, codes):
            raise RuntimeError("no memory for another")

    shop = Helpless(delay_s=0.001)
    sweep = completed(make(shop, folder=None), ADA)
    assert sweep.drawn == 64
    assert "fewer engines at once: no memory for another" in caplog.text


def test_nothing_stands_still_while_helpers_open(make):
    class Slow(Workshop):
        def open(self, threads):
            if threads is not None:
                time.sleep(1.0)
            return self

    library = make(Slow(), folder=None)
    assert library.wait(library.sweep(ADA), ready=20, timeout_s=0.9)


def test_helpers_give_back_what_they_held(make, monkeypatch):
    monkeypatch.setattr("vjnode.engine.library.HELP_S", 0.1)
    shop = Workshop()
    library = make(shop, folder=None)
    completed(library, ADA)
    time.sleep(0.5)
    assert shop.closed == 2
    completed(library, BEN)
    assert len(shop.threads) == 5  # they are there again


def test_a_disk_that_fills_up_while_several_draw_does_not_stop_the_show(make, tmp_path, caplog):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vjnode.engine.key_files.replace_file", full)
        sweep = completed(make(Workshop()), ADA)
    assert sweep.drawn == 64
    assert caplog.text.count("cannot be kept") == 1


def test_several_draw_no_more_keys_than_one_does(make):
    class Still(Workshop):
        def draw_unless(self, given_up, codes):
            drawn = super().draw_unless(given_up, codes)
            return None if drawn is None else np.full_like(drawn, 99)

    assert completed(make(Still(delay_s=0.002), folder=None), ADA).drawn == 17


def test_closing_does_not_wait_for_a_picture(make):
    library = make(Workshop(delay_s=5.0), folder=None)
    library.sweep(ADA)
    time.sleep(0.1)
    began_s = time.perf_counter()
    library.close()
    assert time.perf_counter() - began_s < 1.0


def test_a_failed_engine_is_reported_and_never_waited_for(make):
    class Broken(PaintBox):
        def draw(self, codes):
            raise RuntimeError("out of memory")

    library = make(Broken(), folder=None)
    with pytest.raises(VjnodeError, match="out of memory"):
        library.wait(library.sweep(ADA), ready=1, timeout_s=5)
    with pytest.raises(VjnodeError, match="out of memory"):
        library.sweep(BEN)


def test_keys_that_would_not_show_are_not_drawn_and_leave_room(make):
    class Fading(PaintBox):
        def draw(self, codes):
            self.drawn.append(float(codes[0, 0]))
            return np.full((SIZE, SIZE, 4), int(codes[0, 0]), np.uint8)

    engine = Fading()
    library = make(engine, sweeps=2)
    looks = (ADA, BEN, CHI)
    sweeps = [completed(library, look) for look in looks]
    assert len(engine.drawn) == 3 * 17
    assert [library.sweep(look) for look in looks] == sweeps
    again = Fading()
    assert value(completed(make(again), ADA), 0.5) == value(sweeps[0], 0.5)
    assert again.drawn == []
