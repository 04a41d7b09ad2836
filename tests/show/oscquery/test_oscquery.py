"""OSCQuery, asked by plain HTTP and WebSocket clients, with python-osc's messages."""

import asyncio
import json
import random
import socket
import threading
from contextlib import ExitStack, asynccontextmanager, closing
from dataclasses import replace

import aiohttp
import pytest
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from tests.events import HANG_S
from tools.check import osc_client
from vjnode.config import ShowConfig
from vjnode.control.address import read_address
from vjnode.control.features import FEATURES
from vjnode.control.osc import OscServer
from vjnode.control.osc_out import OscOut
from vjnode.control.parameters import PARAMETERS
from vjnode.control.state import Controls, Preset, Stock
from vjnode.errors import VjnodeError
from vjnode.output.registry import parse_output
from vjnode.show.control_sync import ControlWriter
from vjnode.show.ipc.slot import Slot
from vjnode.show.messages import CONTROLS_BYTES
from vjnode.show.oscquery import server as oscquery_server
from vjnode.show.oscquery.open import open_oscquery, serve_oscquery

HOST = "127.0.0.1"
STOCK = Stock(
    ["ada", "ben"],
    ["laugh", "brows_up", "blink", "turn"],
    {"riot": Preset("riot", "ben", "laugh", {"gain": 2.0})},
)
ASKING = {"/vjnode/subscribe", "/vjnode/refresh"}
CONFIG = ShowConfig("demo", (parse_output("null"),))


class Writer(ControlWriter):
    """The controls of a show whose names change as a test wants it."""

    offered = STOCK

    def names(self, parameter):
        return self.offered.names(parameter)


class Node:
    """Everything of a show that OSCQuery needs; its values are told as fast as can be."""

    def __init__(self, config=CONFIG):
        self.slot = Slot(CONTROLS_BYTES)
        self.writer = Writer(STOCK.fitted(Controls("", "ada", "laugh")), STOCK, self.slot)
        self.out = OscOut()
        self.osc = OscServer(HOST, 0, self.writer.perform, self.out)
        self.query = open_oscquery(
            (HOST, 0), config, osc=self.osc, out=self.out, writer=self.writer
        )
        self._over = threading.Event()
        self._telling = threading.Thread(target=self._tell)
        self._telling.start()

    def _tell(self):
        while not self._over.wait(0.005):
            self.out.tell(self.writer.controls)

    @property
    def controls(self):
        return self.writer.controls

    def close(self):
        self.query.close()
        self._over.set()
        self._telling.join()
        self.osc.close()
        self.out.close()
        self.slot.close()

    def ask(self, path, **headers):
        """Status and body of a GET."""

        async def get():
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"http://{HOST}:{self.query.port}{path}", headers=headers) as answer,
            ):
                return answer.status, await answer.read()

        return asyncio.run(get())

    def json(self, path):
        status, body = self.ask(path)
        assert status == 200, body
        return json.loads(body)

    @asynccontextmanager
    async def socket(self, **headers):
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"http://{HOST}:{self.query.port}/", headers=headers) as connected,
        ):
            yield connected


@pytest.fixture
def node():
    with closing(Node()) as node:
        yield node


def message(address, value):
    builder = OscMessageBuilder(address)
    builder.add_arg(value)
    return builder.build().dgram


async def next_of(connected):
    """Return address and argument of the next message."""
    got = await connected.receive(timeout=HANG_S)
    assert got.type is aiohttp.WSMsgType.BINARY, got
    read = OscMessage(got.data)
    return (read.address, *read.params)


def leaves(tree):
    """Yield every node that has a type."""
    if "TYPE" in tree:
        yield tree
    for child in tree.get("CONTENTS", {}).values():
        yield from leaves(child)


def test_every_parameter_and_feature_is_a_node_with_what_the_table_says(node):
    found = {one["FULL_PATH"]: one for one in leaves(node.json("/"))}
    addresses = {row.address for row in PARAMETERS} | {f"/vjnode/{name}" for name in FEATURES}
    behind = {path for path in found if path.rpartition("/")[0] in addresses} - addresses
    assert found.keys() == addresses | behind | ASKING
    types = {"float": "f", "choice": "s", "toggle": "i", "trigger": "I"}
    for row in PARAMETERS:
        one = found[row.address]
        assert one["TYPE"] == types[row.kind]
        assert one["DESCRIPTION"].startswith(row.about)
        assert one["ACCESS"] == (2 if row.kind == "trigger" else 3)
        assert ("VALUE" in one) == (row.kind != "trigger")
        if row.kind != "trigger":
            assert one["VALUE"] == [node.controls.value(row.name)]
        if row.kind == "float":
            assert one["RANGE"] == [{"MIN": row.low, "MAX": row.high}]
            assert one["CLIPMODE"] == ["both"]
    assert found["/vjnode/face"]["RANGE"] == [{"VALS": ["ada", "ben"]}]
    assert found["/vjnode/set/go"]["RANGE"] == found["/vjnode/set"]["RANGE"]
    assert found["/vjnode/attack"]["UNIT"] == ["time.second"]
    assert found["/vjnode/level"]["ACCESS"] == 1


def test_what_hands_need_is_behind_each_number_and_each_choice(node):
    """Each address there is one that OSC takes, and does what it says."""
    found = {one["FULL_PATH"]: one for one in leaves(node.json("/"))}
    for row in PARAMETERS:
        behind = {path.removeprefix(f"{row.address}/") for path in found if path != row.address}
        if row.kind == "float":
            assert {"add", "norm"} <= behind, row.name
            assert found[f"{row.address}/norm"]["RANGE"] == [{"MIN": 0.0, "MAX": 1.0}]
        if row.kind == "choice":
            names = set(node.writer.names(row.name))
            assert {"next", "previous", "random", *names} <= behind, row.name
    for path, one in found.items():
        if path not in ASKING and one["ACCESS"] == 2:
            assert read_address(path).parameter.address in found
            assert "VALUE" not in one
    types = {"next": "I", "ada": "I", "add": "f", "norm": "f", "save": "s", "move": "si"}
    for path, one in found.items():
        if (last := path.rpartition("/")[2]) in types:
            assert one["TYPE"] == types[last], path
    node.osc.handle(message("/vjnode/face/next", 1), "test")
    assert node.controls.choice("face") == "ben"


def test_nodes_that_come_and_go_are_told_to_who_listens(node, monkeypatch):
    monkeypatch.setattr(oscquery_server, "LOOK_S", 0.01)
    more = {
        name: Preset(name, "ada", "laugh") for name in ("riot", "calm", "no way", "next", "a#b")
    }

    async def talk():
        async with node.socket() as one:
            await asyncio.sleep(0)
            node.writer.offered = replace(STOCK, presets=more)
            told = []
            while ("PATH_CHANGED", "/vjnode/preset") not in told:
                said = await one.receive_json(timeout=HANG_S)
                told.append((said["COMMAND"], said["DATA"]))
            node.writer.offered = replace(STOCK, presets={"calm": more["calm"]})
            while told.count(("PATH_CHANGED", "/vjnode/preset")) < 2:
                said = await one.receive_json(timeout=HANG_S)
                told.append((said["COMMAND"], said["DATA"]))
            return [one for one in told if one[1].startswith("/vjnode/preset")]

    node.json("/vjnode/preset")
    assert asyncio.run(talk()) == [
        ("PATH_ADDED", "/vjnode/preset/calm"),
        ("PATH_CHANGED", "/vjnode/preset"),
        ("PATH_REMOVED", "/vjnode/preset/riot"),
        ("PATH_CHANGED", "/vjnode/preset"),
    ]
    now = node.json("/vjnode/preset")
    assert now["RANGE"] == [{"VALS": ["calm"]}]
    assert now["CONTENTS"].keys() - {"calm"} == {
        *("next", "previous", "random", "save", "rename", "delete", "move")
    }


def test_where_midi_is_read_who_listens_is_told_what_was_learned():
    text = "gain: cc 7, channel 1, of Desk"

    async def talk(node):
        async with node.socket() as one:
            await one.send_json({"COMMAND": "LISTEN", "DATA": "/vjnode/midi/learned"})
            await one.send_json({"COMMAND": "LISTEN", "DATA": "/vjnode/gain"})
            assert await next_of(one) == ("/vjnode/gain", 1.0)
            node.out.announce("midi/learned", text)
            return await next_of(one)

    with closing(Node(replace(CONFIG, midi=("",)))) as node:
        assert asyncio.run(talk(node)) == ("/vjnode/midi/learned", text)
        assert node.json("/vjnode/midi/learned?VALUE") == {"VALUE": [text]}
        assert node.json("/vjnode/midi/learn")["CONTENTS"]["gain"]["TYPE"] == "I"


def test_over_a_websocket_nobody_subscribes_to_what_goes_by_udp(node, caplog):
    """Else every value would look for a host of the name that its connection has here."""

    async def talk():
        async with node.socket() as one:
            await one.send_bytes(message("/vjnode/subscribe", 9000))
            await one.send_json({"COMMAND": "LISTEN", "DATA": "/vjnode/gain"})
            return await next_of(one)

    assert asyncio.run(talk()) == ("/vjnode/gain", 1.0)
    assert node.osc.counts.rejected == 1
    assert "LISTEN" in caplog.text
    assert node.out.summary()["subscriptions"] == 0


def test_a_feature_that_is_switched_off_is_told_to_who_listens_to_it_alone(node):
    async def talk():
        async with node.socket() as one:
            for path in ("/vjnode/low", "/vjnode/gain"):
                await one.send_json({"COMMAND": "LISTEN", "DATA": path})
            assert await next_of(one) == ("/vjnode/gain", 1.0)
            node.out.send("low", 0.5, switched_on=False)
            return await next_of(one)

    assert asyncio.run(talk()) == ("/vjnode/low", 0.5)
    assert node.json("/vjnode/low?VALUE") == {"VALUE": [0.5]}


def test_a_node_has_its_contents_below_its_path(node):
    tree = node.json("/vjnode/expression")
    assert (tree["TYPE"], tree["VALUE"]) == ("s", ["laugh"])
    assert tree["CONTENTS"]["2"]["FULL_PATH"] == "/vjnode/expression/2"
    assert node.json("/vjnode/") == node.json("/vjnode") == node.json("/")["CONTENTS"]["vjnode"]


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/vjnode/gain?VALUE", 200, {"VALUE": [1.0]}),
        ("/vjnode/gain?TYPE", 200, {"TYPE": "f"}),
        ("/vjnode/gain?FULL_PATH", 200, {"FULL_PATH": "/vjnode/gain"}),
        ("/vjnode/tap?VALUE", 204, None),
        ("/vjnode/tap?RANGE", 204, None),
        ("/vjnode?VALUE", 200, {}),
        ("/vjnode/gain?COLOUR", 400, None),
        ("/vjnode/gain?VALUE&TYPE", 400, None),
        ("/vjnode/nothing", 404, None),
        ("/vjnode/gain/../../etc", 404, None),
    ],
)
def test_one_attribute_can_be_asked_for(node, path, status, said):
    got, body = node.ask(path)
    assert got == status
    if said is not None:
        assert json.loads(body) == said


def test_it_tells_where_osc_is_and_what_it_can(node):
    info = node.json("/any/path?HOST_INFO")
    assert info["NAME"] == "vjnode"
    assert (info["OSC_IP"], info["OSC_PORT"]) == (CONFIG.osc_host, CONFIG.osc_port)
    assert info["OSC_TRANSPORT"] == "UDP"
    assert info["EXTENSIONS"]["LISTEN"] is True
    used = {key for one in leaves(node.json("/")) for key in one} - {
        "FULL_PATH",
        "CONTENTS",
        "TYPE",
    }
    commands = {"LISTEN", "PATH_CHANGED", "PATH_ADDED", "PATH_REMOVED"}
    assert info["EXTENSIONS"] == dict.fromkeys(used | commands, True)


def test_a_value_is_the_one_of_now(node):
    node.osc.handle(message("/vjnode/preset", "riot"), "test")
    assert node.json("/vjnode/gain?VALUE") == {"VALUE": [2.0]}
    node.out.send("tempo", 124.0)
    assert node.json("/vjnode/tempo?VALUE") == {"VALUE": [124.0]}
    assert node.json("/vjnode/bpm?VALUE") == {"VALUE": [0.0]}


def test_who_listens_is_told_and_what_it_sends_is_done(node):
    async def talk():
        async with node.socket() as one, node.socket() as other:
            for path in ("/vjnode/gain", "/vjnode/beat"):
                await one.send_json({"COMMAND": "LISTEN", "DATA": path})
            await other.send_json({"COMMAND": "LISTEN", "DATA": "/vjnode/gain"})
            assert await next_of(one) == ("/vjnode/gain", 1.0)
            assert await next_of(other) == ("/vjnode/gain", 1.0)
            await other.send_bytes(message("/vjnode/curve", 2.0))  # nobody listens to that
            await other.send_bytes(message("/vjnode/gain", 1.5))
            assert await next_of(one) == ("/vjnode/gain", 1.5)
            node.out.send("beat", 1)
            assert await next_of(one) == ("/vjnode/beat", 1)
            await one.send_json({"COMMAND": "IGNORE", "DATA": "/vjnode/gain"})
            await one.send_json({"COMMAND": "LISTEN", "DATA": "/vjnode/curve"})
            assert await next_of(one) == ("/vjnode/curve", 2.0)
            await other.send_bytes(message("/vjnode/gain", 0.5))
            await other.send_bytes(message("/vjnode/curve", 0.5))
            assert await next_of(one) == ("/vjnode/curve", 0.5)

    asyncio.run(talk())
    assert node.controls.number("gain") == 0.5
    assert (node.osc.counts.received, node.osc.counts.rejected) == (4, 0)


def test_a_client_that_knows_nothing_but_the_protocol_finds_and_plays_a_parameter(node):
    """By plain sockets: from the particulars of the host to a value that comes back."""
    _, info = osc_client.get(node.query.port, "/?HOST_INFO")
    assert info["EXTENSIONS"]["LISTEN"]
    _, tree = osc_client.get(node.query.port, "/")
    assert "/vjnode/gain/norm" in osc_client.paths(tree)
    gain = tree["CONTENTS"]["vjnode"]["CONTENTS"]["gain"]
    assert (gain["TYPE"], gain["RANGE"]) == ("f", [{"MIN": 0.0, "MAX": 4.0}])
    with closing(osc_client.WebSocket(node.query.port)) as listener:
        listener.say("LISTEN", gain["FULL_PATH"])
        first = osc_client.first_number(listener.receive()[1])
        assert first == (gain["FULL_PATH"], "f", gain["VALUE"][0])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as hand:
            hand.sendto(osc_client.message(gain["FULL_PATH"], "i", 2), (HOST, node.osc.port))
        assert osc_client.first_number(listener.receive()[1]) == ("/vjnode/gain", "f", 2.0)
        listener.send(osc_client.message("/vjnode/gain/norm", "f", 1.0))
        assert osc_client.first_number(listener.receive()[1]) == ("/vjnode/gain", "f", 4.0)
        listener.say("LISTEN", "/vjnode/beat")
        listener.say("LISTEN", "/vjnode/curve")  # its answer says that both are heard
        assert osc_client.first_number(listener.receive()[1]) == ("/vjnode/curve", "f", 1.0)
        node.out.send("beat", 1)
        assert osc_client.first_number(listener.receive()[1]) == ("/vjnode/beat", "i", 1)
    status, value = osc_client.get(node.query.port, "/vjnode/gain?VALUE")
    assert (status, value) == (200, {"VALUE": [4.0]})


def test_who_is_slower_than_what_is_told_is_sent_away(node, monkeypatch):
    monkeypatch.setattr(oscquery_server, "MAX_QUEUED", 4)

    async def talk():
        async with node.socket() as one:
            await one.send_json({"COMMAND": "LISTEN", "DATA": "/vjnode/gain"})
            await next_of(one)
            await one.send_json({"COMMAND": "LISTEN", "DATA": "/vjnode/status"})
            await one.send_json({"COMMAND": "LISTEN", "DATA": "/vjnode/curve"})
            await next_of(one)  # it listens to all three
            node.query._loop.call_soon_threadsafe(
                lambda: [node.out.send("status", "live") for _ in range(9)]
            )
            while (got := await one.receive(timeout=HANG_S)).type is aiohttp.WSMsgType.BINARY:
                pass
            return got.type, one.close_code

    assert asyncio.run(talk()) == (aiohttp.WSMsgType.CLOSE, 1013)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Host": "evil.example"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    ],
)
def test_foreign_pages_may_neither_ask_nor_listen(node, headers):
    assert node.ask("/vjnode", **headers)[0] == 403

    async def connect():
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with node.socket(**headers):
                pass
        return refused.value.status

    assert asyncio.run(connect()) == 403


TEXTS = [
    *("", "{", "[]", "null", "7", '"LISTEN"', "[" * 4000, '{"COMMAND": "LISTEN"}'),
    *('{"COMMAND": [], "DATA": {}}', '{"COMMAND": "LISTEN", "DATA": 7}'),
    *('{"COMMAND": "LISTEN", "DATA": "/"}', '{"COMMAND": "LISTEN", "DATA": "/vjnode/tap"}'),
    *('{"COMMAND": "PATH_ADDED", "DATA": "/x"}', '{"COMMAND": "IGNORE", "DATA": "/nothing"}'),
]


def test_nonsense_over_a_websocket_changes_nothing_and_ends_nothing(node):
    before, chance = node.controls, random.Random(7)
    good = message("/vjnode/nothing", 2.0)

    async def talk():
        async with node.socket() as one:
            for text in TEXTS:
                await one.send_str(text)
            for _ in range(300):
                data = bytearray(good)
                for _ in range(chance.randint(1, 4)):
                    data[chance.randrange(len(data))] = chance.randrange(256)
                await one.send_bytes(bytes(data))
            await one.send_json({"COMMAND": "LISTEN", "DATA": "/vjnode/gain"})
            return await next_of(one)

    assert asyncio.run(talk()) == ("/vjnode/gain", 1.0)
    assert node.controls == before
    assert node.osc.counts.rejected == 300


def test_nonsense_over_http_ends_nothing(node):
    chance = random.Random(7)
    good = b"GET /vjnode/gain?VALUE HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    for _ in range(200):
        data = bytearray(good)
        for _ in range(chance.randint(1, 6)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        with socket.create_connection((HOST, node.query.port)) as connection:
            connection.sendall(data)
    assert node.json("/vjnode/gain?VALUE") == {"VALUE": [1.0]}


def test_a_taken_port_is_a_clear_error(node):
    with pytest.raises(VjnodeError, match=f"--oscquery {HOST}:{node.query.port + 1}"):
        open_oscquery(
            (HOST, node.query.port), CONFIG, osc=node.osc, out=node.out, writer=node.writer
        )


@pytest.mark.parametrize(
    ("osc_host", "host", "told"),
    [("127.0.0.1", HOST, False), ("127.0.0.1", "0.0.0.0", True), ("0.0.0.0", "0.0.0.0", False)],  # noqa: S104
)
def test_osc_that_the_network_cannot_reach_is_told(node, caplog, osc_host, host, told):
    config = replace(CONFIG, osc_host=osc_host, oscquery=(host, 0))
    with ExitStack() as stack:
        serve_oscquery(stack, config, osc=node.osc, out=node.out, writer=node.writer)
    assert ("add --osc 0.0.0.0:9010" in caplog.text) == told


def test_it_closes_while_somebody_listens(node):
    async def talk():
        async with node.socket() as one:
            await one.send_json({"COMMAND": "LISTEN", "DATA": "/vjnode/gain"})
            await next_of(one)
            closing_it = asyncio.get_running_loop().run_in_executor(None, node.query.close)
            got = await one.receive(timeout=HANG_S)
            await closing_it
            return got.type

    assert asyncio.run(talk()) in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED}
    assert node.out.destinations == ()
    node.query.close = lambda: None  # it is closed
