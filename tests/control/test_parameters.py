import math

import pytest

from vjnode.control.controls import Controls, Preset, Stock, change
from vjnode.errors import InputError

STOCK = Stock(
    ["ada", "ben", "chi"],
    ["laugh", "wonder"],
    {"club": Preset("club", "chi", "wonder", {"gain": 2.0})},
)
START = Controls("", "ada", "laugh")


@pytest.mark.parametrize(
    ("name", "value", "field", "expected"),
    [
        ("face", "ben", "face", "ben"),
        ("face", 2, "face", "chi"),
        ("face", 2.0, "face", "chi"),
        ("face", "1", "face", "ben"),
        ("expression", "wonder", "expression", "wonder"),
        ("gain", 2.5, "gain", 2.5),
        ("gain", 3, "gain", 3.0),
        ("gain", 4.0000002, "gain", 4.0),
        ("release", 1.5, "release", 1.5),
    ],
)
def test_good_values_are_taken(name, value, field, expected):
    assert getattr(change(START, name, value, STOCK), field) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("face", "nobody"),
        ("face", 3),
        ("face", -1),
        ("face", 1.5),
        ("face", True),
        ("face", None),
        ("face", math.nan),
        ("face", b"ada"),
        ("gain", 4.5),
        ("gain", -0.5),
        ("gain", math.nan),
        ("gain", math.inf),
        ("gain", "2"),
        ("gain", True),
        ("preset", "nothing"),
        ("nonsense", 1),
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


def test_a_preset_sets_everything_at_once():
    club = Controls("club", "chi", "wonder", gain=2.0)
    assert change(START, "preset", "club", STOCK) == club
    assert change(START, "preset", 0, STOCK) == club
