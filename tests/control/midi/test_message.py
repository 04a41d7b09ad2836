"""Every kind of message, byte by byte."""

import random

import pytest

from vjnode.control.midi.message import Decoder, Source, steps


def decoded(*messages):
    decoder = Decoder()
    return [event for one in messages for event in decoder.decode(bytes.fromhex(one))]


@pytest.mark.parametrize(
    ("message", "source", "way", "raw"),
    [
        ("90 3C 7F", Source("note", 1, 60), 1.0, 127),
        ("9F 3C 01", Source("note", 16, 60), 1 / 127, 1),
        ("90 3C 00", Source("note", 1, 60), 0.0, 0),
        ("80 3C 40", Source("note", 1, 60), 0.0, 0),
        ("A2 3C 7F", Source("key_pressure", 3, 60), 1.0, 127),
        ("B0 46 7F", Source("cc", 1, 70), 1.0, 127),
        ("C0 05", Source("program", 1), 1.0, 5),
        ("D0 7F", Source("pressure", 1), 1.0, 127),
        ("E0 7F 7F", Source("bend", 1), 1.0, 16383),
        ("E8 00 00", Source("bend", 9), 0.0, 0),
        ("E0 01 40", Source("bend", 1), 8193 / 16383, 8193),
    ],
)
def test_a_message_is_one_event(message, source, way, raw):
    (event,) = decoded(message)
    assert (event.source, event.way, event.raw) == (source, pytest.approx(way), raw)


@pytest.mark.parametrize(
    "message",
    [
        "",
        "F8",
        "FE",
        "F0 7E 7F F7",
        "F2 00 01",
        "90",
        "90 3C",
        "90 3C 80",
        "90 3C 7F 00",
        "C0 01 02",
        "3C 7F",
    ],
)
def test_what_is_no_control_or_broken_is_nothing(message):
    assert decoded(message) == []


def test_no_bytes_raise():
    chance, decoder = random.Random(1), Decoder()
    for _ in range(5000):
        for event in decoder.decode(chance.randbytes(chance.randrange(5))):
            assert 0.0 <= event.way <= 1.0


def ways(kind, *messages):
    return [event.way for event in decoded(*messages) if event.source.kind == kind]


def test_fourteen_bits_are_put_together():
    ends = ways("cc14", "B0 01 00", "B0 21 00", "B0 01 7F", "B0 21 7F")
    assert (ends[1], ends[-1]) == (0.0, 1.0)
    assert ways("cc14", "B0 01 05", "B0 21 64")[-1] == pytest.approx((5 * 128 + 100) / 16383)


def test_the_lower_half_alone_moves_on_and_the_same_upper_half_does_not_move_back():
    told = ways("cc14", "B0 01 05", "B0 21 64", "B0 01 05", "B0 21 65")
    assert told[1:] == pytest.approx([740 / 16383, 741 / 16383])


def test_an_upper_half_alone_reaches_the_top():
    assert ways("cc14", "B0 01 7F") == [1.0]
    assert ways("nrpn", "B0 63 02", "B0 62 01", "B0 06 7F") == [1.0]


def test_a_lower_half_without_an_upper_is_only_a_control_change():
    assert [event.source.kind for event in decoded("B0 21 64")] == ["cc"]


def test_nrpn():
    select = ("B0 63 02", "B0 62 01")
    *_, event = decoded(*select, "B0 06 7F", "B0 26 7F")
    assert (event.source, event.way) == (Source("nrpn", 1, 257), 1.0)
    assert ways("nrpn", *select, "B1 06 7F") == []  # another channel's
    assert ways("nrpn", *select, "B0 65 00", "B0 06 7F") == []  # an RPN was selected
    assert ways("nrpn", "B0 63 7F", "B0 62 7F", "B0 06 7F") == []  # none is selected
    assert ways("nrpn", "B0 63 02", "B0 06 7F") == []  # half a number


@pytest.mark.parametrize(
    ("encoder", "up", "up_two", "down", "down_two"),
    [("twos", 1, 2, 127, 126), ("offset", 65, 66, 63, 62), ("signed", 1, 2, 65, 66)],
)
def test_dialects_of_encoders(encoder, up, up_two, down, down_two):
    assert [steps(encoder, raw) for raw in (up, up_two, down, down_two)] == [1, 2, -1, -2]
