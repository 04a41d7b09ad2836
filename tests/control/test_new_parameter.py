"""A new parameter is one row: OSC, presets, ``--set`` and the slot know it without more."""

import argparse
from contextlib import closing

import pytest
from pythonosc.osc_message_builder import OscMessageBuilder

from vjnode.cli.options import add_look, controls_asked_for
from vjnode.control.osc import OscServer
from vjnode.control.parameter import Firing, Parameter
from vjnode.control.parameters import BY_NAME
from vjnode.control.presets import read_preset
from vjnode.control.state import Stock
from vjnode.show.control_sync import ControlWriter
from vjnode.show.ipc.slot import Slot
from vjnode.show.messages import CONTROLS_BYTES, unpack_controls

NEW = (
    Parameter("shine", "float", "how bright the eyes are", "frame", 0.25, 0.0, 2.0),
    Parameter("mood", "choice", "which", "frame", "calm", choices=("calm", "wild")),
    Parameter("mirror", "toggle", "left is right", "output", False, stays=True),
    Parameter("wink", "trigger", "one eye closes", "frame", Firing()),
)


@pytest.fixture(autouse=True)
def rows(monkeypatch):
    for row in NEW:
        monkeypatch.setitem(BY_NAME, row.name, row)


@pytest.fixture
def stock(tmp_path):
    path = tmp_path / "bright.toml"
    path.write_text('version = 1\nface = "ada"\nexpression = "laugh"\nshine = 1.5\nmood = "wild"\n')
    preset = read_preset(path, faces=["ada"], expressions=["laugh"])
    return Stock(["ada"], ["laugh"], {"bright": preset})


def asked(stock, *arguments):
    parser = argparse.ArgumentParser()
    add_look(parser)
    return controls_asked_for(parser.parse_args(arguments), stock)


def values(controls):
    return (controls.number("shine"), controls.choice("mood"), controls.is_on("mirror"))


def test_it_comes_from_the_command_line_and_presets(stock):
    assert values(asked(stock)) == (0.25, "calm", False)
    assert values(asked(stock, "--preset", "bright")) == (1.5, "wild", False)
    asked_for = ("--set", "shine=0.5", "--set", "mood=wild", "--set", "mirror=1")
    assert values(asked(stock, *asked_for)) == (0.5, "wild", True)


def test_osc_reaches_whoever_reads_the_slot(stock):
    with (
        closing(Slot(CONTROLS_BYTES)) as slot,
        closing(Slot(CONTROLS_BYTES, name=slot.name)) as far,
    ):
        writer = ControlWriter(asked(stock), stock, slot, clock=lambda: 7.0)
        with closing(OscServer("127.0.0.1", 0, writer.perform)) as osc:
            for name, value in (("shine", 2.0), ("mood", 2), ("mirror", 1), ("wink", 1)):
                message = OscMessageBuilder(f"/vjnode/{name}")
                message.add_arg(value)
                osc.handle(message.build().dgram, "test")
            assert osc.counts.rejected == 0
        controls = unpack_controls(far.read())
    assert values(controls) == (2.0, "wild", True)
    assert controls.fired("wink") == Firing(1, 7.0)
