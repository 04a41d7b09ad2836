import socket
import threading
import time

import pytest
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.osc_packet import OscPacket
from pythonosc.udp_client import SimpleUDPClient

from tests.events import wait_for
from vjnode.control.osc import OscServer
from vjnode.errors import InputError, VjnodeError


class Recorder:
    def __init__(self):
        self.calls = []

    def __call__(self, name, value):
        if value == "refused":
            raise InputError("no such thing")
        self.calls.append((name, value))


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


def test_triggers_and_routes_have_addresses(server):
    client = SimpleUDPClient("127.0.0.1", server.port)
    client.send_message("/vjnode/tap", 1.0)
    client.send_message("/vjnode/tap", [])
    client.send_message("/vjnode/resync", True)
    client.send_message("/vjnode/route/expression/beat/amount", 0.5)
    client.send_message("/vjnode/gain", [])
    client.send_message("/vjnode/route/ears/beat/amount", 0.5)
    wait_for(lambda: server.counts.received == 6)
    wait_for(lambda: server.counts.rejected == 2)
    assert server.recorder.calls == [
        ("tap", 1.0),
        ("tap", True),
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
    client.send_message("/vjnode/gain", [1.0, 2.0])
    client.send_message("/vjnode/gain", 1.0)
    wait_for(lambda: server.recorder.calls)
    assert server.recorder.calls == [("gain", 1.0)]
    assert server.counts.received == 50 * len(bad) + 4
    assert server.counts.rejected == 50 * len(bad) + 3
    assert len([r for r in caplog.records if "refused" in r.message]) <= len(bad) + 3


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
    def refuse(name, value):
        raise InputError(f"{name} does not take {value}")

    server._set_parameter = refuse
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

    def hold(name, value):
        held.set()
        going_on.wait()
        server.recorder(name, value)

    server._set_parameter = hold
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
