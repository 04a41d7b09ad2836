"""No reader sees half of anything, on whatever processor."""

from itertools import count

import numpy as np
import pytest

from tests.show.ipc.weak_memory import WORD, WeakMemory
from vjnode.audio.sources.base import Block
from vjnode.show.ipc import audio_ring, frame_stats, show_flags, slot

SEEDS = range(60)


@pytest.mark.parametrize("copies", [2, 3])
def test_a_slot_hands_over_whole_values(monkeypatch, copies):
    whole = 0
    for seed in SEEDS:
        memory = WeakMemory(slot, monkeypatch, seed)
        monkeypatch.setattr(slot, "monotonic_s", count(1.0).__next__)
        writer = slot.Slot(64, copies=copies)
        for number in range(1, 12):
            writer.write(bytes([number]) * (64 - 3 * number))
        memory.arrive()
        reader, last = slot.Slot(64, name="", copies=copies), 0
        while memory.goes_on():
            newest = reader.sequence
            slot.fence()
            assert reader.written_s >= newest
            value = reader.read()
            if value is not None:
                assert value == bytes(value[:1]) * (64 - 3 * value[0])
                assert value[0] > last
                whole, last = whole + 1, value[0]
    assert whole > len(SEEDS)  # it is no use to refuse everything


def test_a_ring_hands_over_sound_that_is_whole(monkeypatch):
    block = 2
    for name, value in {"BLOCK": block, "FRAMES": 16, "_GUARD": 4, "_TIMES": 16}.items():
        monkeypatch.setattr(audio_ring, name, value)
    heard = 0
    for seed in SEEDS:
        memory = WeakMemory(audio_ring, monkeypatch, seed)
        reader, writer = audio_ring.SoundRing(), audio_ring.SoundRing(name="")
        for number in range(1, 25):
            pcm = np.full((block, 2), number, np.float32)
            writer.write(Block(pcm, 0.0, 100.0 + number))
        memory.arrive()
        last = 0
        while memory.goes_on():
            pcm, heard_s = reader.read()
            if len(pcm):
                numbers = pcm[::block, 0]
                assert (pcm == np.repeat(numbers, block)[:, None]).all()
                assert (np.diff(numbers) == 1).all()
                assert numbers[0] > last
                assert heard_s == 100.0 + numbers[-1]
                heard, last = heard + len(numbers), numbers[-1]
    assert heard > 5 * len(SEEDS)


def test_the_figures_of_a_meter_are_of_one_moment(monkeypatch):
    monkeypatch.setattr(frame_stats, "BINS", 4)
    monkeypatch.setattr(frame_stats, "_BYTES", frame_stats._HEAD + 4 * 12)
    monkeypatch.setattr(frame_stats, "_MAX_TRIES", 10_000)  # until the writer, which lives, is done
    seen = set()
    for seed in SEEDS:
        memory = WeakMemory(frame_stats, monkeypatch, seed)
        writer = frame_stats.Meter()
        for frame in range(8):
            writer.count(sent_s=1.0 + frame, captured_s=None, late=True, repeated=True)
        memory.arrive()
        reader = frame_stats.Meter(name="")
        while memory.goes_on():
            said = reader.summary()
            frames = said["frames"]
            assert said["late"] == said["repeated"] == frames
            assert said["duration_s"] == max(frames - 1, 0)
            assert [gap["at_s"] for gap in said["gaps"]] == list(range(frames - 1))
            seen.add(frames)
    assert len(seen) > 4


def test_what_a_board_says_is_one_word_each(monkeypatch):
    WeakMemory(show_flags, monkeypatch, 0)
    notices = show_flags.ShowFlags()
    for word in (notices._stop, notices._epoch):
        assert word.nbytes == WORD
        assert word.ctypes.data % WORD == 0
