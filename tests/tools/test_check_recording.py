"""The check of a recording passes what is whole, and nothing else."""

from fractions import Fraction

import pytest

from tests.output.shows import Tap, flat, tone
from tools.check.recording import check, decode
from vjnode.output.base import OutputContext
from vjnode.output.record.output import open_output


def record(path, times):
    tap = Tap()
    output = open_output(str(path), OutputContext(64, Fraction(60), sound=tap))
    tap.hear(tone((times[-1] + 1) / 60), (times[-1] + 1) / 60)
    for n in times:
        output.send(flat((n, n, n)), n / 60)
    output.close()
    return path


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
@pytest.mark.parametrize("length", [60, 133])
def test_a_whole_recording_passes(tmp_path, capsys, suffix, length):
    path = record(tmp_path / f"set{suffix}", range(length))
    assert check(path)
    assert f"{length} frames, 0 dropped" in capsys.readouterr().out


def test_dropped_frames_are_counted(tmp_path):
    path = record(tmp_path / "set.mp4", [n for n in range(90) if n not in {20, 21, 50}])
    found = decode(path)
    assert (found.frames, found.missing) == (87, 3)
    assert found.whole


def without_a_second_of_sound(path):
    import av

    cut = path.with_stem("cut")
    with av.open(str(path)) as file, av.open(str(cut), "w") as out:
        copies = {one: out.add_stream_from_template(one) for one in file.streams}
        for packet in file.demux():
            late = packet.pts is not None and packet.pts * packet.time_base > 1.0
            if packet.dts is None or (packet.stream.type == "audio" and late):
                continue
            packet.stream = copies[packet.stream]
            out.mux(packet)
    return cut


def test_sound_that_breaks_off_is_told(tmp_path, capsys):
    assert not check(without_a_second_of_sound(record(tmp_path / "set.mp4", range(120))))
    assert "picture and sound differ" in capsys.readouterr().out


def test_what_does_not_decode_is_told(tmp_path, capsys):
    path = tmp_path / "set.mp4"
    path.write_bytes(b"not a film" * 1000)
    assert not check(path)
    assert "does not decode" in capsys.readouterr().out
