from contextlib import closing
from dataclasses import fields, replace

import numpy as np
import pytest

from vjnode.audio.tempo.beat import Beat
from vjnode.control.parameters import PARAMETERS
from vjnode.control.state import Controls, Stock, change
from vjnode.modulation.drive import HITS, Drive
from vjnode.modulation.moment import Moment
from vjnode.output.base import FrameInfo
from vjnode.show.ipc.slot import Slot
from vjnode.show.messages import (
    CONTROLS_BYTES,
    DRIVE_BYTES,
    INFO_BYTES,
    frame_bytes,
    frame_in,
    pack_controls,
    pack_drive,
    pixels_in,
    unpack_controls,
    unpack_drive,
    write_info,
)


def filled(kind, **given):
    """A value whose fields all differ, so that none can be taken for another."""
    for i, field in enumerate(fields(kind)):
        makes = {float: i + 0.1, int: 2**40 + i, str: f"{field.name} ü", bool: True}
        given.setdefault(field.name, makes.get(field.type))
    return kind(**given)


INFO = filled(
    FrameInfo,
    moment=filled(Moment, weights=(0.3, 0.2, 0.1, 0.0)),
    expressions=("laugh ü", "brows_up", "", "turn"),
)


@pytest.mark.parametrize("count", range(HITS + 1))
def test_a_drive_passes_unchanged(count):
    hits = tuple((i / 3, 0.1 * i) for i in range(count))
    drive = filled(Drive, hits=hits, beat=filled(Beat))
    for one in (drive, replace(drive, audible=False, beat=Beat())):
        assert unpack_drive(pack_drive(one)) == one
        assert len(pack_drive(one)) == DRIVE_BYTES


def test_a_drive_comes_out_of_its_slot_as_it_went_in():
    """The slot still holds what was there before: fewer hits must not show older ones."""
    many = filled(Drive, hits=((1.0, 0.1), (2.0, 0.2), (3.0, 0.3)), beat=filled(Beat))
    with closing(Slot(DRIVE_BYTES)) as slot, closing(Slot(DRIVE_BYTES, name=slot.name)) as far:
        for drive in (many, many, many, many, replace(many, hits=((4.0, 0.0),))):
            slot.write(pack_drive(drive))
            assert unpack_drive(far.read()) == drive


def test_controls_pass_unchanged():
    controls = Controls("stage", "a" * 60, "laugh", gain=0.1)
    assert unpack_controls(pack_controls(controls)) == controls


def test_controls_fit_whatever_has_been_turned():
    stock = Stock(["ä" * 80], ["laugh"])
    controls = Controls("ö" * 80, "ä" * 80, "laugh")
    for row in PARAMETERS:
        if row.kind == "float":
            value = row.low + (row.high - row.low) * 0.123456789012345
            controls = change(controls, row.name, value, stock)
        elif row.kind in ("toggle", "trigger"):
            controls = change(controls, row.name, 1, stock, now_s=123456.7890123)
    assert unpack_controls(pack_controls(controls)) == controls
    # Room for longer names, too.
    assert len(pack_controls(controls)) < CONTROLS_BYTES / 2


def test_a_frame_lies_in_its_memory():
    memory = np.full(frame_bytes(4), 255, np.uint8)
    pixels_in(memory, 4)[:] = 9
    write_info(INFO, memory)
    frame = frame_in(memory, 4)
    assert frame.info == INFO
    assert frame.pixels.shape == (4, 4, 4)
    assert (frame.pixels == 9).all()


@pytest.mark.parametrize("letter", ["顔", "🎭", '"', "\x01", "a", "\udcff"])
def test_the_longest_names_stay_off_the_picture_and_are_cut_between_characters(letter):
    """File names may have 255 bytes, and JSON may need more for them."""
    long = dict.fromkeys(("preset", "face", "engine"), letter * 255)
    memory = np.full(frame_bytes(4), 9, np.uint8)
    write_info(replace(INFO, **long), memory)
    frame = frame_in(memory, 4)
    assert (frame.pixels == 9).all()
    for name in long:
        cut = getattr(frame.info, name)
        assert set(cut) == {letter.encode(errors="replace").decode()}
        assert len(cut) >= 10
    assert replace(frame.info, **long) == replace(INFO, **long)


def test_particulars_that_cannot_be_read_leave_the_last_good_ones():
    memory = np.zeros(frame_bytes(4), np.uint8)
    for broken in (b"{", b"\xff\xfe", b"[]", b'{"frame": 1}', b'{"moment": 1}'):
        memory[:INFO_BYTES] = 0
        memory[: len(broken)] = np.frombuffer(broken, np.uint8)
        assert frame_in(memory, 4, INFO).info == INFO
        assert frame_in(memory, 4).info.face == ""
