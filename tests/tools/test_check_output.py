"""The test pattern reaches an output in the same way as a show's frames."""

import platform

import pytest

from tests.output import fake_spout, fake_syphon
from tools.check.output import main
from vjnode.output.test_pattern import BARS, bar_centre


def test_it_says_what_to_see_and_how_it_goes(capsys):
    assert main(["null,size=32", "--seconds", "1.3", "--size", "64", "--fps", "30"]) == 0
    told = capsys.readouterr().out
    assert "null,size=32: 32 px, 30 frames/s" in told
    assert "white, yellow, cyan" in told
    (line,) = (one for one in told.splitlines() if "late" in one)
    assert 1 <= int(line.split()[0]) <= 40


@pytest.mark.parametrize(("kind", "stand_in"), [("spout", fake_spout), ("syphon", fake_syphon)])
def test_the_pattern_arrives_as_it_is(kind, stand_in, capsys):
    with stand_in.installed() as machine:
        machine.clients = 1
        assert main([f"{kind}:Card", "--seconds", "0.2", "--size", "64"]) == 0
        (sender,) = machine.closed
        for index, (_, rgb) in enumerate(BARS):
            x, y = bar_centre(index, 64)
            assert tuple(sender.picture[y, x]) == (*rgb, 255)
    told = capsys.readouterr().out
    assert f"{kind}:Card: 64 px, 60 frames/s, se" in told
    assert "Resolume" in told


@pytest.mark.parametrize(
    ("output", "part"),
    [("spout", "Spout is for Windows"), ("spuot", "unknown output"), ("null,fps=0", "1 to 240")],
)
def test_what_cannot_be_checked_is_told(output, part, capsys, monkeypatch):
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    assert main([output]) in {1, 2}
    assert part in capsys.readouterr().err
