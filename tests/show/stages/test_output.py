"""An output's account of itself outlives its process; the age of its picture."""

from types import SimpleNamespace

import pytest

from tests.output.shows import hearing
from vjnode.output.base import UNKNOWN
from vjnode.show.ipc.slot import Slot
from vjnode.show.stages.output import ABOUT_BYTES, ABOUT_S, SOUND_GONE_S, OnScreen, Teller


@pytest.fixture
def slot():
    slot = Slot(ABOUT_BYTES)
    yield slot
    slot.close()


def heard_at(captured_s):
    return hearing(UNKNOWN, captured_s=captured_s)


def test_a_picture_ages_while_it_is_shown_again_even_if_the_engine_has_gone():
    on_screen = OnScreen()
    for sent_s, fresh in ((10.03, True), (10.05, False), (11.5, False)):
        captured_s = on_screen.captured_s(heard_at(10.0), sent_s, fresh=fresh, held=False)
        assert captured_s == 10.0


def test_what_is_drawn_after_the_sound_has_gone_has_no_age():
    on_screen = OnScreen()
    assert on_screen.captured_s(heard_at(0.0), 10.0, fresh=True, held=False) is None
    assert on_screen.captured_s(heard_at(10.0), 10.0 + SOUND_GONE_S, fresh=True, held=False) is None
    assert on_screen.captured_s(heard_at(10.0), 10.4, fresh=False, held=False) is None


def test_what_is_held_on_purpose_has_no_age_until_it_is_let_go():
    on_screen = OnScreen()
    assert on_screen.captured_s(heard_at(10.0), 10.03, fresh=True, held=True) is None
    assert on_screen.captured_s(heard_at(10.0), 10.05, fresh=False, held=False) == 10.0


def saying(**what):
    return SimpleNamespace(about=lambda: what)


def test_what_it_said_last_is_known_to_the_process_that_follows(slot):
    teller = Teller(Slot(ABOUT_BYTES, name=slot.name))
    assert teller.before == {}
    teller.tell(saying(display="0 (DELL)"), 10.0)
    teller.tell(saying(display="1 (EPSON)"), 10.0 + ABOUT_S)
    slot.read()  # the report has been asked for meanwhile
    assert Teller(Slot(ABOUT_BYTES, name=slot.name)).before == {"display": "1 (EPSON)"}


def test_of_an_output_that_says_nothing_nothing_is_told(slot):
    Teller(Slot(ABOUT_BYTES, name=slot.name)).tell(SimpleNamespace(), 10.0)
    assert Teller(Slot(ABOUT_BYTES, name=slot.name)).before == {}
