"""OSC out, to real receivers over loopback."""

import socket
import threading
from contextlib import closing

import pytest
from pythonosc.dispatcher import Dispatcher
from pythonosc.osc_server import ThreadingOSCUDPServer
from pythonosc.udp_client import SimpleUDPClient

from tests.events import wait_for
from vjnode.control.address import read_address
from vjnode.control.osc import OscServer
from vjnode.control.osc_out import ECHO_S, LEASE_S, MAX_SUBSCRIBERS, TOLD, OscOut
from vjnode.control.parameters import BY_NAME, PARAMETERS
from vjnode.control.performing import perform
from vjnode.control.state import Controls, Preset, Stock
from vjnode.errors import InputError

HOST = "127.0.0.1"
STOCK = Stock(
    ["ada", "ben"],
    ["laugh", "brows_up", "blink", "turn"],
    {"riot": Preset("riot", "ben", "laugh", {"gain": 2.0})},
)


class Receiver:
    """Another program: python-osc's server, and what it has got."""

    def __init__(self):
        dispatcher = Dispatcher()
        dispatcher.set_default_handler(lambda address, *given: self.got.append((address, *given)))
        self.got = []
        self._server = ThreadingOSCUDPServer((HOST, 0), dispatcher)
        # In the order that they come in, and more of them than a slow machine would lose.
        self._server.process_request = self._server.process_request_thread
        self._server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def newest(self, name):
        values = [given[0] for address, *given in self.got if address == f"/vjnode/{name}"]
        return values[-1] if values else None

    def close(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Node:
    """A node's OSC, in and out, with a clock that a test turns."""

    def __init__(self, *targets, **more):
        self.now_s = 100.0
        self.controls = STOCK.fitted(Controls("", "ada", "laugh"))
        self.out = OscOut([(HOST, port) for port in targets], clock=lambda: self.now_s, **more)
        self.osc = OscServer(HOST, 0, self.act, self.out)
        self.out.tell(self.controls)

    def act(self, act, value):
        self.controls = perform(self.controls, act, value, STOCK)

    def turn(self, address, value):
        """Change something as nobody from outside does."""
        self.act(read_address(address), value)

    def tell(self, times=4):
        for _ in range(times):
            self.out.tell(self.controls)

    def close(self):
        self.osc.close()
        self.out.close()


@pytest.fixture
def receiver():
    with closing(Receiver()) as receiver:
        yield receiver


@pytest.fixture
def other():
    with closing(Receiver()) as receiver:
        yield receiver


def settled(node, receiver):
    """Let all first values arrive, and forget them."""
    node.tell()
    wait_for(lambda: len(receiver.got) == len(TOLD))
    receiver.got.clear()


def come(node, count=1):
    """Wait until so many messages have come, and the last has been acted on."""
    wait_for(lambda: node.osc.counts.received == count)
    with node.osc._handling:
        pass


def test_a_destination_gets_every_value_with_one_argument_of_its_type(receiver):
    with closing(Node(receiver.port)) as node:
        node.tell()
        wait_for(lambda: len(receiver.got) == len(TOLD))
        got = dict(receiver.got)
        assert got.keys() == {row.address for row in PARAMETERS if row.kind != "trigger"}
        types = {"float": float, "choice": str, "toggle": int}
        for row in TOLD:
            value = got[row.address]
            assert type(value) is types[row.kind], row.name
            wanted = node.controls.value(row.name)
            assert value == (pytest.approx(wanted) if row.kind == "float" else wanted), row.name


def test_whoever_changes_something_it_is_told_once_and_nothing_else(receiver):
    with closing(Node(receiver.port)) as node:
        settled(node, receiver)
        node.turn("/vjnode/gain", 1.5)
        node.turn("/vjnode/blackout", 1)
        node.turn("/vjnode/tap", 1)
        node.tell()
        wait_for(lambda: len(receiver.got) == 2)
        assert set(receiver.got) == {("/vjnode/gain", 1.5), ("/vjnode/blackout", 1)}
        node.turn("/vjnode/face", "ben")
        node.tell()
        wait_for(lambda: len(receiver.got) == 3)
        assert receiver.got[-1] == ("/vjnode/face", "ben")


def test_what_a_preset_changes_is_told_too_and_both_names_of_one_value(receiver):
    with closing(Node(receiver.port)) as node:
        settled(node, receiver)
        node.turn("/vjnode/preset/riot", None)
        node.turn("/vjnode/attack", 0.5)
        node.tell()
        wait_for(lambda: len(receiver.got) == 5)
        assert dict(receiver.got) == {
            "/vjnode/preset": "riot",
            "/vjnode/face": "ben",
            "/vjnode/gain": 2.0,
            "/vjnode/attack": 0.5,
            "/vjnode/route/expression/weight/attack": 0.5,
        }


def test_a_sender_subscribes_itself_and_gets_all_values(receiver):
    with closing(Node()) as node:
        SimpleUDPClient(HOST, node.osc.port).send_message("/vjnode/subscribe", receiver.port)
        come(node)
        node.tell()
        wait_for(lambda: len(receiver.got) == len(TOLD))
        assert node.out.counts.subscriptions == 1


def test_a_subscription_ends_unless_it_is_renewed(receiver):
    with closing(Node()) as node:
        client = SimpleUDPClient(HOST, node.osc.port)
        client.send_message("/vjnode/subscribe", float(receiver.port))
        come(node)
        settled(node, receiver)
        node.now_s += LEASE_S - 1.0
        client.send_message("/vjnode/subscribe", str(receiver.port))
        come(node, 2)
        node.now_s += LEASE_S - 1.0
        node.turn("/vjnode/gain", 1.5)
        node.tell()
        wait_for(lambda: receiver.got)
        assert receiver.got == [("/vjnode/gain", 1.5)]  # and not all of them again
        node.now_s += 2.0
        node.tell()
        assert node.out.destinations == ()


@pytest.mark.parametrize("value", [0.5, -1, 70000, "loud", "0x10", True])
def test_a_subscription_without_a_port_is_refused(value, caplog):
    with closing(Node()) as node:
        SimpleUDPClient(HOST, node.osc.port).send_message("/vjnode/subscribe", value)
        come(node)
        wait_for(lambda: node.osc.counts.rejected)
        assert node.out.destinations == ()
        assert "1 to 65535" in caplog.text


def test_a_button_that_is_let_go_subscribes_nobody():
    with closing(Node()) as node:
        SimpleUDPClient(HOST, node.osc.port).send_message("/vjnode/subscribe", 0)
        come(node)
        assert (node.out.destinations, node.osc.counts.rejected) == ((), 0)


def test_subscriptions_are_limited():
    with closing(Node()) as node:
        client = SimpleUDPClient(HOST, node.osc.port)
        for number in range(MAX_SUBSCRIBERS + 3):
            client.send_message("/vjnode/subscribe", 20_000 + number)
        come(node, MAX_SUBSCRIBERS + 3)
        wait_for(lambda: node.osc.counts.rejected == 3)
        assert len(node.out.destinations) == MAX_SUBSCRIBERS


def test_the_node_does_not_tell_itself():
    with pytest.raises(InputError, match="this node itself"):
        OscOut([(HOST, 9010)], own_port=9010)
    with closing(OscOut(own_port=9010)) as out, pytest.raises(InputError):
        out.take("/vjnode/subscribe", 9010, (HOST, 5555))


def test_a_host_that_is_none_is_a_clear_error():
    with pytest.raises(InputError, match=r"--osc-out no\.such\.host\.invalid:9000"):
        OscOut([("no.such.host.invalid", 9000)])


def test_all_values_come_when_they_are_asked_for(receiver):
    with closing(Node(receiver.port)) as node:
        settled(node, receiver)
        client = SimpleUDPClient(HOST, node.osc.port)
        client.send_message("/vjnode/gain", 2.5)  # even what it has just moved
        client.send_message("/vjnode/refresh", 0)
        client.send_message("/vjnode/refresh", [])
        come(node, 3)
        node.tell()
        wait_for(lambda: len(receiver.got) == len(TOLD))
        assert receiver.newest("gain") == 2.5


def test_who_moves_a_fader_gets_no_echo_until_it_rests(receiver, other):
    """Both on one machine, and told apart by the ports that they subscribed from."""
    with closing(Node()) as node:
        hand, watcher = (SimpleUDPClient(HOST, node.osc.port) for _ in range(2))
        hand.send_message("/vjnode/subscribe", receiver.port)
        watcher.send_message("/vjnode/subscribe", other.port)
        come(node, 2)
        settled(node, receiver)
        wait_for(lambda: len(other.got) == len(TOLD))
        other.got.clear()
        for step in range(1, 4):
            node.now_s += 0.5 * ECHO_S
            hand.send_message("/vjnode/gain", 2.0 * step)  # the last one is out of range
            come(node, 2 + step)
            node.tell()
        wait_for(lambda: len(other.got) == 2)
        assert other.got == [("/vjnode/gain", 2.0), ("/vjnode/gain", 4.0)]
        node.turn("/vjnode/curve", 2.0)  # anything else it is told at once
        node.tell()
        wait_for(lambda: receiver.got)
        assert receiver.got == [("/vjnode/curve", 2.0)]
        node.now_s += 2 * ECHO_S
        node.tell()
        wait_for(lambda: len(receiver.got) == 2)
        assert receiver.got[-1] == ("/vjnode/gain", 4.0)


def test_a_program_that_sends_from_any_port_of_its_host_gets_no_echo_either(receiver):
    with closing(Node(receiver.port)) as node:
        settled(node, receiver)
        SimpleUDPClient(HOST, node.osc.port).send_message("/vjnode/gain", 2.0)
        come(node)
        node.tell()
        node.turn("/vjnode/curve", 2.0)
        node.tell()
        wait_for(lambda: receiver.got)
        assert receiver.got == [("/vjnode/curve", 2.0)]


def test_what_a_button_chooses_is_told_to_who_pressed_it(receiver):
    with closing(Node(receiver.port)) as node:
        settled(node, receiver)
        SimpleUDPClient(HOST, node.osc.port).send_message("/vjnode/face/next", 1)
        come(node)
        node.tell()
        wait_for(lambda: receiver.got)
        assert receiver.got == [("/vjnode/face", "ben")]


def test_a_feature_is_told_at_its_address(receiver):
    with closing(Node(receiver.port)) as node:
        settled(node, receiver)
        for name, value in (("tempo", 124.0), ("beat", 1), ("status", "live")):
            node.out.send(name, value)
        wait_for(lambda: len(receiver.got) == 3)
        assert receiver.got == [
            ("/vjnode/tempo", 124.0),
            ("/vjnode/beat", 1),
            ("/vjnode/status", "live"),
        ]


def test_what_is_announced_is_told_to_everybody(receiver):
    with closing(Node(receiver.port)) as node:
        settled(node, receiver)
        node.out.announce("midi/learned", "gain: cc 7 of Desk")
        node.tell()
        wait_for(lambda: receiver.got)
        assert receiver.got == [("/vjnode/midi/learned", "gain: cc 7 of Desk")]


def test_a_destination_that_is_gone_harms_nobody(receiver, caplog):
    with closing(Node(receiver.port)) as node:
        settled(node, receiver)

        def refuse(message):
            raise OSError(101, "Network is unreachable")

        node.out.destinations[0].deliver = refuse
        for gain in (1.5, 2.0):
            node.turn("/vjnode/gain", gain)
            node.tell()
        assert node.out.counts.failed == 2
        assert caplog.text.count("unreachable") == 1


def test_a_feature_that_is_switched_off_is_not_told(receiver):
    with closing(Node(receiver.port)) as node:
        settled(node, receiver)
        node.out.send("low", 0.25, switched_on=False)
        node.out.send("low", 0.5)
        wait_for(lambda: receiver.got)
        assert receiver.got == [("/vjnode/low", 0.5)]


def test_every_name_is_text(receiver):
    """A file system has names that no text may hold; they are told all the same."""
    with closing(Node(receiver.port)) as node:
        settled(node, receiver)
        node.controls = node.controls.with_(face="a\udcffb")
        node.tell()
        wait_for(lambda: receiver.got)
        assert receiver.got == [("/vjnode/face", "a?b")]
        assert BY_NAME["face"].kind == "choice"
