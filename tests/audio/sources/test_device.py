import queue
import sys
import threading
from itertools import cycle

import numpy as np
import pytest

from tests.audio.sounds import peak, sine
from vjnode.audio.sources.base import BLOCK, BLOCK_S, RATE_HZ
from vjnode.audio.sources.device import BACKLOG, LiveSource
from vjnode.audio.sources.device_list import DeviceInfo, choose, list_devices
from vjnode.audio.sources.portaudio import hangs
from vjnode.audio.sources.spec import Channels
from vjnode.errors import SourceError
from vjnode.remedies import install_extra

DEVICES = [
    DeviceInfo("HDA Intel: Line In", 0, 2, 44_100, default=False),
    DeviceInfo("USB Audio CODEC", 3, 1, 48_000, default=True),
    DeviceInfo("usb", 5, 2, 44_100, default=False),
]


@pytest.mark.parametrize(
    ("name", "index"),
    [(None, 3), ("usb", 5), ("USB Audio CODEC", 3), ("usb audio", 3), ("USB", 5), ("line in", 0)],
)
def test_a_device_is_meant_exactly_or_by_a_part_of_its_name(name, index):
    assert choose(DEVICES, name).index == index


def test_an_unknown_device_is_named_with_those_that_are_there():
    with pytest.raises(SourceError, match=r"no sound input 'mixer'.*USB Audio CODEC"):
        choose(DEVICES, "mixer")


def test_a_machine_without_inputs_says_so():
    with pytest.raises(SourceError, match="no sound input"):
        choose([], None)


def test_without_pyaudio_the_remedy_is_named(monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "pyaudio", None)
    with pytest.raises(SourceError, match=r"portaudio19-dev.* and then run: .*vjnode\[live\]"):
        LiveSource(None)
    assert list_devices() == []
    assert install_extra("live") in caplog.text


class SoundCard:
    """PortAudio with one input, whose sound and time the test makes."""

    paFloat32, paContinue, paInputOverflow = 1, 0, 2  # noqa: N815 - names of PyAudio

    def __init__(self, rate_hz, channels):
        self.rate_hz, self.channels = rate_hz, channels
        self.now_s = 0.0

    def PyAudio(self):  # noqa: N802 - PyAudio's name
        return self

    def get_host_api_count(self):
        return 1

    def get_host_api_info_by_index(self, index):
        return {"index": index, "name": "ALSA", "defaultInputDevice": 0}

    def get_device_count(self):
        return 1

    def get_device_info_by_index(self, index):
        return {
            "name": "card",
            "index": index,
            "hostApi": 0,
            "maxInputChannels": self.channels,
            "defaultSampleRate": float(self.rate_hz),
        }

    def get_default_input_device_info(self):
        return self.get_device_info_by_index(0)

    def open(self, *, rate, channels, frames_per_buffer, stream_callback, **_):
        if rate != self.rate_hz or channels != self.channels:
            raise ValueError("invalid sample rate or number of channels")
        self.frames_per_buffer, self.callback = frames_per_buffer, stream_callback
        return self

    def close(self):
        pass

    terminate = close

    def deliver(self, pcm, flags=0):
        """Hand over mono samples, the same on all channels, as soon as the last was heard."""
        self.now_s += len(pcm) / self.rate_hz
        data = np.repeat(np.asarray(pcm, np.float32), self.channels).tobytes()
        self.callback(data, len(pcm), {}, flags)


@pytest.fixture
def plug_in(monkeypatch):
    """Give the machine a sound card, and its time to the source that listens to it."""

    def plug_in(rate_hz, channels, picked=None):
        card = SoundCard(rate_hz, channels)
        monkeypatch.setitem(sys.modules, "pyaudio", card)
        monkeypatch.setattr("vjnode.audio.sources.device.monotonic_s", lambda: card.now_s)
        return card, LiveSource(None, picked)

    return plug_in


HELD_S = 2 * BLOCK_S + 0.001
"""Live, sound is known no later than this: a block is waited for, and a piece converted."""


def hear(card, source, pcm, sizes):
    """Play ``pcm`` in chunks of these sizes; read each block when it has to be there."""
    blocks, at, sizes = [], 0, cycle(sizes)
    while at < len(pcm):
        chunk = pcm[at : at + next(sizes)]
        card.deliver(chunk)
        at += len(chunk)
        while (len(blocks) + 1) * BLOCK_S <= at / card.rate_hz - HELD_S:
            blocks.append(source.read())
    return blocks


@pytest.mark.parametrize("sizes", [(), (1, 0, 64, 500), (4800,)], ids=["asked", "odd", "long"])
@pytest.mark.parametrize("channels", [1, 2, 8])
@pytest.mark.parametrize("rate_hz", [22_050, 32_000, 44_100, 48_000, 88_200, 96_000])
def test_any_card_is_heard_with_its_level_and_the_time_of_each_sample(
    plug_in, rate_hz, channels, sizes
):
    card, source = plug_in(rate_hz, channels)
    assert card.frames_per_buffer / rate_hz == pytest.approx(BLOCK_S, rel=0.01)
    tone = sine(440, 0.5, dbfs=-6.0, rate_hz=rate_hz)
    blocks = hear(card, source, tone, sizes or [card.frames_per_buffer])
    heard = np.concatenate([block.pcm for block in blocks])
    assert len(heard) / RATE_HZ == pytest.approx(0.5, abs=0.03)
    for side in heard[1000:].T:
        assert peak(side) == pytest.approx((440, -6.0), abs=0.5)
    if max(sizes, default=0) < 4800:
        due_s = (np.arange(len(blocks)) + 1) * BLOCK_S
        np.testing.assert_allclose([block.captured_s for block in blocks], due_s, atol=1e-4)


def test_of_many_channels_the_first_two_are_heard(plug_in):
    card, source = plug_in(44_100, 6)
    pcm = np.full((BLOCK, 6), 0.9, np.float32)
    pcm[:, :2] = (0.25, -0.5)
    card.callback(pcm.tobytes(), BLOCK, {}, 0)
    assert (source.read().pcm == np.float32([0.25, -0.5])).all()


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("gap_s", [0.001, 0.02, 0.1, 0.24, 0.5])
def test_sound_that_the_card_loses_makes_no_block_late_or_torn(plug_in, gap_s, told):
    card, source = plug_in(48_000, 2)
    tone = sine(440, 0.2, rate_hz=48_000)
    size = card.frames_per_buffer
    before = hear(card, source, tone, [size])
    card.now_s += gap_s
    if told:
        card.deliver(tone[:0], card.paInputOverflow)
    after = hear(card, source, tone, [size])
    assert [block.pcm.shape for block in before + after] == [(BLOCK, 2)] * len(before + after)
    captured_s = [block.captured_s for block in before + after]
    assert (np.diff(captured_s) > 0.0).all()
    assert card.now_s - captured_s[-1] <= 2 * HELD_S + BLOCK_S
    assert after[-1].captured_s - before[-1].captured_s == pytest.approx(
        len(after) * BLOCK_S + gap_s, abs=1e-4 if told else 0.0015
    )


def test_a_reader_that_was_away_hears_the_newest_and_goes_on(plug_in):
    card, source = plug_in(44_100, 2)
    ramp = np.arange(RATE_HZ, dtype=np.float32) / RATE_HZ
    for chunk in ramp[: RATE_HZ // BLOCK * BLOCK].reshape(-1, BLOCK):
        card.deliver(chunk)
    block = source.read()
    assert card.now_s - block.captured_s <= (BACKLOG + 1) * BLOCK_S
    assert block.pcm[-1, 0] == pytest.approx(block.captured_s, abs=1e-4)
    newest = [source.read() for _ in range(BACKLOG - 1)][-1]
    assert newest.captured_s == pytest.approx(card.now_s, abs=2 * BLOCK_S)


@pytest.mark.parametrize(
    ("channels", "picked", "sides"),
    [
        (8, Channels(3, 4), (3, 4)),
        (8, Channels(8, 8), (8, 8)),
        (2, Channels(2, 2), (2, 2)),
        (4, Channels(1, 2), (1, 2)),
    ],
    ids=str,
)
def test_the_channels_that_were_asked_for_are_heard(plug_in, channels, picked, sides):
    card, source = plug_in(44_100, channels, picked)
    pcm = np.repeat(np.arange(1, channels + 1, dtype=np.float32)[None] / 16, BLOCK, axis=0)
    card.callback(pcm.tobytes(), BLOCK, {}, 0)
    assert (source.read().pcm * 16 == np.float32(sides)).all()


@pytest.mark.parametrize(
    ("channels", "picked", "says"),
    [(2, Channels(3, 4), r"2 channels; use channels=1 to channels=2"), (1, Channels(2, 2), "1 c")],
)
def test_channels_that_a_card_has_not_are_refused_with_those_that_there_are(
    plug_in, channels, picked, says
):
    with pytest.raises(SourceError, match=f"'card'.*{picked}.*{says}"):
        plug_in(44_100, channels, picked)


@pytest.mark.parametrize("burst", [4, 8])
def test_bursts_of_a_card_do_not_shake_the_beat(plug_in, burst):
    card, source = plug_in(44_100, 2)
    captured_s = []
    for _ in range(6 * 172 // burst):
        for _ in range(burst):  # they are heard one after the other, and come all at once
            card.now_s += BLOCK_S
        for _ in range(burst):
            card.callback(np.zeros((BLOCK, 2), np.float32).tobytes(), BLOCK, {}, 0)
        captured_s += [source.read().captured_s for _ in range(burst)]
    assert captured_s[-1] <= card.now_s
    np.testing.assert_allclose(np.diff(captured_s[burst:]), BLOCK_S, atol=0.0005)


def test_wild_samples_of_a_card_are_finite_and_soon_forgotten(plug_in):
    card, source = plug_in(96_000, 2)
    tone = sine(440, 0.5, rate_hz=96_000)
    tone[1000:1005] = (np.nan, np.inf, -np.inf, 1e30, -1e30)
    heard = np.concatenate([block.pcm for block in hear(card, source, tone, [128])])
    assert np.isfinite(heard).all()
    assert np.abs(heard).max() <= 1.0
    assert peak(heard[1000:, 0]) == pytest.approx((440, -6.0), abs=0.5)


def test_a_card_that_falls_silent_is_a_lost_source(plug_in):
    card, source = plug_in(44_100, 1)
    card.deliver(np.zeros(BLOCK))
    source.read()
    with pytest.raises(SourceError, match="delivers no sound"):
        source.read()


def test_after_a_stand_still_of_the_whole_process_the_device_is_given_its_time_again(plug_in):
    card, source = plug_in(44_100, 1)
    card.deliver(np.zeros(BLOCK))
    source.read()

    class StoodStill(queue.SimpleQueue):
        """A wait as a process sees it that is stopped meanwhile (Ctrl-Z)."""

        stops = 1

        def get(self, timeout):
            if self.stops:
                self.stops -= 1
                card.now_s += 3600.0
                raise queue.Empty
            return super().get(timeout=timeout)

    source._chunks = StoodStill()
    card.deliver(np.full(BLOCK, 0.25))
    block = source.read()
    assert (block.pcm == np.float32(0.25)).all()
    assert block.captured_s <= card.now_s
    with pytest.raises(SourceError, match="delivers no sound"):  # it is gone after all
        source.read()


def test_portaudio_is_not_opened_beside_one_that_hangs(plug_in, monkeypatch):
    monkeypatch.setattr("vjnode.audio.sources.portaudio.RELEASE_S", 0.01)
    card, source = plug_in(44_100, 1)
    freed = threading.Event()
    card.terminate = freed.wait
    source.close()
    assert hangs()
    with pytest.raises(SourceError, match="hangs"):
        LiveSource(None)
    freed.set()
    for thread in threading.enumerate():
        if thread.daemon and thread.name.startswith("release"):
            thread.join()
    assert not hangs()
    LiveSource(None)
