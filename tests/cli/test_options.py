import argparse
from dataclasses import replace

import pytest

from vjnode.cli.options import add_look, controls_asked_for
from vjnode.control.set_list import SetEntry
from vjnode.control.state import Preset, Stock
from vjnode.errors import InputError

STOCK = Stock(
    ["ada", "ben"],
    ["laugh"],
    {
        "stage": Preset("stage", "ben", "laugh", {"gain": 2.0}),
        "wild": Preset("wild", "ada", "laugh", {"curve": 0.5}),
    },
)


def asked(*arguments, stock=STOCK):
    parser = argparse.ArgumentParser()
    add_look(parser)
    return controls_asked_for(parser.parse_args(arguments), stock)


def test_without_a_word_it_is_the_stage():
    assert asked() == STOCK.fitted(STOCK.presets["stage"].applied(asked("--preset", "wild")))


def test_options_come_after_the_preset_and_settings_after_these():
    controls = asked(
        *("--set", "gain=0.5", "--set", "route/expression/beat/amount=-0.5"),
        *("--set", "route.expression.low.attack = 0.3", "--set", "/vjnode/agc=freeze"),
        *("--gain", "3", "--gate", "-50", "--bpm", "128", "--agc", "off", "--preset", "wild"),
    )
    for name, value in (("preset", "wild"), ("face", "ada"), ("curve", 0.5), ("gain", 0.5)):
        assert controls.value(name) == value
    for name, value in (("gate", -50.0), ("bpm", 128.0), ("agc", "freeze")):
        assert controls.value(name) == value
    assert controls.number("route/expression/beat/amount") == -0.5
    assert controls.number("route/expression/low/attack") == 0.3


def test_a_setting_may_choose_by_name_or_number():
    assert asked("--set", "face=2").choice("face") == "ben"
    assert asked("--set", "face=ada").choice("face") == "ada"


def test_a_show_with_a_set_list_begins_with_its_first_entry_unless_a_preset_is_named():
    listed = replace(STOCK, entries={"opening": SetEntry("wild"), "end": SetEntry("stage")})
    controls = asked(stock=listed)
    assert (controls.choice("set"), controls.choice("preset")) == ("opening", "wild")
    controls = asked("--preset", "stage", stock=listed)
    assert (controls.choice("set"), controls.choice("preset")) == ("", "stage")
    controls = asked("--set", "set=end", "--set", "gain=3", stock=listed)
    assert (controls.choice("preset"), controls.number("gain")) == ("stage", 3.0)
    with pytest.raises(InputError, match="--set-list"):
        asked("--set", "set=end")
