"""What an output says of itself outlives its process."""

from types import SimpleNamespace

import pytest

from vjnode.show.output_stage import ABOUT_BYTES, ABOUT_S, Teller
from vjnode.show.slot import Slot


@pytest.fixture
def slot():
    slot = Slot(ABOUT_BYTES)
    yield slot
    slot.close()


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
