import math
import pickle

import pytest

from vjnode.control.parameter import Firing
from vjnode.control.parameters import PARAMETERS, find
from vjnode.control.state import Controls, Preset, Stock, change
from vjnode.errors import InputError
from vjnode.modulation.matrix import Route, default_routes

STOCK = Stock(
    ["ada", "ben", "chi"],
    ["laugh", "wonder"],
    {
        "club": Preset("club", "chi", "wonder", {"gain": 2.0}),
        "slow": Preset(
            "slow", "ben", "laugh", {"bpm": 90.0, "agc": "off", "route/expression/beat/amount": 0.5}
        ),
    },
)
START = Controls("", "ada", "laugh")
TRIGGERS = [row.name for row in PARAMETERS if row.kind == "trigger"]


def routed(controls, source):
    return next(route for route in controls.routes() if route.source == source)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("face", "ben", "ben"),
        ("face", 3, "chi"),
        ("face", 3.0, "chi"),
        ("face", "2", "ben"),
        ("face", "BEN", "ben"),
        ("expression", "wonder", "wonder"),
        ("gain", 2.5, 2.5),
        ("release", 1.5, 1.5),
        ("gate", -70, -70.0),
        ("agc", "freeze", "freeze"),
        ("agc", 1.0, "off"),
        ("agc", 2, "on"),
        ("bpm", 128, 128.0),
        ("freeze", 1, True),
        ("blackout", 0.25, True),
        ("neutral", True, True),
        ("neutral", 0.0, False),
    ],
)
def test_good_values_are_taken(name, value, expected):
    assert change(START, name, value, STOCK).value(name) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("face", "nobody"),
        ("face", 4),
        ("face", 0),
        ("face", -1),
        ("face", 1.5),
        ("face", True),
        ("face", None),
        ("face", math.nan),
        ("face", b"ada"),
        ("gain", 4.5),
        ("gain", math.nan),
        ("gain", "2"),
        ("agc", "sometimes"),
        ("agc", 4),
        ("preset", "nothing"),
        ("tap", "now"),
        ("freeze", "on"),
        ("blackout", None),
        ("blackout_fade", 31),
        ("nonsense", 1),
        ("routing", {}),
        ("tap_count", 7),
        ("route/expression/beat", 1.0),
    ],
)
def test_bad_values_change_nothing_and_say_why(name, value):
    with pytest.raises(InputError) as caught:
        change(START, name, value, STOCK)
    assert str(caught.value)


def test_a_typing_mistake_gets_the_nearest_name():
    with pytest.raises(InputError, match="did you mean 'laugh'"):
        change(START, "expression", "laugth", STOCK)


def test_kilobytes_of_a_name_are_refused_at_once_and_shortly():
    with pytest.raises(InputError) as caught:
        change(START, "face", "a" * 8000, STOCK)
    assert len(str(caught.value)) < 200


def test_every_parameter_can_be_set_and_read():
    for row in PARAMETERS:
        if row.kind == "float":
            assert START.number(row.name) == row.default
            changed = change(START, row.name, row.high, STOCK)
            assert changed.number(row.name) == row.high
            assert changed != START or row.high == row.default
        elif row.kind == "trigger":
            assert START.fired(row.name) == Firing(0, 0.0)
        elif row.kind == "toggle":
            assert START.is_on(row.name) == row.default
            for value in (0, 1):
                assert change(START, row.name, value, STOCK).is_on(row.name) == value
        else:
            assert isinstance(START.choice(row.name), str)


def test_controls_are_values():
    assert Controls("", "ada", "laugh", gain=2, attack=0.5) == START.with_(attack=0.5, gain=2.0)
    same, other = START.with_(tap=Firing(1, 2.0)), START.with_(tap=Firing(1, 3.0))
    assert {START, same, START.with_(tap=Firing(1, 2.0)), other} == {START, same, other}
    assert START.fired("tap").count == 0
    assert pickle.loads(pickle.dumps(same)) == same  # noqa: S301 - made here
    assert repr(same) == ("Controls(face='ada', expression='laugh', tap=Firing(count=1, at_s=2.0))")


def test_what_is_no_parameter_or_of_another_kind_is_refused():
    for wrong in ({"gian": 1.0}, {"tap_count": 1}):
        with pytest.raises(InputError, match="no parameter"):
            Controls("", "ada", "laugh", **wrong)
        with pytest.raises(InputError, match="no parameter"):
            START.with_(**wrong)
    with pytest.raises(TypeError, match="gain is a float"):
        START.choice("gain")
    with pytest.raises(TypeError, match="freeze is a toggle"):
        START.number("freeze")


def test_two_names_of_one_value_agree():
    for row in PARAMETERS:
        kept = find(row.key)
        assert (kept.key, kept.default, kept.consumer) == (row.key, row.default, row.consumer)


def test_untouched_the_routes_are_the_default_ones():
    assert START.routes() == default_routes()


def test_a_route_is_turned_in_the_matrix_and_short_names_are_part_of_it():
    controls = change(START, "route/expression/beat/amount", 1.0, STOCK)
    controls = change(controls, "route/expression/weight/amount", 0.0, STOCK)
    controls = change(controls, "attack", 0.5, STOCK)
    controls = change(controls, "accent", 0.75, STOCK)
    controls = change(controls, "route/expression/onset/release", 0.5, STOCK)
    assert routed(controls, "beat").amount == 1.0
    assert routed(controls, "weight") == Route("weight", "expression", 0.0, 0.5, 0.05)
    assert routed(controls, "onset") == Route("onset", "expression", 0.75, 0.0, 0.5)
    assert controls.number("accent_decay") == 0.5
    controls = change(controls, "route/expression/weight/attack", 1.0, STOCK)
    assert controls.number("attack") == 1.0
    assert START.routes() == default_routes()


@pytest.mark.parametrize("name", TRIGGERS)
def test_a_trigger_is_counted_with_its_time_when_pressed_and_not_when_let_go(name):
    controls = change(START, name, 1.0, STOCK, now_s=3.5)
    assert change(controls, name, 0.0, STOCK, now_s=4.0) == controls
    controls = change(controls, name, 1, STOCK, now_s=5.0)
    assert controls == START.with_(**{name: Firing(2, 5.0)})


def test_a_preset_sets_everything_at_once():
    club = STOCK.fitted(Controls("club", "chi", "wonder", gain=2.0))
    before = change(START, "route/expression/low/amount", 1.0, STOCK)
    before = change(change(before, "curve", 2.0, STOCK), "accent", 1.0, STOCK)
    assert change(before, "preset", "club", STOCK) == club
    assert change(before, "preset", 1, STOCK) == club


def test_a_preset_does_not_lose_the_tempo_nor_the_room():
    live = START
    for name, value in (
        ("freeze", 1.0),
        ("blackout", 1),
        ("blackout_fade", 4.0),
        ("bpm", 128),
        ("gate", -40),
        ("agc", "freeze"),
        *((t, 1) for t in TRIGGERS),
    ):
        live = change(live, name, value, STOCK, now_s=9.0)
    club = change(live, "preset", "club", STOCK)
    for name, value in (("bpm", 128.0), ("gate", -40.0), ("agc", "freeze"), ("freeze", True)):
        assert club.value(name) == value
    assert (club.is_on("blackout"), club.number("blackout_fade")) == (True, 4.0)
    assert not club.is_on("neutral")
    assert {club.fired(name) for name in TRIGGERS} == {Firing(1, 9.0)}
    slow = change(live, "preset", "slow", STOCK)
    for name, value in (("bpm", 90.0), ("gate", -40.0), ("agc", "off"), ("tap", Firing(1, 9.0))):
        assert slow.value(name) == value
    assert slow.number("route/expression/beat/amount") == 0.5


def test_channels_show_what_drives_them():
    stock = Stock(["ann"], ["laugh", "brows_up", "blink", "turn", "wide"])
    controls = stock.fitted(Controls("", "ann", "laugh"))
    assert controls.expressions() == ("laugh", "brows_up", "blink", "")
    for name, value, expected in (
        ("route/expression/4/lfo/amount", 0.5, ("laugh", "brows_up", "blink", "turn")),
        ("expression/2", "wide", ("laugh", "wide", "blink", "turn")),
        ("channel/2/expression", 2, ("laugh", "brows_up", "blink", "turn")),
        ("channel/3/gain", 0.0, ("laugh", "brows_up", "", "turn")),
        ("expression/2", "none", ("laugh", "", "", "turn")),
        ("route/expression/weight/amount", 0.0, ("laugh", "", "", "turn")),
        ("route/expression/4/lfo/amount", -1.0, ("laugh", "", "", "")),
        ("expression", "none", ("", "", "", "")),
    ):
        controls = change(controls, name, value, stock)
        assert controls.expressions() == expected


def test_what_a_generator_lacks_is_left_out_of_its_channels():
    stock = Stock(["cloud"], ["flow"], {"calm": Preset("calm", "cloud", "flow")})
    controls = stock.fitted(Controls("", "cloud", "flow"))
    assert controls.expressions() == ("flow", "", "", "")
    assert change(controls, "preset", "calm", stock).expressions() == ("flow", "", "", "")
