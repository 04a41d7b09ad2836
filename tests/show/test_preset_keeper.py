"""Presets of a running show: saved by OSC, and seen when others have saved them."""

from contextlib import closing

import pytest
from pythonosc.osc_message_builder import OscMessageBuilder

from tests.events import wait_for
from vjnode.control import own_presets, preset_order
from vjnode.control.osc import OscServer
from vjnode.control.own_presets import preset_text, save_preset
from vjnode.control.presets import PresetShelf
from vjnode.control.set_list import SetEntry
from vjnode.control.state import Controls, Preset, Stock
from vjnode.show.control_sync import ControlWriter
from vjnode.show.ipc.slot import Slot
from vjnode.show.messages import CONTROLS_BYTES
from vjnode.show.preset_keeper import PresetKeeper

FACES, EXPRESSIONS = ["ada", "ben"], ["laugh", "brows_up", "blink", "turn"]


class Node:
    """The parts of a show that keep presets; each look at its clock is a second later."""

    def __init__(self, folder, own):
        self.folder, self._now_s = own, 0.0
        shelf = PresetShelf(
            faces=FACES,
            expressions=EXPRESSIONS,
            folders=[folder, own],
            order=own.with_name("preset_order.toml"),
        )
        self.keeper = PresetKeeper(shelf, self._clock)
        self.slot = Slot(CONTROLS_BYTES)
        entries = {"first": SetEntry("calm"), "second": SetEntry("hot")}
        stock = Stock(FACES, EXPRESSIONS, shelf.presets, entries)
        self.writer = ControlWriter(
            Controls("calm", "ada", "laugh"), stock, self.slot, keeper=self.keeper
        )
        self.osc = OscServer("127.0.0.1", 0, self.writer.perform)

    def _clock(self):
        self._now_s += 1.0
        return self._now_s

    def send(self, name, *arguments):
        message = OscMessageBuilder(f"/vjnode/{name}")
        for one in arguments:
            message.add_arg(one)
        self.osc.handle(message.build().dgram, "test")
        return self.writer.controls

    @property
    def presets(self):
        return list(self.writer.names("preset"))

    def close(self):
        self.osc.close()
        self.keeper.close()
        self.slot.close()


@pytest.fixture
def node(tmp_path, monkeypatch):
    def place(*parts):
        return tmp_path.joinpath("own", *parts)

    for module in (own_presets, preset_order):
        monkeypatch.setattr(module, "config_dir", place)
    (tmp_path / "ships").mkdir()
    for name, gain in (("calm", 0.5), ("wild", 3.0)):
        text = preset_text(Preset(name, "ada", "laugh", {"gain": gain}))
        (tmp_path / "ships" / f"{name}.toml").write_text(text)
    with closing(Node(tmp_path / "ships", place("presets"))) as node:
        yield node


def test_a_show_saves_what_it_plays_and_recalls_it(node):
    node.send("gain", 1.25)
    node.send("face", "ben")
    node.send("preset/save", "hot")
    wait_for(lambda: node.presets == ["calm", "hot", "wild"])
    assert node.writer.controls.choice("preset") == "hot"
    assert node.send("preset", "wild").number("gain") == 3.0
    back = node.send("preset/hot")
    assert (back.number("gain"), back.choice("face")) == (1.25, "ben")


def test_presets_are_renamed_moved_and_deleted(node):
    node.send("preset/save", "hot")
    node.send("preset/rename", "hot", "mild")
    node.send("preset/move", "mild", 3)
    wait_for(lambda: node.presets == ["calm", "wild", "mild"])
    assert node.writer.controls.choice("preset") == "mild"
    assert node.send("preset", 2).choice("preset") == "wild"
    node.send("preset/delete", "mild")
    wait_for(lambda: node.presets == ["calm", "wild"])
    assert node.osc.counts.rejected == 0


def test_a_set_list_and_panic_follow_a_new_name(node):
    node.send("preset/save", "hot")
    node.send("set", "first")
    wait_for(lambda: node.presets == ["calm", "hot", "wild"])
    node.send("safe_preset", "hot")
    node.send("preset/rename", "hot", "mild")
    wait_for(lambda: node.presets == ["calm", "mild", "wild"])
    assert node.writer.controls.choice("safe_preset") == "mild"
    assert node.send("set/next").choice("preset") == "mild"
    assert node.osc.counts.rejected == 0


def test_a_recall_sees_what_others_have_saved(node):
    save_preset(Preset("late", "ben", "laugh", {"gain": 2.5}), node.folder)
    assert node.send("preset", "late").number("gain") == 2.5
    save_preset(Preset("late", "ben", "laugh", {"gain": 0.25}), node.folder)
    assert node.send("preset", "late").number("gain") == 0.25


def test_what_cannot_be_done_is_told_and_the_show_goes_on(node, caplog):
    node.send("preset/delete", "wild")  # it ships
    node.send("preset/move", "nobody", 1)
    node.send("preset/save", "../hot")
    wait_for(lambda: caplog.text.count("presets are as they were") == 2)
    assert "not a preset of your own" in caplog.text
    assert node.osc.counts.rejected == 1
    assert node.send("preset", "wild").number("gain") == 3.0
