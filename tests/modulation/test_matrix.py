import math

import numpy as np
import pytest

from vjnode.errors import InputError
from vjnode.modulation.matrix import (
    CHANNELS,
    SOURCES,
    Envelope,
    Mixer,
    Route,
    SourceValues,
    default_route,
    default_routes,
)
from vjnode.modulation.modulators import Hit


def route(source, amount=1.0, attack_s=0.0, release_s=0.0):
    return Route(source, "expression", amount, attack_s, release_s)


def expression(mixer, sources, dt_s=0.016, **more):
    return mixer.step(sources, dt_s, **more)["expression"]


def test_as_it_comes_the_expression_follows_the_weight_with_accents():
    assert default_route("weight", "expression") == route("weight", 1.0, 0.0, 0.05)
    assert default_route("onset", "expression") == route("onset", 0.2, 0.0, 0.12)
    assert len(default_routes()) == len(CHANNELS) * len(SOURCES)
    driven = {(one.channel, one.source) for one in default_routes() if one.amount}
    assert driven == {
        ("expression", "weight"),
        ("expression", "onset"),
        ("expression/2", "onset"),
        ("expression/3", "blink"),
    }
    mixer = Mixer()
    for _ in range(600):
        value = expression(mixer, SourceValues(weight=0.5, beat=1.0, low=1.0))
    assert value == pytest.approx(0.5)
    assert expression(mixer, SourceValues(weight=0.5, hits=(Hit(0.0, 1.0),))) == pytest.approx(
        0.7, abs=0.02
    )


@pytest.mark.parametrize("source", [one for one in SOURCES if one not in ("onset", "constant")])
def test_every_source_can_drive_alone(source):
    mixer = Mixer([route(source, 0.5)])
    assert expression(mixer, SourceValues(**{source: 0.8})) == pytest.approx(0.4)
    assert expression(mixer, SourceValues()) == 0.0


def test_constant_is_always_there_and_a_negative_amount_takes_away():
    mixer = Mixer([route("constant", 0.75), route("weight", -1.0)])
    assert expression(mixer, SourceValues()) == 0.75
    assert expression(mixer, SourceValues(weight=0.5)) == 0.25
    assert expression(mixer, SourceValues(weight=1.0)) == 0.0


def test_the_beat_drives_instead_of_the_weight_or_with_it():
    sources = SourceValues(weight=0.3, beat=0.5)
    instead = Mixer([route("weight", 0.0), route("beat", 1.0)])
    assert expression(instead, sources) == 0.5
    together = Mixer([route("weight", 1.0), route("beat", 1.0)])
    assert expression(together, sources) == pytest.approx(0.7, abs=0.05)


def test_a_sum_finds_its_place_below_one():
    mixer = Mixer([route("weight", 1.0), route("low", 1.0)])
    levels = np.linspace(0.0, 1.0, 101)
    found = [expression(mixer, SourceValues(weight=level, low=level)) for level in levels]
    assert found[10] == pytest.approx(0.2, abs=0.01)
    assert (np.diff(found) > 0.0).all()
    assert found[-1] == 1.0
    assert expression(mixer, SourceValues(weight=1.0, low=1.0), gain=0.0) == 0.0


def test_what_can_never_pass_one_is_a_plain_sum():
    mixer = Mixer([route("weight", 0.6), route("low", 0.3), route("constant", 0.1)])
    assert expression(mixer, SourceValues(weight=0.9, low=0.8)) == pytest.approx(0.88)


def test_nothing_jumps_where_another_part_becomes_the_greatest():
    mixer = Mixer([route("weight", 1.0), route("low", 0.5), route("onset", 0.0)])
    levels = np.linspace(0.2, 0.8, 601)
    found = [expression(mixer, SourceValues(weight=level, low=0.9)) for level in levels]
    assert np.diff(found).min() >= 0.0
    assert np.diff(found).max() < 0.002


@pytest.mark.parametrize("gain", [1.3, 2.0, 4.0])
def test_what_is_amplified_has_a_soft_knee(gain):
    mixer = Mixer([route("weight")])
    levels = np.linspace(0.0, 1.0, 101)
    found = [expression(mixer, SourceValues(weight=level), gain=gain) for level in levels]
    assert found[10] == pytest.approx(0.1 * gain)
    assert (np.diff(found) > 0.0).all()
    assert found[-1] == 1.0


def test_an_accent_on_the_most_intense_music_is_still_seen():
    mixer = Mixer()
    for _ in range(600):
        before = expression(mixer, SourceValues(weight=0.9))
    assert before == pytest.approx(0.9)
    assert 0.96 < expression(mixer, SourceValues(weight=0.9, hits=(Hit(0.0, 0.8),))) < 1.0


@pytest.mark.parametrize("source", ["weight", "constant"])
def test_one_source_alone_reaches_the_whole_expression(source):
    mixer = Mixer([route("onset", 0.5), route("beat", 0.5), route(source)])
    assert expression(mixer, SourceValues(weight=1.0)) == 1.0


def test_each_route_has_its_own_times_at_any_frame_rate():
    routes = [route("weight", 0.5, 0.1, 0.4), route("low", 0.5, 0.02, 0.0)]
    for fps in (25, 60, 240):
        mixer = Mixer(routes)
        for _ in range(fps // 5):
            value = expression(mixer, SourceValues(weight=1.0, low=1.0), 1 / fps)
        end = 0.5 * (1 - math.exp(-2)) + 0.5 * (1 - math.exp(-10))
        assert value == pytest.approx(end)
    assert expression(mixer, SourceValues(), 0.4) == pytest.approx(
        0.5 * (1 - math.exp(-2)) * math.exp(-1)
    )


def test_turning_up_an_amount_does_not_begin_with_a_swell():
    mixer = Mixer([route("low", 0.0, 1.0, 1.0)])
    for _ in range(1000):
        expression(mixer, SourceValues(low=0.6))
    mixer.use([route("low", 1.0, 1.0, 1.0)])
    assert expression(mixer, SourceValues(low=0.6)) == pytest.approx(0.6)


def test_a_rise_is_90_percent_done_50_ms_after_a_hit():
    """With the default routes: the accent is there at once, the weight follows quickly."""
    mixer, values = Mixer(), []
    for frame in range(240):
        hits = (Hit(0.0, 1.0),) if frame == 60 else ()
        values.append(
            expression(mixer, SourceValues(0.9 if frame >= 60 else 0.1, hits=hits), 1 / 60)
        )
    rise = (np.array(values) - values[59]) / (max(values) - values[59])
    assert rise[60 + 3] > 0.9


def test_calming_hurries_what_is_of_sound_and_nothing_else():
    def left(source, calming):
        mixer = Mixer([route(source, 1.0, 0.0, 0.4)])
        expression(mixer, SourceValues(**{source: 1.0}))
        return expression(mixer, SourceValues(), 0.1, calming=calming)

    for source in ("weight", "low", "mid", "high"):
        assert left(source, 1.0) == pytest.approx(math.exp(-0.25))
        assert left(source, 4.0) == pytest.approx(math.exp(-1.0))
    for source in ("beat", "lfo"):
        assert left(source, 4.0) == left(source, 1.0)
    mixer = Mixer([route("onset", 1.0, 0.0, 0.4)])
    expression(mixer, SourceValues(hits=(Hit(0.0, 1.0),)))
    assert expression(mixer, SourceValues(), 0.1, calming=4.0) == pytest.approx(math.exp(-1.0))


def test_one_bad_value_is_forgotten():
    mixer = Mixer()
    expression(mixer, SourceValues(weight=math.nan, low=math.inf))
    for _ in range(600):
        value = expression(mixer, SourceValues(weight=0.5))
    assert value == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"source": "bass"}, "there are: weight, onset"),
        ({"channel": "ears"}, "there are: expression"),
        ({"amount": 2.5}, "-1 to 2"),
        ({"amount": math.nan}, "-1 to 2"),
        ({"attack_s": -1.0}, "0 s or more"),
        ({"release_s": math.inf}, "0 s or more"),
    ],
)
def test_a_route_that_cannot_be_is_refused(changed, words):
    good = {"source": "low", "channel": "expression", "amount": 1, "attack_s": 0, "release_s": 0}
    with pytest.raises(InputError, match=words):
        Route(**{**good, **changed})


def test_a_channel_has_a_gain_and_an_envelope_of_its_own():
    mixer = Mixer()
    routes = [Route("weight", channel, 0.5, 0.0, 0.0) for channel in CHANNELS]
    mixer.use(routes, {"expression/2": Envelope(gain=2.0), "expression/3": Envelope(release_s=1.0)})
    values = mixer.step(SourceValues(weight=0.5), 0.016)
    assert values == pytest.approx(dict(zip(CHANNELS, (0.25, 0.5, 0.25, 0.25), strict=True)))
    values = mixer.step(SourceValues(), 1.0)
    assert values["expression"] == values["expression/2"] == 0.0
    assert values["expression/3"] == pytest.approx(0.25 / math.e)


def test_gain_does_not_act_on_blinks():
    mixer = Mixer()
    still = mixer.step(SourceValues(weight=1.0, blink=1.0), 0.016, gain=0.0)
    assert (still["expression"], still["expression/3"]) == (0.0, 1.0)
