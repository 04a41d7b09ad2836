"""A show on another machine: a node's own OSC, in and out, over loopback."""

import threading
from contextlib import closing

import pytest

from tests.control.midi.shows import Desk
from tests.control.test_osc_out import HOST, STOCK, Node
from tests.events import wait_for
from vjnode.control.address import read_address
from vjnode.control.midi import remote_show as remote_module
from vjnode.control.midi.remote_show import RemoteShow
from vjnode.control.osc import OscServer
from vjnode.errors import InputError

MAPPING = """[[control]]
on = "cc 7"
do = "gain"
[[control]]
on = "note 1"
do = "blackout"
light = [0, 127]
[[control]]
on = "note 2-3"
do = "face"
value = 1
light = [0, 127]
[[control]]
on = ["note 4", "note 5"]
do = ["face/next", "tap"]
"""


class Far(Node):
    """A node that tells who listens, as a show does, until it is closed."""

    def __init__(self, port=0):
        super().__init__()
        self.osc.close()
        self.osc = OscServer(HOST, port, self.act, self.out)
        self.out._clock = remote_module.monotonic_s
        self._over = threading.Event()
        self._telling = threading.Thread(target=self._tell)
        self._telling.start()

    def _tell(self):
        while not self._over.wait(0.01):
            self.out.tell(self.controls)
            self.out.send("status", "live")

    def close(self):
        self._over.set()
        self._telling.join()
        super().close()


@pytest.fixture
def far():
    with closing(Far()) as node:
        yield node


@pytest.fixture
def show(far):
    with closing(RemoteShow(HOST, far.osc.port, STOCK)) as one:
        wait_for(lambda: one.controls.choice("face") == "ada")
        yield one


def test_a_controller_plays_it_and_fader_and_lamps_follow(far, show, tmp_path):
    desk = Desk(tmp_path, MAPPING, show)
    desk.fader(0, 20)
    assert desk.counts.waiting == 2
    desk.fader(100)  # it has crossed
    wait_for(lambda: far.controls.number("gain") == show.controls.number("gain") > 2.0)
    desk.send("90 03 7F", "90 05 7F", "90 05 00")
    wait_for(lambda: far.controls.choice("face") == "ben")
    wait_for(lambda: far.controls.fired("tap").count == 1)
    wait_for(lambda: desk.player.lights()[b"\x90\x03"] == 127)
    desk.send("90 04 7F")
    wait_for(lambda: far.controls.choice("face") == "ada")
    far.turn("/vjnode/blackout", 1.0)  # by somebody else
    wait_for(lambda: desk.player.lights()[b"\x90\x01"] == 127)
    desk.send("90 01 7F")  # so this switches it off
    wait_for(lambda: not far.controls.is_on("blackout"))


def test_a_fader_that_has_taken_over_goes_on_however_its_value_is_rounded_on_the_way(
    far, show, tmp_path
):
    desk = Desk(tmp_path, MAPPING, show)
    desk.fader(0, 127)
    for value in (37, 101, 3):  # each a long way from the last
        told = desk.fader(value).number("gain")
        wait_for(lambda told=told: far.controls.number("gain") == told)
    assert desk.counts.waiting == 1


def test_a_show_that_begins_anew_is_followed_again(far, show, monkeypatch, caplog):
    monkeypatch.setattr(remote_module, "SILENT_S", 0.3)
    monkeypatch.setattr(remote_module, "RETRY_S", 0.05)
    port = far.osc.port
    wait_for(lambda: show._silent_s < remote_module.monotonic_s() + 0.3)
    far.close()
    wait_for(lambda: "tells nothing" in caplog.text)
    with closing(Far(port)) as anew:
        wait_for(lambda: show.answers)
        anew.turn("/vjnode/curve", 2.5)
        wait_for(lambda: show.controls.number("curve") == 2.5)
    far._over.set()


def test_nobody_else_tells_it_values(far, show):
    before = show.controls
    show._hear(b"/vjnode/gain\0\0\0\0,s\0\0loud\0\0\0\0", 0.0)
    show._hear(b"/vjnode/tap\0,i\0\0\0\0\0\x01", 0.0)
    show._hear(b"nothing", 0.0)
    assert show.controls == before


def test_a_host_that_there_is_not_is_told():
    with pytest.raises(InputError, match="there is no host"):
        RemoteShow("no.such.host.invalid", 9010, STOCK)


def test_what_osc_cannot_carry_is_refused(show):
    with pytest.raises(InputError):
        show.perform(read_address("/vjnode/gain"), float("nan"))


def test_it_is_played_even_if_it_tells_nothing(tmp_path):
    got = []

    def act(act, value):
        got.append((act.parameter.name, value))

    with (
        closing(OscServer(HOST, 0, act)) as osc,
        closing(RemoteShow(HOST, osc.port, STOCK)) as one,
    ):
        Desk(tmp_path, MAPPING, one).send("90 01 7F")
        wait_for(lambda: ("blackout", 1.0) in got)
        assert not one.answers
