import numpy as np

from vjnode.audio.samples import Fifo, scrub


def test_wild_samples_become_finite_and_full_scale_at_most():
    wild = np.array([np.nan, np.inf, -np.inf, 1e30, -1e300, 4.0, 0.25])
    np.testing.assert_array_equal(scrub(wild), np.float32([0, 1, -1, 1, -1, 1, 0.25]))
    assert scrub(wild).dtype == np.float32


def test_the_samples_that_came_in_are_left_alone():
    pcm = np.float32([[0.5, np.nan]])
    scrub(pcm)[0, 0] = 0.0
    assert pcm[0, 0] == 0.5


def ramp(start, end):
    return np.repeat(np.arange(start, end, dtype=np.float32)[:, None], 2, axis=1)


def test_what_goes_in_comes_out_in_order_however_it_is_cut():
    fifo = Fifo()
    rng = np.random.default_rng(0)
    came, taken = 0, []
    while came < 5000:
        length = int(rng.integers(0, 300))
        fifo.put(ramp(came, came + length))
        came += length
        taken.append(fifo.take(int(rng.integers(0, 300))))
    taken.append(fifo.take(10_000))
    np.testing.assert_array_equal(np.concatenate(taken), ramp(0, came))
    assert fifo.waiting == 0


def test_no_more_is_taken_than_waits():
    fifo = Fifo(channels=5)
    assert fifo.take(10).shape == (0, 5)
    fifo.put(np.ones((3, 5), np.float32))
    assert fifo.take(0).shape == (0, 5)
    assert fifo.waiting == 3
    assert fifo.take(10).shape == (3, 5)
