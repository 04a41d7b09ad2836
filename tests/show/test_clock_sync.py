"""A MIDI clock's beat on its way from the port to hearing."""

import logging
from contextlib import closing

import pytest

from vjnode.audio.tempo.midi_clock import CONTINUE, LOST_S, PULSE, START, STOP
from vjnode.modulation.listener import Listener
from vjnode.show.clock_sync import WAIT_S, ClockWriter, LeadReader
from vjnode.show.ipc.slot import Slot
from vjnode.show.messages import LEAD_BYTES

PULSE_S = 0.02


class Path:
    """Ports at one end, hearing at the other, and time that passes when it is told to."""

    def __init__(self, slot, far):
        self.now_s = 100.0
        self.writer, self.listener = ClockWriter(slot), Listener()
        self.listener.clock.source = "midi"
        self.reader = LeadReader(far, self.listener)

    def send(self, *data, port="Drums"):
        self.writer.hear(port, bytes(data), self.now_s)

    def run(self, pulses, *ports):
        for _ in range(pulses):
            for port in ports:
                self.send(PULSE, port=port)
            self.rest(PULSE_S)

    def rest(self, seconds):
        self.now_s += seconds
        self.writer.look(self.now_s)
        self.reader.apply(self.now_s)

    @property
    def bpm(self):
        return self.listener.clock.at(self.now_s).bpm


@pytest.fixture
def path(caplog):
    caplog.set_level(logging.INFO)
    with closing(Slot(LEAD_BYTES)) as slot, closing(Slot(LEAD_BYTES, name=slot.name)) as far:
        yield Path(slot, far)


def test_a_clock_arrives_and_its_coming_and_going_are_told_once(path, caplog):
    path.send(START)
    path.run(48, "Drums")
    assert path.bpm == pytest.approx(125.0)
    path.rest(LOST_S - PULSE_S - 0.1)
    assert path.listener.clock.led
    assert "gone" not in caplog.text
    for _ in range(3):
        path.rest(0.2)
    assert not path.listener.clock.led
    assert path.bpm == pytest.approx(125.0)  # it goes on
    assert caplog.text.count("the MIDI clock is gone") == 1
    path.run(48, "Drums")
    assert path.listener.clock.led
    assert caplog.text.count("follows the MIDI clock: 125.0 bpm") == 2


def test_a_new_process_finds_the_clock_at_once(path):
    path.run(48, "Drums")
    with closing(Slot(LEAD_BYTES, name=path.reader._slot.name)) as far:
        listener = Listener()
        listener.clock.source = "midi"
        LeadReader(far, listener).apply(path.now_s)
        assert listener.clock.at(path.now_s).bpm == pytest.approx(125.0)


def test_one_that_never_comes_is_told_where_it_was_chosen(path, caplog):
    path.listener.clock.source = "music"
    for _ in range(3):
        path.rest(WAIT_S)
    assert not caplog.text
    path.listener.clock.source = "midi"
    for _ in range(4):
        path.rest(WAIT_S / 2)
    assert caplog.text.count("no MIDI clock comes") == 1


def test_the_first_of_two_is_heard_until_it_is_gone(path):
    path.run(24, "Drums")
    path.run(48, "Drums", "Decks")  # as one clock these would be twice as fast
    assert path.bpm == pytest.approx(125.0)
    path.run(round((LOST_S + 2.0) / PULSE_S), "Decks")
    assert path.listener.clock.led
    path.send(START, port="Decks")
    path.run(24, "Decks")
    assert path.listener.clock.at(path.now_s).bar == pytest.approx(0.25, abs=0.01)


def test_one_that_was_stopped_is_gone_when_its_port_is(path):
    path.send(START)
    path.run(48, "Drums")
    path.send(STOP)
    path.rest(60.0)
    assert path.listener.clock.led
    path.writer.lose("Drums")
    path.rest(0.1)
    assert not path.listener.clock.led


def test_buttons_of_a_transport_without_a_clock_keep_no_clock_away(path):
    path.send(START, port="Keys")
    path.send(STOP, port="Keys")
    path.rest(LOST_S + 0.1)
    path.send(CONTINUE, port="Keys")
    path.run(24, "Drums")
    assert path.bpm == pytest.approx(125.0)
