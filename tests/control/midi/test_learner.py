"""Learning while a show runs, over ports of the stand-in for the package."""

import sys
from contextlib import closing

import pytest

from tests.control.midi.plugs import STAND_IN, Plugs
from tests.control.midi.shows import STOCK, Show
from tests.events import wait_for
from vjnode.control.midi import learn as learn_module
from vjnode.control.midi.learner import Learner
from vjnode.control.midi.mapping_files import scan_mappings
from vjnode.control.midi.server import MidiServer
from vjnode.errors import InputError

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="the user's folder has no variable on Windows"
)

LAYERED = """version = 1
match = ["Desk"]
[[layer]]
name = "shift"
on = "note 98"
[[control]]
on = "note 1"
do = "blackout"
[[control]]
on = "cc 7"
do = "gain"
"""


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    folder = tmp_path / "config" / "vjnode" / "midi"
    folder.mkdir(parents=True)
    return folder


class Stage:
    """A show with MIDI, and what it tells while it learns."""

    def __init__(self, folder, *wanted):
        self.plugs, self.show, self.told = Plugs(folder), Show(), []
        self.server = MidiServer(wanted, self.show, tell=self.told.append)
        self.close = self.server.close

    def learn(self, name):
        """Ask for it, and wait until a control is waited for."""
        count = len(self.told)
        self.server.learner.serve("", name)
        self.tells(count + 1)

    def plug(self, name):
        opened = self.server.counts.opened
        self.plugs.plug(name)
        wait_for(lambda: self.server.counts.opened > opened)

    def send(self, name, *messages):
        """Send messages and wait until they have come."""
        received = self.server.counts.received
        for one in messages:
            self.plugs.send(name, one)
        wait_for(lambda: self.server.counts.received == received + len(messages))

    def tells(self, count):
        wait_for(lambda: len(self.told) == count)
        return self.told[-1]


@pytest.fixture
def stage(tmp_path, monkeypatch, config):
    monkeypatch.setattr(learn_module, "GATHER_S", 0.2)
    monkeypatch.syspath_prepend(STAND_IN)
    monkeypatch.setenv("FAKE_MIDI", str(tmp_path / "ports"))
    (tmp_path / "ports").mkdir()
    with closing(Stage(tmp_path / "ports", "")) as one:
        yield one


def test_a_control_of_a_stranger_is_learned_and_plays_at_once_and_in_the_next_show(stage):
    stage.plugs.plug("Stranger 24:0")
    stage.learn("curve")
    assert stage.told == ["curve: move a control"]
    wait_for(lambda: stage.server.counts.opened == 1)  # it is opened because of that
    stage.send("Stranger 24:0", "B3 15 05")
    assert stage.tells(2) == "curve: cc 21, channel 4, of Stranger"
    stage.send("Stranger 24:0", "B3 15 00", "B3 15 7F")
    assert stage.show.controls.number("curve") == 4.0
    assert [str(one.source) for one in scan_mappings()["stranger"].controls] == ["cc 21"]


def test_a_pad_that_is_learned_does_not_do_what_it_did(stage, config):
    (config / "desk.toml").write_text(LAYERED, "utf-8")
    stage.server._mappings = scan_mappings().values()
    stage.plug("Desk 24:0")
    stage.send("Desk 24:0", "90 01 7F", "90 01 00")
    assert stage.show.controls.is_on("blackout")
    stage.learn("face/next")
    stage.send("Desk 24:0", "90 01 7F", "90 01 00")
    stage.tells(2)
    stage.send("Desk 24:0", "90 01 7F")
    assert stage.show.controls.is_on("blackout")
    assert stage.show.controls.choice("face") == "birch"
    assert "blackout" in (config / "desk.toml").read_text("utf-8")


def test_with_a_layer_that_is_on_it_is_learned_in_that(stage, config):
    (config / "desk.toml").write_text(LAYERED, "utf-8")
    stage.server._mappings = scan_mappings().values()
    stage.plug("Desk 24:0")
    stage.send("Desk 24:0", "B0 07 00", "B0 07 7F")  # the fader has crossed the gain
    stage.learn("floor")
    stage.send("Desk 24:0", "90 62 7F", "B0 07 20", "B0 07 10")
    assert stage.tells(2) == "floor: cc 7, channel 1, of Desk with shift"
    stage.send("Desk 24:0", "90 62 00", "B0 07 60")
    assert stage.show.controls.number("gain") == 4.0  # it was moved meanwhile: it crosses anew
    stage.send("Desk 24:0", "90 62 7F", "B0 07 00", "B0 07 40")
    assert stage.show.controls.number("floor") == pytest.approx(64 / 127)


def test_it_can_be_stopped_and_what_cannot_be_learned_is_told(stage, config):
    stage.plugs.plug("Stranger 24:0")
    stage.learn("curve")
    stage.server.learner.serve("/stop", 1.0)
    assert stage.tells(2) == "curve: stopped"
    stage.server.learner.serve("/gate", 0.0)  # a button that is let go
    stage.server.learner.serve("/face", 1.0)
    stage.tells(3)
    wait_for(lambda: stage.server.counts.opened == 1)
    stage.send("Stranger 24:0", "90 01 7F")
    assert stage.tells(4) == (
        "face: note 1 of Stranger cannot be learned: "
        "a pad needs the 'value' that it chooses, or face/next"
    )
    assert not list(config.iterdir())


def test_nothing_that_is_moved_is_told_after_a_while(monkeypatch):
    told = []
    learner = Learner(told.append)
    learner.serve("", "/vjnode/gain")
    assert not learner.look(10.0, ())
    assert learner.learns
    assert not learner.look(10.0 + learn_module.LEARN_S, ())
    assert told == ["gain: move a control", "gain: nothing was moved"]
    assert not learner.learns


def test_who_asks_on_and_on_fills_no_log(caplog):
    caplog.set_level("INFO")
    told = []
    learner = Learner(told.append)
    for number in range(100):
        learner.serve("", "gain" if number % 2 else "curve")
        learner.serve("/gate", 1.0)
        learner.look(10.0 + number / 1000, ())
    assert told == ["gate: move a control"] * 100
    assert caplog.text.count("move a control") == 1


@pytest.mark.parametrize(
    ("rest", "value", "says"),
    [
        ("", "gian", "unknown address"),
        ("", 1.0, "takes the name of a parameter"),
        ("", None, "takes the name of a parameter"),
        ("/gian", 1.0, "unknown address"),
        ("ed", 1.0, "unknown address"),
        ("", "preset/mild", "did you mean 'wild'"),
        ("/preset/mild", 1.0, "did you mean 'wild'"),
    ],
)
def test_what_has_no_address_cannot_be_learned(rest, value, says):
    with pytest.raises(InputError, match=says):
        Learner(lambda _: None, STOCK.names).serve(rest, value)
