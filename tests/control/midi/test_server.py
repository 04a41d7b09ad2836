"""Controllers that come and go while a show runs, read by a real process."""

import time
from contextlib import closing

import pytest

from tests.control.midi.plugs import STAND_IN, Plugs
from tests.control.midi.shows import Show
from vjnode.control.midi import ports as ports_module
from vjnode.control.midi import server as server_module
from vjnode.control.midi.mapping_reader import read_mapping
from vjnode.control.midi.ports import Ports, labels, paired
from vjnode.control.midi.server import MidiServer
from vjnode.errors import VjnodeError
from vjnode.runtime import monotonic_s

PATIENCE_S = 60.0

MAPPING = """version = 1
match = ["Desk"]
start = ["F0 01 F7"]
[[control]]
on = "note 1"
do = "blackout"
light = [0, 127]
[[control]]
on = "note 2"
do = "tap"
"""


def until(condition):
    end_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end_s
        time.sleep(0.01)


@pytest.fixture
def plugs(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(STAND_IN)
    monkeypatch.setenv("FAKE_MIDI", str(tmp_path / "ports"))
    (tmp_path / "ports").mkdir()
    return Plugs(tmp_path / "ports")


@pytest.fixture
def mappings(tmp_path):
    path = tmp_path / "desk.toml"
    path.write_text(MAPPING, "utf-8")
    return {"desk": read_mapping(path)}


def test_a_controller_plays_whenever_it_is_plugged_in(plugs, mappings):
    show = Show()
    plugs.plug("Stranger 20:0")
    with closing(MidiServer([""], show, mappings)) as server:
        for number, name in enumerate(("Desk 24:0", "Desk 28:0"), 1):  # its number changes
            plugs.plug(name)
            until(lambda number=number: server.counts.opened == number)
            plugs.send(name, "90 02 7F")
            until(lambda number=number: show.controls.fired("tap").count == number)
            plugs.pull(name)
            until(lambda number=number: server.counts.lost == number)
        assert (server.counts.received, server.counts.restarts) == (2, 0)


def test_lamps_follow_and_are_sent_anew_after_a_plug(plugs, mappings):
    show = Show()
    plugs.plug("Desk 24:0")
    with closing(MidiServer(["desk"], show, mappings)) as server:
        until(lambda: plugs.shown("Desk 24:0") == ["f001f7", "900100"])
        show.controls = show.controls.with_(blackout=True)  # by OSC
        until(lambda: plugs.shown("Desk 24:0")[2:] == ["90017f"])
        plugs.pull("Desk 24:0")
        until(lambda: server.counts.lost == 1)
        plugs.plug("Desk 28:0")
        until(lambda: plugs.shown("Desk 28:0") == ["f001f7", "90017f"])


class Heard:
    """A listener to clocks that keeps what it hears."""

    def __init__(self):
        self.messages, self.lost, self.looks = [], [], 0

    def hear(self, port, data, at_s):
        self.messages.append((port, data.hex(), at_s))

    def lose(self, port):
        self.lost.append(port)

    def look(self, now_s):
        self.looks += 1


def test_a_clock_is_heard_with_the_times_of_its_arrival_and_plays_nothing(plugs, mappings):
    clock = Heard()
    plugs.plug("Desk 24:0")
    begun_s = monotonic_s()
    with closing(MidiServer([""], Show(), mappings, clock=clock)) as server:
        until(lambda: server.counts.opened == 1)
        for message in ("FA", "F8", "F2 02 01", "F8"):
            plugs.send("Desk 24:0", message)
        until(lambda: len(clock.messages) == 4)
        assert [one[:2] for one in clock.messages] == [
            ("Desk", "fa"),
            ("Desk", "f8"),
            ("Desk", "f20201"),
            ("Desk", "f8"),
        ]
        times = [begun_s, *(at_s for *_, at_s in clock.messages), monotonic_s()]
        assert times == sorted(times)
        plugs.pull("Desk 24:0")
        until(lambda: clock.lost == ["Desk"])
        assert (server.counts.received, server.counts.clock, server.counts.unmapped) == (0, 4, 0)
    assert clock.looks


def test_a_port_without_a_mapping_is_heard_if_it_is_named(plugs, mappings, caplog):
    clock = Heard()
    plugs.plug("Drums 20:0")
    plugs.plug("Desk 24:0")
    with closing(MidiServer(["drums"], Show(), mappings, clock=clock)) as server:
        until(lambda: server.counts.opened == 1)
        plugs.send("Drums 20:0", "F8")
        plugs.send("Drums 20:0", "90 01 7F")
        until(lambda: server.counts.unmapped == 1)
        assert [port for port, *_ in clock.messages] == ["Drums"]
    assert caplog.text.count("there is no mapping for Drums") == 1


def test_two_of_one_name_are_told_apart(plugs, mappings):
    show = Show()
    plugs.plug("Desk 24:0")
    plugs.plug("Desk 28:0")
    with closing(MidiServer(["desk (2)"], show, mappings)) as server:
        until(lambda: server.counts.opened == 1)
        plugs.send("Desk 24:0", "90 02 7F")
        plugs.send("Desk 28:0", "90 01 7F")
        until(lambda: show.controls.is_on("blackout"))
        assert show.controls.fired("tap").count == 0


def test_what_vjnode_itself_sends_by_is_no_controller(plugs):
    """Else a lamp that changes would be learned, or play."""
    for name in ("vjnode:RtMidi output 130:0", "vjnode-02:RtMidi", "Desk 24:0", "vjnode bus 1"):
        plugs.plug(name)
    with closing(Ports()) as ports:
        news = None
        while news is None or news.kind != "ports":
            news = ports.receive(PATIENCE_S)
    assert news.ports == ("Desk", "vjnode bus 1")


@pytest.mark.parametrize("fault", ["abort", "hang"])
def test_a_port_that_ends_the_process_or_holds_it_up_is_left_alone_and_the_others_play(
    plugs, mappings, monkeypatch, caplog, fault
):
    monkeypatch.setattr(server_module, "RESTART_S", 0.01)
    monkeypatch.setattr(server_module, "STALL_S", 4.0)
    monkeypatch.setattr(server_module, "AVOID_S", 1000.0)
    show = Show()
    plugs.plug("Desk A 20:0", fault)
    with closing(MidiServer([""], show, mappings)) as server:
        until(lambda: "Desk A cannot be opened" in caplog.text)
        plugs.plug("Desk B 24:0")
        until(lambda: server.counts.opened == 1)
        plugs.send("Desk B 24:0", "90 02 7F")
        until(lambda: show.controls.fired("tap").count == 1)


def test_what_does_not_fit_is_counted_and_told_once(plugs, tmp_path, caplog):
    path = tmp_path / "desk.toml"
    path.write_text('version = 1\n[[control]]\non = "program"\ndo = "preset"\n', "utf-8")
    plugs.plug("Desk 24:0")
    with closing(MidiServer([""], Show(), {"desk": read_mapping(path)})) as server:
        until(lambda: server.counts.opened == 1)
        for _ in range(3):
            plugs.send("Desk 24:0", "C0 7F")
        until(lambda: server.counts.rejected == 3)
    assert caplog.text.count("there is no preset number") == 1


@pytest.mark.parametrize(
    ("system", "names", "told"),
    [
        (
            "linux",
            ["Desk:Desk MIDI 1 20:0", "Desk:Desk MIDI 1 24:0"],
            ["Desk:Desk MIDI 1", "Desk:Desk MIDI 1 (2)"],
        ),
        ("win32", ["APC mini mk2 0", "nanoKONTROL2 1"], ["APC mini mk2", "nanoKONTROL2"]),
        ("darwin", ["MIDI Mix"], ["MIDI Mix"]),
    ],
)
def test_numbers_that_change_are_no_part_of_a_name(system, names, told):
    assert labels(names, system) == told


@pytest.mark.parametrize(
    ("port", "outputs", "told"),
    [
        ("Desk", ["Other", "Desk"], "Desk"),
        ("Desk SLIDER", ["Other", "Desk CTRL"], "Desk CTRL"),
        ("Desk SLIDER (2)", ["Desk CTRL", "Desk CTRL (2)"], "Desk CTRL (2)"),
        ("Desk SLIDER (2)", ["Desk CTRL"], None),
        ("Desk SLIDER", [], None),
    ],
)
def test_lamps_belong_to_the_same_controller(mappings, port, outputs, told):
    inputs = ["Other", "Desk SLIDER", "Desk SLIDER (2)"]
    assert paired(port, inputs, outputs, mappings["desk"]) == told


def test_a_missing_package_is_told_with_its_remedy(monkeypatch):
    monkeypatch.setattr(ports_module, "find_spec", lambda name: None)
    with pytest.raises(VjnodeError, match=r"MIDI needs rtmidi2; run: .*midi"):
        MidiServer([""], Show(), {})
