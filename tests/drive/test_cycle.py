import math

import numpy as np
import pytest

from vjnode.drive.cycle import RISE, Lfo, beat_pulse


def test_the_pulse_peaks_on_the_beat_and_falls_to_zero_before_the_next():
    assert beat_pulse(0.0) == beat_pulse(1.0) == beat_pulse(7.0) == 1.0
    assert beat_pulse((1 - RISE) / 2) == pytest.approx(0.25)
    assert beat_pulse(1 - RISE) == 0.0
    assert beat_pulse(1 - RISE / 2) == pytest.approx(0.5)


def test_the_pulse_never_jumps():
    pulse = [beat_pulse(phase) for phase in np.linspace(-1, 2, 30_001)]
    assert np.abs(np.diff(pulse)).max() < 2e-3
    assert min(pulse) >= 0.0
    assert max(pulse) <= 1.0


def test_the_wave_begins_at_zero_and_has_its_rate():
    lfo = Lfo()
    assert lfo.step(0.0, rate_hz=0.5) == 0.0
    assert lfo.step(0.5, rate_hz=0.5) == pytest.approx(0.5)
    assert lfo.step(0.5, rate_hz=0.5) == pytest.approx(1.0)
    assert lfo.step(1.0, rate_hz=0.5) == pytest.approx(0.0, abs=1e-12)


def test_a_change_of_rate_does_not_jump():
    lfo, waves = Lfo(), []
    for frame in range(600):
        waves.append(lfo.step(1 / 60, rate_hz=0.1 if frame < 300 else 2.0))
    assert np.abs(np.diff(waves)).max() <= math.pi * 2.0 / 60


def test_locked_to_the_beat_it_is_where_the_beat_is():
    lfo = Lfo()
    assert lfo.step(0.016, rate_hz=3.0, beats=4.0, position=6.0) == pytest.approx(1.0)
    assert lfo.step(0.016, rate_hz=3.0, beats=4.0, position=8.0) == pytest.approx(0.0)
    assert lfo.step(0.016, rate_hz=3.0, beats=0.5, position=0.25) == pytest.approx(1.0)


def test_without_a_beat_it_runs_on_freely():
    lfo = Lfo()
    lfo.step(0.0, rate_hz=1.0, beats=4.0, position=1.0)
    assert lfo.step(0.25, rate_hz=1.0, beats=4.0, position=None) == pytest.approx(1.0)
