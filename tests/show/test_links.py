import numpy as np

from vjnode.control.controls import Controls, Stock, change
from vjnode.control.parameters import PARAMETERS
from vjnode.drive.drive import Drive
from vjnode.output.base import FrameInfo
from vjnode.show.links import (
    CONTROLS_BYTES,
    DRIVE_BYTES,
    frame_bytes,
    frame_in,
    pack_controls,
    pack_drive,
    pixels_in,
    unpack_controls,
    unpack_drive,
    write_info,
)

INFO = FrameInfo(7, 1.5, 2.5, -12.0, 3, 0.4, 1.0, "ada", "laugh", "", "openvino f32", 3, 64)


def test_values_pass_unchanged():
    drive = Drive(1.0, 2.0, -30.0, 2**40, 0.25)
    controls = Controls("stage", "a" * 60, "laugh", gain=0.1)
    assert unpack_drive(pack_drive(drive)) == drive
    assert len(pack_drive(drive)) == DRIVE_BYTES
    assert unpack_controls(pack_controls(controls)) == controls


def test_controls_fit_whatever_has_been_turned():
    stock = Stock(["ä" * 80], ["laugh"])
    controls = Controls("ö" * 80, "ä" * 80, "laugh")
    for row in PARAMETERS:
        if row.kind == "float":
            value = row.low + (row.high - row.low) * 0.123456789012345
            controls = change(controls, row.name, value, stock)
        elif row.kind == "trigger":
            controls = change(controls, row.name, 1, stock, now_s=123456.7890123)
    assert unpack_controls(pack_controls(controls)) == controls
    # Room for three more channels, with every number of theirs written out.
    assert len(pack_controls(controls)) < CONTROLS_BYTES / 4


def test_a_frame_lies_in_its_memory():
    memory = np.full(frame_bytes(4), 255, np.uint8)
    pixels_in(memory, 4)[:] = 9
    write_info(INFO, memory)
    frame = frame_in(memory, 4)
    assert frame.info == INFO
    assert frame.pixels.shape == (4, 4, 4)
    assert (frame.pixels == 9).all()
