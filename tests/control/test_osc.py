import itertools
import socket
import struct
import threading
import time
from contextlib import closing
from types import SimpleNamespace

import pytest
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.osc_packet import OscPacket
from pythonosc.udp_client import SimpleUDPClient

from tests.events import wait_for
from vjnode import naming
from vjnode.control.destination import padded
from vjnode.control.osc import OscServer
from vjnode.control.parameters import PARAMETERS
from vjnode.control.performing import perform
from vjnode.control.state import Controls, Preset, Stock
from vjnode.errors import InputError, VjnodeError


class Recorder:
    def __init__(self):
        self.calls, self.verbs = [], []

    def __call__(self, act, value):
        if value == "refused":
            raise InputError("no such thing")
        self.calls.append((act.parameter.name, value))
        self.verbs.append((act.verb, act.choice))


@pytest.fixture
def server():
    recorder = Recorder()
    osc = OscServer("127.0.0.1", 0, recorder)
    osc.recorder = recorder
    yield osc
    osc.close()


def test_messages_reach_their_parameter(server):
    client = SimpleUDPClient("127.0.0.1", server.port)
    client.send_message("/vjnode/face", "ada")
    client.send_message("/vjnode/expression", 1)
    client.send_message("/vjnode/gain", 2.5)
    wait_for(lambda: len(server.recorder.calls) == 3)
    assert server.recorder.calls == [("face", "ada"), ("expression", 1), ("gain", 2.5)]
    assert (server.counts.received, server.counts.rejected) == (3, 0)


def test_what_is_to_be_learned_is_handed_on_and_refused_without_midi(server, caplog):
    server.handle(sent("/vjnode/midi/learn", "s", b"gain\0\0\0\0"), "test")
    assert (server.counts.rejected, "--midi" in caplog.text) == (1, True)
    asked = []
    with closing(
        OscServer("127.0.0.1", 0, server.recorder, learn=lambda *said: asked.append(said))
    ) as osc:
        osc.handle(sent("/vjnode/midi/learn", "s", b"gain\0\0\0\0"), "test")
        osc.handle(sent("/vjnode/midi/learn/stop", "i", INT.pack(1)), "test")
    assert asked == [("", "gain"), ("/stop", 1)]
    assert not server.recorder.calls


def test_triggers_and_routes_have_addresses(server):
    client = SimpleUDPClient("127.0.0.1", server.port)
    client.send_message("/vjnode/tap", 1.0)
    client.send_message("/vjnode/tap", [])
    client.send_message("/vjnode/resync", True)
    client.send_message("/vjnode/route/expression/beat/amount", 0.5)
    client.send_message("/vjnode/route/ears/beat/amount", 0.5)
    wait_for(lambda: server.counts.received == 5)
    wait_for(lambda: server.counts.rejected == 1)
    assert server.recorder.calls == [
        ("tap", 1.0),
        ("tap", None),
        ("resync", True),
        ("route/expression/beat/amount", 0.5),
    ]


def test_the_show_survives_every_bad_datagram_and_says_each_once(server, caplog):
    bad = [
        b"#bundle\0" + b"\0" * 8 + b"\xff\xff\xff\xfc",  # makes an unchecked parser loop for ever
        b"",
        b"\xff" * 100,
        b"/vjnode/\xff\xfe\0\0,f\0\0\0\0\0\0",
        b"/vjnode/*\0\0\0,f\0\0?\x80\0\0",
        b"x" * 9000,
    ]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(50):
            for data in bad:
                sender.sendto(data, ("127.0.0.1", server.port))
    client = SimpleUDPClient("127.0.0.1", server.port)
    client.send_message("/vjnode/nothing", 1.0)
    client.send_message("/vjnode/face", "refused")
    client.send_message("/vjnode/gain", 1.0)
    wait_for(lambda: server.recorder.calls)
    assert server.recorder.calls == [("gain", 1.0)]
    assert server.counts.received == 50 * len(bad) + 3
    assert server.counts.rejected == 50 * len(bad) + 2
    assert len([r for r in caplog.records if "refused" in r.message]) <= len(bad) + 2


def test_a_datagram_of_any_length_is_counted_and_its_sender_named(server, caplog):
    """Windows says of one that is longer than the buffer neither what it was nor whose."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for length in (9000, 60_000):
            sender.sendto(b"x" * length, ("127.0.0.1", server.port))
    wait_for(lambda: server.counts.received == 2)
    assert server.counts.rejected == 2
    said = [record.getMessage() for record in caplog.records]
    assert ["9000 bytes" in said[0], "60000 bytes" in said[1]] == [True, True]
    assert all("from 127.0.0.1" in line for line in said)


def test_a_stuck_fader_does_not_fill_the_log_nor_hide_another_fault(server, caplog):
    def refuse(act, value):
        raise InputError(f"{act.parameter.name} does not take {value}")

    server._perform = refuse
    client = SimpleUDPClient("127.0.0.1", server.port)
    for number in range(500):
        client.send_message("/vjnode/gain", 5.0 + number)
    client.send_message("/vjnode/face", "nobody")
    wait_for(lambda: server.counts.rejected == 501)
    about_gain = [r for r in caplog.records if "/vjnode/gain" in r.getMessage()]
    assert 0 < len(about_gain) < 12
    assert "nobody" in caplog.text


BURST = 200
"""Messages that wait in the socket while the machine does something else: 20 ms of 10,000 a second.
Linux has room for more than twice as many, unless an administrator gives less."""


def test_ten_thousand_messages_in_bursts_all_arrive(server):
    """The next burst comes when the one before is through: how fast that is, is the machine's."""
    client = SimpleUDPClient("127.0.0.1", server.port)
    for number in range(10_000):
        client.send_message("/vjnode/gain", float(number))
        if number % BURST == BURST - 1:
            wait_for(lambda number=number: server.counts.received == number + 1)
    assert server.recorder.calls[-1] == ("gain", 9999.0)


def test_a_burst_waits_for_a_thread_that_is_held_up(server):
    held, going_on = threading.Event(), threading.Event()

    def hold(act, value):
        held.set()
        going_on.wait()
        server.recorder(act, value)

    server._perform = hold
    client = SimpleUDPClient("127.0.0.1", server.port)
    client.send_message("/vjnode/gain", 0.0)
    held.wait()
    for number in range(1, BURST):
        client.send_message("/vjnode/gain", float(number))
    going_on.set()
    wait_for(lambda: server.counts.received == BURST)
    assert [value for _, value in server.recorder.calls] == list(range(BURST))


def test_a_message_costs_little_more_than_to_parse_it(server):
    """So that there is room for ten thousand a second where the parser leaves it."""
    data = OscMessageBuilder("/vjnode/gain")
    data.add_arg(1.0)
    datagram = data.build().dgram

    def cost_s(work):
        began_s = time.thread_time()
        for _ in range(500):
            work()
        return time.thread_time() - began_s

    both = [
        (
            cost_s(lambda: OscPacket(datagram).messages),
            cost_s(lambda: server.handle(datagram, "127.0.0.1")),
        )
        for _ in range(8)
    ]
    parsing_s, acting_s = map(min, zip(*both, strict=True))
    assert acting_s < 5 * parsing_s  # measured: 2.3


def test_a_taken_port_is_a_clear_error(server):
    with pytest.raises(VjnodeError, match=f"--osc 127.0.0.1:{server.port + 1}"):
        OscServer("127.0.0.1", server.port, print)


@pytest.mark.parametrize("host", ["192.0.2.1", "300.1.1.1"])
def test_an_address_that_is_not_this_machines_is_a_clear_error(server, host):
    with pytest.raises(VjnodeError, match=r"take an address of this machine: --osc 127"):
        OscServer(host, server.port, print)


def sent(address, tags, data=b""):
    """Return a message with these type tags, as another program would write it."""
    padded = [text.encode() + b"\0" * (4 - len(text) % 4) for text in (address, "," + tags)]
    return b"".join(padded) + data


@pytest.fixture
def played(monkeypatch):
    """An OSC server that acts on controls, which ``played.controls`` are."""
    stock = Stock(
        ["ada", "ben", "chi"],
        ["laugh", "brows_up", "blink", "turn"],
        {name: Preset(name, "chi", "laugh", {"gain": 2.0}) for name in ("calm", "riot", "riff")},
    )

    def act(act, value):
        osc.controls = perform(osc.controls, act, value, stock, now_s=7.0)

    osc = OscServer("127.0.0.1", 0, act)
    osc.controls = stock.fitted(Controls("", "ada", "laugh"))
    yield osc
    osc.close()


FLOAT, INT = struct.Struct(">f"), struct.Struct(">i")


@pytest.mark.parametrize(
    ("tags", "data", "gain"),
    [
        ("f", FLOAT.pack(1.5), 1.5),
        ("i", INT.pack(2), 2.0),
        ("d", struct.pack(">d", 2.5), 2.5),
        ("h", struct.pack(">q", 3), 3.0),
        ("T", b"", 1.0),
        ("F", b"", 0.0),
        ("s", b"1.5\0", 1.5),
        ("s", b" 5e-1 \0\0", 0.5),
        ("[f]", FLOAT.pack(0.5), 0.5),
        ("fs", FLOAT.pack(0.5) + b"x\0\0\0", 0.5),
        ("f", FLOAT.pack(5.0), 4.0),
        ("f", FLOAT.pack(-5.0), 0.0),
    ],
)
def test_numbers_are_taken_as_they_are_sent(played, tags, data, gain):
    played.handle(sent("/vjnode/gain", tags, data), "test")
    assert played.controls.number("gain") == gain
    assert played.counts.rejected == 0
    assert played.counts.clamped == (data in (FLOAT.pack(5.0), FLOAT.pack(-5.0)))


@pytest.mark.parametrize("text", ["1_5", "٣", "0x2", "nan", "1e999", "1.5" + 100 * " " + "x"])
def test_text_that_is_no_number_as_people_write_it_changes_nothing(played, text):
    played.handle(sent("/vjnode/gain", "s", padded(text)), "test")
    assert (played.controls.number("gain"), played.counts.rejected) == (1.0, 1)


@pytest.mark.parametrize("tags", ["s", "N", "I", "", "[ff]", "b"])
def test_what_is_no_number_changes_nothing(played, tags):
    data = {"s": b"loud\0\0\0\0", "[ff]": 2 * FLOAT.pack(1.0), "b": INT.pack(0)}.get(tags, b"")
    played.handle(sent("/vjnode/gain", tags, data), "test")
    assert played.controls.number("gain") == 1.0
    assert (played.counts.rejected, played.counts.clamped) == (1, 0)


@pytest.mark.parametrize(
    ("tags", "data", "fires"),
    [
        ("I", b"", True),
        ("N", b"", True),
        ("", b"", True),
        ("T", b"", True),
        ("f", FLOAT.pack(0.5), True),
        ("i", INT.pack(0), False),
        ("F", b"", False),
    ],
)
def test_a_trigger_fires_however_it_is_pressed_and_not_when_it_is_let_go(played, tags, data, fires):
    played.handle(sent("/vjnode/tap", tags, data), "test")
    assert played.controls.fired("tap").count == fires
    played.handle(sent("/vjnode/preset/riot", tags, data), "test")
    assert played.controls.choice("preset") == ("riot" if fires else "")
    assert played.counts.rejected == 0


def test_a_button_for_a_preset_recalls_none_when_it_is_let_go(played):
    for value in (2.0, 0.0):
        played.handle(sent("/vjnode/preset", "f", FLOAT.pack(value)), "test")
    assert played.controls.choice("preset") == "riot"
    played.handle(sent("/vjnode/preset", "f", FLOAT.pack(1.0)), "test")
    assert played.controls.choice("preset") == "calm"


@pytest.mark.parametrize(
    ("address", "tags", "data", "face"),
    [
        ("/vjnode/face", "S", b"ben\0", "ben"),
        ("/vjnode/face", "s", b"BEN\0", "ben"),
        ("/vjnode/face", "s", b"3\0\0\0", "chi"),
        ("/vjnode/face", "i", INT.pack(3), "chi"),
        ("/vjnode/face/Chi", "", b"", "chi"),
        ("/vjnode/face/next", "f", FLOAT.pack(1.0), "ben"),
        ("/vjnode/face/previous", "f", FLOAT.pack(1.0), "chi"),
        ("/vjnode/face/next", "f", FLOAT.pack(0.0), "ada"),
    ],
)
def test_a_face_is_chosen_in_many_ways(played, address, tags, data, face):
    played.handle(sent(address, tags, data), "test")
    assert played.controls.choice("face") == face
    assert played.counts.rejected == 0


def test_any_face_is_never_the_same_twice(played):
    seen = []
    for _ in range(40):
        played.handle(sent("/vjnode/face/random", "T"), "test")
        seen.append(played.controls.choice("face"))
    assert set(seen) == {"ada", "ben", "chi"}
    assert all(one != other for one, other in itertools.pairwise(seen))


def test_every_float_can_be_added_to_and_set_by_a_faders_way(played):
    for row in PARAMETERS:
        if row.kind == "float":
            for way, value in ((0.0, row.low), (1.0, row.high), (1.5, row.high)):
                played.handle(sent(f"{row.address}/norm", "f", FLOAT.pack(way)), "test")
                assert played.controls.number(row.name) == value
            played.handle(sent(f"{row.address}/add", "f", FLOAT.pack(-0.25)), "test")
            assert played.controls.number(row.name) == pytest.approx(row.high - 0.25)
            played.handle(sent(f"{row.address}/add", "f", FLOAT.pack(-1e9)), "test")
            assert played.controls.number(row.name) == row.low
    played.handle(sent("/vjnode/gain/norm", "f", FLOAT.pack(0.5)), "test")
    assert played.controls.number("gain") == 1.0
    assert played.counts.rejected == 0
    assert played.counts.clamped == sum(row.kind == "float" for row in PARAMETERS)
    played.handle(sent("/vjnode/bpm", "i", INT.pack(0)), "test")
    played.handle(sent("/vjnode/bpm/add", "i", INT.pack(1)), "test")
    assert (played.controls.number("bpm"), played.counts.rejected) == (0.0, 1)


@pytest.mark.parametrize(
    "address", ["/vjnode/face/nobody", "/vjnode/gain/next", "/vjnode/tap/add", "/vjnode/", "/other"]
)
def test_an_address_that_is_none_is_refused_with_what_there_is(played, caplog, address):
    played.handle(sent(address, "T"), "test")
    assert played.counts.rejected == 1
    assert "there are: " in caplog.text


@pytest.mark.parametrize(
    ("address", "hint"),
    [
        ("/vjnode/gian", "did you mean '/vjnode/gain'?"),
        ("/vjnode/preset/rito", "did you mean 'riot'?"),
        ("/vjnode/midi/learn", ""),
        ("/zzz", ""),
    ],
)
def test_the_address_that_was_meant_is_told_where_one_is_like_it(played, caplog, address, hint):
    played.handle(sent(address, "T"), "test")
    assert played.counts.rejected == 1
    assert hint in caplog.text
    assert ("did you mean" in caplog.text) == bool(hint)


def test_in_a_flood_of_wrong_names_few_are_compared_with_those_that_there_are(played, monkeypatch):
    """Comparing takes milliseconds, in which no other message is acted on."""
    compared = []

    def compare(name, names, n):
        compared.append(name)
        return []

    monkeypatch.setattr(naming, "difflib", SimpleNamespace(get_close_matches=compare))
    for number in range(300):
        text = f"n{number:06d}\0".encode()
        played.handle(sent("/vjnode/preset", "s", text), "test")
        played.handle(sent(f"/vjnode/face/n{number}", "T"), "test")
        played.handle(sent(f"/vjnode/n{number}", "T"), "test")
    assert played.counts.rejected == 900
    assert 0 < len(compared) < 100


def test_a_refusal_says_what_came(played, caplog):
    for address, tags, data in (("gain", "", b""), ("preset", "f", FLOAT.pack(99.0))):
        played.handle(sent(f"/vjnode/{address}", tags, data), "test")
    assert "gain takes a number from 0 to 4 ×, and nothing came" in caplog.text
    assert "there is no preset number 99; they go from 1 to 3" in caplog.text
