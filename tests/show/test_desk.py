import threading
from contextlib import closing

import pytest

from vjnode.control.state import Controls, Stock
from vjnode.errors import InputError
from vjnode.show.desk import Desk
from vjnode.show.links import CONTROLS_BYTES, unpack_controls
from vjnode.show.slot import Slot

STOCK = Stock(["ada"], ["laugh"])


@pytest.fixture
def desk_and_reader():
    with (
        closing(Slot(CONTROLS_BYTES)) as slot,
        closing(Slot(CONTROLS_BYTES, name=slot.name)) as far,
    ):
        yield Desk(Controls("", "ada", "laugh"), STOCK, slot, clock=lambda: 7.0), far


def test_what_is_turned_arrives(desk_and_reader):
    desk, reader = desk_and_reader
    assert unpack_controls(reader.read()) == Controls("", "ada", "laugh")
    desk.set_parameter("gate", -50)
    desk.set_parameter("route/expression/beat/amount", 1.0)
    assert unpack_controls(reader.read()) == desk.controls
    with pytest.raises(InputError):
        desk.set_parameter("gate", 0.0)
    assert reader.read() is None


def test_no_press_is_lost_on_a_reader_that_looks_rarely(desk_and_reader):
    desk, reader = desk_and_reader

    def press():
        for _ in range(200):
            desk.set_parameter("tap", 1.0)
            desk.set_parameter("tap", 0.0)

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    newest = unpack_controls(reader.read())
    assert (newest.tap_count, newest.tap_s) == (800, 7.0)
