"""Controls of a controller play the show."""

import random

import pytest

from tests.control.midi.shows import Desk, Show
from vjnode.control.midi.message import TOP
from vjnode.control.parameters import find
from vjnode.errors import InputError

GAIN = '[[control]]\non = "cc 7"\ndo = "gain"\n'


def gain_at(value):
    return find("gain").at(value / TOP)


@pytest.fixture
def desk(tmp_path):
    return lambda text: Desk(tmp_path, text)


class TestTakeOver:
    """Gain is 1, which is half of the way, 63.5 of 127."""

    def test_a_fader_elsewhere_changes_nothing(self, desk):
        one = desk(GAIN)
        assert one.fader(0, 10, 20, 30).number("gain") == 1.0
        assert one.counts.waiting == 4
        assert one.show.done == []

    @pytest.mark.parametrize("way", [(0, 30, 63, 80), (0, 127), (127, 0), (127, 100, 40), (10, 90)])
    def test_it_takes_over_where_it_crosses_however_fast(self, desk, way):
        assert desk(GAIN).fader(*way).number("gain") == pytest.approx(gain_at(way[-1]))

    def test_one_that_comes_close_and_turns_back_does_not(self, desk):
        assert desk(GAIN).fader(0, 60, 20).number("gain") == 1.0

    def test_then_it_is_followed_both_ways(self, desk):
        one = desk(GAIN)
        for value in (0, 80, 10, 127, 0):
            told = one.fader(value).number("gain")
        assert told == 0.0
        assert one.counts.waiting == 1

    def test_a_preset_takes_it_away_until_it_crosses_again(self, desk):
        one = desk(GAIN + '[[control]]\non = "program"\ndo = "preset"\n')
        assert one.fader(0, 127, 100).number("gain") == pytest.approx(gain_at(100))
        assert one.send("C0 00").number("gain") == 0.5  # calm
        assert one.fader(99, 98, 97).number("gain") == 0.5
        assert one.fader(10).number("gain") == pytest.approx(gain_at(10))

    def test_so_does_anything_else_that_changes_the_value(self, desk):
        one = desk(GAIN)
        one.fader(0, 127)
        one.show.controls = one.show.controls.with_(gain=1.0)  # by OSC
        assert one.fader(126, 125).number("gain") == 1.0

    def test_it_can_be_switched_off(self, desk):
        assert desk(GAIN + "takeover = false\n").fader(10).number("gain") == pytest.approx(
            gain_at(10)
        )


class TestFaders:
    def test_the_ends_are_those_of_the_range(self, desk):
        one = desk(GAIN + "range = [0.5, 2.0]\n")
        assert [one.fader(0, 127).number("gain"), one.fader(0).number("gain")] == [2.0, 0.5]

    def test_the_way_is_that_of_the_parameter_or_its_own_curve(self, desk):
        assert desk(GAIN).fader(0, 127, 64).number("gain") == pytest.approx(4 * (64 / 127) ** 2)
        told = desk(GAIN + "curve = 1.0\n").fader(0, 127, 64).number("gain")
        assert told == pytest.approx(4 * 64 / 127)

    def test_it_can_be_turned_round(self, desk):
        one = desk(GAIN + "invert = true\n")
        assert [one.fader(0, 127).number("gain"), one.fader(0).number("gain")] == [0.0, 4.0]

    def test_fourteen_bits_bend_and_nrpn_move_one_too(self, desk):
        one = desk('[[control]]\non = ["cc14 1", "bend", "nrpn 257"]\ndo = "floor"\n')
        assert one.send("B0 01 00", "B0 21 01").number("floor") == pytest.approx(1 / 16383)
        assert one.send("E0 00 00", "E0 7F 7F").number("floor") == 1.0
        nrpn = one.send("B0 63 02", "B0 62 01", "B0 06 7F", "B0 26 7F", "B0 06 40", "B0 26 00")
        assert nrpn.number("floor") == pytest.approx(8192 / 16383)

    def test_one_chooses_by_its_place_and_not_before_that_changes(self, desk):
        one = desk('[[control]]\non = "cc 7"\ndo = "face"\n')
        assert one.fader(127, 126).choice("face") == "aster"
        assert one.fader(40).choice("face") == "birch"
        assert one.fader(127).choice("face") == "dune"
        assert len(one.show.done) == 2


@pytest.mark.parametrize(
    ("encoder", "up", "down"),
    [("twos", "01", "7F"), ("offset", "41", "3F"), ("signed", "01", "41")],
)
class TestEncoders:
    def test_they_move_from_where_the_value_is(self, desk, encoder, up, down):
        one = desk(
            '[[control]]\non = "cc 7"\ndo = "floor"\nmode = "relative"\nstep = 0.1\n'
            f'encoder = "{encoder}"\n'
        )
        one.show.controls = one.show.controls.with_(floor=0.5)
        assert one.send(f"B0 07 {up}").number("floor") == pytest.approx(0.6)
        assert one.send(*[f"B0 07 {down}"] * 3).number("floor") == pytest.approx(0.3)
        assert one.send(*[f"B0 07 {up}"] * 20).number("floor") == 1.0

    def test_they_step_through_choices(self, desk, encoder, up, down):
        one = desk(
            f'[[control]]\non = "cc 7"\ndo = "face"\nmode = "relative"\nencoder = "{encoder}"\n'
        )
        assert one.send(f"B0 07 {up}").choice("face") == "birch"
        assert one.send(f"B0 07 {down}", f"B0 07 {down}").choice("face") == "dune"


def test_a_tempo_that_is_not_set_is_not_turned(desk):
    one = desk('[[control]]\non = "cc 7"\ndo = "bpm"\nmode = "relative"\n')
    with pytest.raises(InputError, match="follow beat_source"):
        one.send("B0 07 01")
    assert one.show.controls.number("bpm") == 0.0


class TestButtons:
    @pytest.mark.parametrize("press", ["90 24 7F", "B0 24 7F"])
    def test_a_toggle_goes_over_at_each_press(self, desk, press):
        one = desk('[[control]]\non = ["note 36", "cc 36"]\ndo = "blackout"\n')
        release = press[:-2] + "00"
        told = [one.send(press, release).is_on("blackout") for _ in range(3)]
        assert told == [True, False, True]

    def test_a_knob_that_trembles_while_pressed_presses_once(self, desk):
        one = desk('[[control]]\non = "cc 7"\ndo = "blackout"\n')
        assert one.fader(0, 70, 90, 127, 100).is_on("blackout")

    def test_a_momentary_one_holds_as_long_as_it_is_held(self, desk):
        one = desk('[[control]]\non = "note 36"\ndo = "blackout"\nmode = "momentary"\n')
        assert one.send("90 24 7F").is_on("blackout")
        assert not one.send("90 24 00").is_on("blackout")

    def test_it_is_let_go_when_the_controller_is_pulled_out(self, desk):
        one = desk('[[control]]\non = "note 36"\ndo = "blackout"\nmode = "momentary"\n')
        one.send("90 24 7F")
        one.player.release()
        assert not one.show.controls.is_on("blackout")

    def test_a_value_while_it_is_held_and_back(self, desk):
        one = desk('[[control]]\non = "note 36"\ndo = "gain"\nmode = "momentary"\nvalue = 4.0\n')
        assert one.send("90 24 7F").number("gain") == 4.0
        assert one.send("90 24 00").number("gain") == 1.0

    def test_triggers_fire_once_at_each_press(self, desk):
        one = desk('[[control]]\non = "note 36"\ndo = "tap"\n')
        assert one.send("90 24 7F", "90 24 00", "90 24 7F", "80 24 40").fired("tap").count == 2

    def test_values_and_names(self, desk):
        one = desk(
            '[[control]]\non = "note 0-3"\ndo = "face"\nvalue = 1\n'
            '[[control]]\non = "note 4"\ndo = "preset/wild"\n'
            '[[control]]\non = "note 5"\ndo = "expression"\nvalue = "none"\n'
            '[[control]]\non = ["note 6", "note 7"]\ndo = ["face/next", "face/previous"]\n'
        )
        assert one.send("90 02 7F", "90 02 00").choice("face") == "clove"
        assert one.send("90 06 7F", "90 06 00").choice("face") == "dune"
        assert one.send("90 07 7F").choice("face") == "clove"
        assert one.send("90 05 7F").choice("expression") == "none"
        assert one.send("90 04 7F").choice("preset") == "wild"

    def test_a_program_recalls_its_preset(self, desk):
        one = desk('[[control]]\non = "program"\ndo = "preset"\n')
        assert one.send("C0 01").choice("preset") == "wild"
        with pytest.raises(InputError, match="no preset number"):
            one.send("C0 7F")
        assert one.show.controls.choice("preset") == "wild"

    def test_velocity_is_a_value_where_that_is_asked_for(self, desk):
        one = desk(
            '[[control]]\non = "note 36"\ndo = "floor"\nmode = "absolute"\ntakeover = false\n'
        )
        assert one.send("90 24 7F").number("floor") == 1.0


LAYERED = (
    GAIN
    + '[[layer]]\nname = "shift"\non = "note 98"\n'
    + '[[control]]\non = "cc 7"\ndo = "floor"\nlayer = "shift"\n'
    + '[[control]]\non = "cc 8"\ndo = "accent"\n'
)


class TestLayers:
    def test_a_held_button_changes_what_a_fader_does(self, desk):
        one = desk(LAYERED)
        told = one.send("90 62 7F", "B0 07 00", "B0 07 20")
        assert (told.number("gain"), told.number("floor")) == (1.0, pytest.approx(32 / 127))

    def test_what_a_layer_does_not_have_goes_on(self, desk):
        assert desk(LAYERED).send("90 62 7F", "B0 08 00", "B0 08 7F").number("accent") == 1.0

    def test_back_in_the_old_layer_the_fader_takes_over_anew(self, desk):
        one = desk(LAYERED)
        assert one.fader(0, 127).number("gain") == 4.0
        one.send("90 62 7F", "B0 07 00", "90 62 00")  # down to the floor's 0, in the layer
        assert one.fader(1, 2, 3).number("gain") == 4.0
        assert one.fader(127, 126).number("gain") == pytest.approx(gain_at(126))

    def test_a_latch_stays(self, desk):
        one = desk(LAYERED.replace('"note 98"', '"note 98"\nlatch = true'))
        one.send("90 62 7F", "90 62 00", "B0 07 00", "B0 07 20")
        assert one.show.controls.number("floor") > 0.0
        one.send("90 62 7F", "90 62 00", "B0 07 7F")
        assert one.show.controls.number("gain") == 4.0


def test_what_is_not_mapped_is_counted(desk):
    one = desk(GAIN)
    one.send("B0 01 10", "90 01 7F", "F8")
    assert one.counts.unmapped == 2


def test_lamps_tell_what_is_on_whoever_switched_it(desk):
    one = desk(
        '[[control]]\non = "note 1"\ndo = "blackout"\nlight = [0, 127]\n'
        '[[control]]\non = "cc 1-2"\ndo = "face"\nvalue = 1\nlight = [1, 5, 7]\n'
        '[[control]]\non = "note 2"\ndo = "preset/WILD"\nlight = [0, 3]\n'
        '[[control]]\non = "note 3"\ndo = "tap"\nlight = [0, 9]\n'
    )

    def lights():
        return {lamp.hex(): on for lamp, on in one.player.lights().items()}

    assert lights() == {"9001": 0, "b601": 5, "b602": 1, "9002": 0, "9003": 0}
    one.show.controls = one.show.controls.with_(blackout=True, face="birch", preset="wild")
    one.send("90 03 7F")
    assert lights() == {"9001": 127, "b601": 1, "b602": 5, "9002": 3, "9003": 9}


def test_a_ring_follows_the_value_and_then_the_hand_takes_over_without_a_jump(desk):
    one = desk('[[control]]\non = "cc 7"\ndo = "floor"\nring = true\n')
    one.show.controls = one.show.controls.with_(floor=0.5)  # by OSC
    assert one.player.lights() == {b"\xb0\x07": 64}
    assert one.fader(65).number("floor") == pytest.approx(65 / 127)


def test_lamps_and_rings_may_have_numbers_of_their_own(desk):
    one = desk(
        '[[control]]\non = "cc 1-2"\ndo = ["floor", "ceiling"]\nring = [1, 13, 1, 9]\n'
        '[[control]]\non = "note 8-9"\ndo = "face"\nvalue = 1\nlight = [0, 1, 1, 0]\n'
    )
    shown = one.player.lights()
    assert {lamp.hex(): on for lamp, on in shown.items()} == {
        "b009": 1,
        "b00a": 13,
        "9000": 1,
        "9001": 0,
    }
    for data in (b"\xb0\x02\x40", b"\x90\x09\x7f"):  # it lights them by itself
        one.player.moved(shown, one.decoder.decode(data))
    assert shown == {b"\xb0\x09": 1, b"\x90\x00": 1}  # these are sent anew


def test_banks_share_lamps_which_show_the_one_that_was_moved_last(desk):
    """A controller that says nothing when its bank is switched is known by what it sends."""
    text = (
        '[[control]]\non = "cc 1"\nbank = "A"\ndo = "floor"\nring = [1, 13, 1, 9]\n'
        '[[control]]\non = "note 1"\nbank = "A"\ndo = "blackout"\nlight = [0, 1, 1, 0]\n'
        '[[control]]\non = "cc 11"\nbank = "B"\ndo = "ceiling"\nring = [1, 13, 1, 9]\n'
        '[[control]]\non = "note 11"\nbank = "B"\ndo = "tap"\nlight = [0, 1, 1, 0]\n'
        '[[control]]\non = "note 2"\ndo = "freeze"\nlight = [0, 1]\n'
    )
    one = desk(text)
    ring, lamp, other = b"\xb0\x09", b"\x90\x00", b"\x90\x02"
    shown = one.player.lights()
    assert shown == {ring: 1, lamp: 0, other: 0}
    for sent, lights, anew in (
        ("90 02 7F", {ring: 1, lamp: 0, other: 1}, {ring, lamp}),  # of no bank
        ("90 0B 7F", {ring: 13, lamp: 1, other: 1}, set()),
        ("80 0B 00", {ring: 13, lamp: 0, other: 1}, {ring, other}),
        ("B0 01 00", {ring: 1, lamp: 0, other: 1}, set()),
    ):
        one.player.moved(shown, one.decoder.decode(bytes.fromhex(sent)))
        one.send(sent)
        assert shown.keys() == anew, sent  # the rest is sent anew
        assert one.player.lights() == lights, sent
        shown = one.player.lights()
    another = desk(text).player
    one.send("B0 0B 7F")
    another.carry_on(one.player)
    assert another.lights()[ring] == 13


def test_what_a_controller_shows_by_itself_is_known(desk):
    one = desk(
        '[[control]]\non = "cc 7"\ndo = "floor"\nring = true\n'
        '[[control]]\non = "note 1"\ndo = "blackout"\nlight = [0, 127]\n'
    )
    shown = one.player.lights()
    for data in (b"\xb0\x07\x28", b"\x80\x01\x00"):
        one.player.moved(shown, one.decoder.decode(data))
    assert shown == {b"\xb0\x07": 40}  # the lamp is sent anew


def test_no_message_does_anything_but_what_is_mapped_and_in_range(desk):
    one, chance = desk(LAYERED + '[[control]]\non = "cc 9"\ndo = "bpm"\n'), random.Random(2)
    before = one.show.controls
    for _ in range(3000):
        status = chance.choice((0x80, 0x90, 0xB0, 0xC0, 0xE0))
        data = bytes([status, chance.choice((7, 8, 9, 98, 99)), chance.randrange(140)])
        one.player.play(one.decoder.decode(data))
    told = dict(one.show.controls.changed().items())
    assert told.keys() - before.changed().keys() <= {"gain", "floor", "accent", "bpm"}
    assert 0.0 <= one.show.controls.number("gain") <= 4.0
    assert 30.0 <= one.show.controls.number("bpm") <= 300.0


def test_two_controllers_of_one_parameter_do_not_fight(tmp_path):
    show = Show()
    left, right = Desk(tmp_path, GAIN, show), Desk(tmp_path, GAIN, show)
    left.fader(0, 127)
    right.fader(0, 20)
    assert show.controls.number("gain") == 4.0
