import math

import pytest

from vjnode.control import parameters
from vjnode.control.osc_validation import check_datagram
from vjnode.control.parameter import fires, number_in_range
from vjnode.control.parameters import BY_NAME, PARAMETERS, find
from vjnode.control.rows import route_rows
from vjnode.errors import InputError
from vjnode.modulation.matrix import CHANNELS, SOURCES
from vjnode.output.overrides import NEUTRAL_FADE_S


def test_names_and_addresses_are_unique_and_every_default_is_allowed():
    made = (
        *(parameters._NAMED, parameters._send_rows()),
        *(parameters._channel_rows(), route_rows()),
    )
    declared = [row.name for rows in made for row in rows]
    assert list(BY_NAME) == declared
    for row in PARAMETERS:
        assert row.about
        assert row.kind in ("choice", "float", "toggle", "trigger")
        assert row.consumer in ("hearing", "frame", "output", "control")
        if row.kind == "float":
            assert number_in_range(row, row.default) == row.default
        if row.choices:
            assert row.default in row.choices


def test_smoothing_is_what_the_outputs_do():
    smoothed = {row.name: row.smoothing_s for row in PARAMETERS if row.smoothing_s}
    assert smoothed == {"neutral": NEUTRAL_FADE_S}


def test_every_source_has_a_route_to_every_channel():
    for channel in CHANNELS:
        for source in SOURCES:
            for part in ("amount", "attack", "release"):
                assert find(f"route/{channel}/{source}/{part}").kind == "float"


@pytest.mark.parametrize("row", PARAMETERS, ids=lambda row: row.name)
def test_every_address_passes_the_datagram_check(row):
    address = row.address.encode() + b"\0"
    check_datagram(address + b"\0" * (-len(address) % 4) + b",f\0\0\x3f\x80\0\0")


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("gain", 2.5, 2.5),
        ("gain", 3, 3.0),
        ("gain", 4.0000002, 4.0),
        ("floor", -0.0000001, 0.0),
        ("gate", -72.5, -72.5),
        ("bpm", 0, 0.0),
        ("bpm", 0.0, 0.0),
        ("bpm", 30, 30.0),
        ("bpm", 174.5, 174.5),
        ("route/expression/beat/amount", -1.0, -1.0),
    ],
)
def test_numbers_in_range_are_taken(name, value, expected):
    assert number_in_range(find(name), value) == expected


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("gain", 4.5, "from 0 to 4"),
        ("gain", -0.5, "from 0 to 4"),
        ("gain", math.nan, "nan"),
        ("gain", math.inf, "inf"),
        ("gain", "2", "'2'"),
        ("gain", True, "True"),
        ("gate", -10.0, "from -90 to -20 dBFS"),
        ("curve", 0.0, "from 0.25 to 4"),
        ("bpm", 20.0, "from 30 to 300 BPM, or 0 .follow beat_source"),
        ("bpm", -1.0, "from 30 to 300 BPM"),
        ("route/expression/lfo/amount", 2.5, "from -1 to 2"),
    ],
)
def test_others_are_refused_with_value_and_limit(name, value, words):
    with pytest.raises(InputError, match=words):
        number_in_range(find(name), value)


@pytest.mark.parametrize("value", [1, 1.0, 127, -1, True, 0.001])
def test_a_press_fires(value):
    assert fires(find("tap"), value)
    assert fires(find("blackout"), value)


@pytest.mark.parametrize("value", [0, 0.0, False, math.nan])
def test_letting_go_does_not(value):
    assert not fires(find("tap"), value)


def test_a_trigger_that_gets_no_number_is_refused():
    for value in ("1", None, b"1"):
        with pytest.raises(InputError, match="any number but 0"):
            fires(find("tap"), value)


def test_an_unknown_name_gets_the_list_and_for_routes_what_they_are_made_of():
    with pytest.raises(
        InputError,
        match=r"face, expression, .*preset.*lfo_beats.*, neutral, channel/N/.*route/CHANNEL",
    ):
        find("nonsense")
    with pytest.raises(
        InputError, match=r"channels: expression, expression/2, .*; sources: weight, onset"
    ):
        find("route/expression/bass/amount")
    with pytest.raises(InputError) as caught:
        find("x" * 8000)
    assert len(str(caught.value)) < 600
