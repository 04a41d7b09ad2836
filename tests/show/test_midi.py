"""A controller plays a whole show and gives it the beat, and its counts stand in the report."""

import os
import time

from tests.control.midi.plugs import STAND_IN, Plugs
from tests.events import wait_for
from tests.show.process import ROOT, shows_in


def test_a_controller_plays_a_show(tmp_path):
    ports, own = tmp_path / "ports", tmp_path / "config"
    ports.mkdir()
    (own / "vjnode" / "midi").mkdir(parents=True)
    plugs = Plugs(ports)
    plugs.plug("nanoKONTROL2 CTRL 20:0")
    env = {
        "PYTHONPATH": os.pathsep.join([STAND_IN, str(ROOT)]),
        "FAKE_MIDI": str(ports),
        "XDG_CONFIG_HOME": str(own),
    }
    with shows_in(tmp_path) as begin:
        show = begin(
            *("--midi", "--audio", "demo", "--size", 256, "--fps", 30, "--output", "null"),
            *("--set", "beat_source=midi"),
            env=env,
        )
        show.wait_until_live()
        wait_for(lambda: "nanoKONTROL2 CTRL plays" in show.log)
        plugs.send("nanoKONTROL2 CTRL 20:0", "B0 07 40")  # the last has yet to cross
        for value in (0, 127):  # the first slider crosses the gain
            plugs.send("nanoKONTROL2 CTRL 20:0", f"B0 00 {value:02X}")
        wait_for(lambda: '"gain": 4.0' in show.trace_path.read_text())

        def pulse():
            time.sleep(0.02)
            plugs.send("nanoKONTROL2 CTRL 20:0", "F8")
            return "the beat follows the MIDI clock" in show.log

        wait_for(pulse)
        assert show.end()[0] == 0
    told = show.report()["midi"]
    assert (told["received"], told["waiting"], told["rejected"], told["opened"]) == (3, 2, 0, 1)
    assert told["clock"] >= 24
