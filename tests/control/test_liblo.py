"""OSC with liblo's programs: ``oscsend`` is another's hand, ``oscdump`` another's display."""

import re
import shutil
import subprocess
import threading
from contextlib import closing

import pytest

from tests.control.test_osc_out import HOST, Node
from tests.events import wait_for
from tests.show.process import free_port

pytestmark = pytest.mark.skipif(
    not (shutil.which("oscsend") and shutil.which("oscdump")),
    reason="liblo-tools is not installed",
)


class Dump:
    """A program that prints what it gets: each message as (address, types, arguments)."""

    def __init__(self):
        self.port, self.got = free_port(), []
        self._program = subprocess.Popen(
            ["oscdump", "-L", str(self.port)], stdout=subprocess.PIPE, text=True
        )
        self._reading = threading.Thread(target=self._read)
        self._reading.start()
        while not self.got:  # it says nothing when it begins to listen
            send(self.port, "/are/you/there")
        wait_for(lambda: self.got)

    def _read(self):
        for line in self._program.stdout:
            _, address, *rest = line.rstrip("\n").split(" ", 3)
            self.got.append((address, *[*rest, "", ""][:2]))

    def newest(self, address):
        return next(
            ((types, said) for one, types, said in reversed(self.got) if one == address), None
        )

    def close(self):
        self._program.terminate()
        self._program.wait()
        self._reading.join()


def send(port, address, *more):
    subprocess.run(["oscsend", HOST, str(port), address, *map(str, more)], check=True)


@pytest.fixture
def node():
    with closing(Node()) as node:
        yield node


def sent(node, *message):
    """Send one message, wait until it has been acted on, and return the controls."""
    before = node.osc.counts.received
    send(node.osc.port, *message)
    wait_for(lambda: node.osc.counts.received == before + 1)
    with node.osc._handling:
        return node.controls


@pytest.mark.parametrize(
    ("types", "value", "gain"),
    [
        (["i"], [2], 2.0),
        (["f"], [1.5], 1.5),
        (["d"], [2.5], 2.5),
        (["h"], [3], 3.0),
        (["T"], [], 1.0),
        (["F"], [], 0.0),
        (["s"], ["1.5"], 1.5),
        (["S"], ["1.5"], 1.5),
        (["f"], [5.0], 4.0),
        (["f"], [-5.0], 0.0),
        (["ffs"], [0.5, 3.0, "left"], 0.5),
    ],
)
def test_a_number_is_one_however_it_is_sent(node, types, value, gain):
    assert sent(node, "/vjnode/gain", *types, *value).number("gain") == gain
    assert node.osc.counts.rejected == 0
    assert node.osc.counts.clamped == (abs(value[0]) == 5.0 if types == ["f"] else 0)


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_what_is_not_finite_changes_nothing(node, value):
    for types in "fds":
        assert sent(node, "/vjnode/gain", types, value).number("gain") == 1.0
    assert node.osc.counts.rejected == 3


@pytest.mark.parametrize(
    ("argument", "fires"),
    [
        (["i", 1], True),
        (["f", 0.1], True),
        (["T"], True),
        (["I"], True),
        (["N"], True),
        ([], True),
        (["i", 0], False),
        (["f", 0.0], False),
        (["F"], False),
    ],
)
def test_a_button_fires_when_it_is_pressed_and_not_when_it_is_let_go(node, argument, fires):
    assert sent(node, "/vjnode/tap", *argument).fired("tap").count == fires
    assert sent(node, "/vjnode/face/next", *argument).choice("face") == ("ben" if fires else "ada")
    chosen = "riot" if fires else ""
    assert sent(node, "/vjnode/preset/Riot", *argument).choice("preset") == chosen
    assert node.osc.counts.rejected == 0


def test_a_preset_is_chosen_by_a_button_that_sends_0_when_it_is_let_go(node):
    assert sent(node, "/vjnode/preset", "f", 1.0).choice("preset") == "riot"
    assert sent(node, "/vjnode/gain", "f", 0.25).number("gain") == 0.25
    assert sent(node, "/vjnode/preset", "f", 0.0).number("gain") == 0.25
    assert node.osc.counts.rejected == 0


def test_names_and_ways_of_faders(node):
    assert sent(node, "/vjnode/face", "S", "ben").choice("face") == "ben"
    assert sent(node, "/vjnode/face", "s", "ADA").choice("face") == "ada"
    assert sent(node, "/vjnode/face", "i", 2).choice("face") == "ben"
    assert sent(node, "/vjnode/face/previous", "T").choice("face") == "ada"
    assert sent(node, "/vjnode/face/random").choice("face") == "ben"
    assert sent(node, "/vjnode/gain/add", "f", 0.5).number("gain") == 1.5
    assert sent(node, "/vjnode/gain/norm", "f", 0.5).number("gain") == 1.0
    assert node.osc.counts.rejected == 0


def test_a_display_that_subscribes_shows_each_value_with_one_argument_of_one_type(node):
    with closing(Dump()) as dump:
        sent(node, "/vjnode/subscribe", "i", dump.port)
        node.tell()
        wait_for(lambda: dump.newest("/vjnode/neutral"))
        for message, shown in (
            (("/vjnode/gain", "f", 1.25), ("f", "1.250000")),
            (("/vjnode/face", "s", "ben"), ("s", '"ben"')),
            (("/vjnode/blackout", "T"), ("i", "1")),
        ):
            node.now_s += 1.0  # whoever moves it itself is told when it has rested
            sent(node, *message)
            node.now_s += 1.0
            node.tell()
            wait_for(lambda a=message[0], s=shown: dump.newest(a) == s, lambda: dump.got[-3:])
        for name, value, shown in (
            ("level", -18.5, ("f", "-18.500000")),
            ("beat", 1, ("i", "1")),
            ("status", "live", ("s", '"live"')),
        ):
            node.out.send(name, value)
            wait_for(lambda a=f"/vjnode/{name}", s=shown: dump.newest(a) == s)
        told = {address: types for address, types, _ in dump.got if "vjnode" in address}
        assert all(re.fullmatch("[fis]", types) for types in told.values())
