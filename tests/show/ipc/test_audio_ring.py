import numpy as np

from vjnode.audio.sources.base import BLOCK, Block
from vjnode.show.ipc.audio_ring import FRAMES, SoundRing


def block(number):
    return Block(np.full((BLOCK, 2), number, np.float32), number * 0.01, 100 + number * 0.01)


def test_a_tap_gets_everything_since_its_last_read_with_its_time():
    ring = SoundRing()
    tap = SoundRing(name=ring.name)
    for number in range(3):
        ring.write(block(number))
    samples, heard_s = tap.read()
    assert samples[::BLOCK, 0].tolist() == [0, 1, 2]
    assert heard_s == 100.02
    assert len(tap.read()[0]) == 0
    tap.close()
    ring.close()


def test_the_ring_goes_round_without_a_seam():
    ring = SoundRing()
    tap = SoundRing(name=ring.name)
    heard = []
    for number in range(FRAMES // BLOCK + 50):
        ring.write(block(number))
        heard.append(tap.read()[0])
    values = np.concatenate(heard)[:, 0]
    assert values[::BLOCK].tolist() == list(range(FRAMES // BLOCK + 50))
    assert (np.diff(values) >= 0).all()
    tap.close()
    ring.close()


def test_a_tap_that_was_away_gets_the_newest_part():
    ring = SoundRing()
    tap = SoundRing(name=ring.name)
    last = 2 * FRAMES // BLOCK
    for number in range(last + 1):
        ring.write(block(number))
    samples, _ = tap.read()
    assert samples[-1, 0] == last
    assert len(samples) < FRAMES
    tap.close()
    ring.close()
