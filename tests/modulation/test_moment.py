from dataclasses import fields

from vjnode.modulation.moment import Moment

MOMENT = Moment(
    t_s=12.3456789,
    rms_db=-18.56789,
    agc_db=4.123456,
    onsets=3,
    low=0.123456,
    mid=0.2345678,
    high=0.98765,
    bpm=127.98765,
    beat=0.765432,
    bar=0.543219,
    weights=(0.2512345678, 0.5, 0.0, 1.0),
    captured_s=99.9512345678,
)


def test_a_trace_rounds_every_value_and_keeps_its_order():
    assert list(MOMENT.traced().items()) == [
        ("t", 12.345679),
        ("rms_db", -18.568),
        ("agc_db", 4.123),
        ("onsets", 3),
        ("low", 0.1235),
        ("mid", 0.2346),
        ("high", 0.9877),
        ("bpm", 127.988),
        ("beat", 0.7654),
        ("bar", 0.5432),
        ("weight", 0.251235),
        ("weight/2", 0.5),
        ("weight/3", 0.0),
        ("weight/4", 1.0),
    ]
    assert MOMENT.traced(live=True) == {"captured_s": 99.951235}


def test_a_page_gets_fewer_digits_and_no_infinite_number():
    assert list(MOMENT.shown().items()) == [
        ("t_s", 12.346),
        ("level_db", -18.6),
        ("agc_db", 4.1),
        ("onsets", 3),
        ("bpm", 127.99),
        ("beat", 0.765),
        ("bar", 0.543),
        ("weight", 0.2512),
        ("weight/2", 0.5),
        ("weight/3", 0.0),
        ("weight/4", 1.0),
    ]
    assert Moment(rms_db=float("-inf")).shown()["level_db"] == -120.0


def test_every_number_has_its_unit_or_none_and_every_time_its_own():
    units = {x.name: x.metadata["measure"].unit for x in fields(Moment) if x.type is not bool}
    for name, unit in units.items():
        assert (unit == "s") == name.endswith("_s")
        assert unit.startswith("dB") == name.endswith("_db")
