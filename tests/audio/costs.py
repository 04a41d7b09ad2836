"""Costs of hearing, in a unit that is the same on a slow machine and on a busy one."""

import time

import numpy as np

ROUNDS = 5


def cost(work):
    """Return how long ``work()`` takes, in transforms of 1024 samples as numpy makes them.

    Both take turns, and of each the least disturbed counts.
    """
    unit = np.random.default_rng(0).standard_normal(1024).astype(np.float32)
    works_s, units_s = [], []
    for _ in range(ROUNDS):
        began_s = time.thread_time()
        work()
        worked_s = time.thread_time()
        for _ in range(500):
            np.fft.rfft(unit)
        works_s.append(worked_s - began_s)
        units_s.append((time.thread_time() - worked_s) / 500)
    return min(works_s) / min(units_s)
