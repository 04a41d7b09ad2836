import numpy as np

from vjnode.audio.scrub import scrub


def test_wild_samples_become_finite_and_full_scale_at_most():
    wild = np.array([np.nan, np.inf, -np.inf, 1e30, -1e300, 4.0, 0.25])
    np.testing.assert_array_equal(scrub(wild), np.float32([0, 1, -1, 1, -1, 1, 0.25]))
    assert scrub(wild).dtype == np.float32


def test_the_samples_that_came_in_are_left_alone():
    pcm = np.float32([[0.5, np.nan]])
    scrub(pcm)[0, 0] = 0.0
    assert pcm[0, 0] == 0.5
