import numpy as np
import pytest

from vjnode.audio.features.analyser import level_db
from vjnode.audio.sources.base import BLOCK_S
from vjnode.audio.sources.tone import SWELL_S, ToneSource


def test_the_tone_swells_and_falls_every_four_seconds_without_clipping():
    tone = ToneSource()
    blocks = [tone.read() for _ in range(int(2 * SWELL_S / BLOCK_S) + 1)]
    levels = np.array([level_db(block.pcm[:, 0]) for block in blocks])
    period = round(SWELL_S / BLOCK_S)
    assert levels.max() - levels.min() > 30
    assert np.argmax(levels[:period]) == pytest.approx(period / 2, abs=20)
    assert np.argmax(levels[period:]) == pytest.approx(period / 2, abs=20)
    assert levels[period] < levels.min() + 3
    assert max(np.abs(block.pcm).max() for block in blocks) <= 1.0
