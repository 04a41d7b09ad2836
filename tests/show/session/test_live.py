"""A real show is recorded, its engine is killed meanwhile, and it is played again."""

import os
import signal

import pytest
from pythonosc.udp_client import SimpleUDPClient

from tests.events import wait_for
from tests.show.process import free_port, read_trace, shows_in, vjnode
from vjnode.show.session.reader import open_session

pytestmark = pytest.mark.slow


def gain_of_last(path):
    """Return the gain of the last tick in a session that is still being written."""
    return list(open_session(path).ticks())[-1].controls.number("gain")


@pytest.mark.skipif(os.name != "posix", reason="children are found by Linux's way")
def test_a_show_goes_on_in_its_session_and_comes_again(tmp_path):
    path, trace = tmp_path / "set.vjsession", tmp_path / "replay.jsonl"
    with shows_in(tmp_path) as start:
        show = start(
            *("--audio", "demo", "--output", "null", "--fps", 20, "--face", "aster"),
            *("--record-session", path),
        )
        show.wait_until_live()
        os.kill(show.children()["engine"], signal.SIGKILL)
        show.wait_for_log("engine is back")
        wait_for(lambda: open_session(path).ticks_count > 50, lambda: show.log)
        SimpleUDPClient("127.0.0.1", show.port).send_message("/vjnode/gain", 2.5)
        wait_for(lambda: gain_of_last(path) == 2.5, lambda: show.log)
        assert show.end()[0] == 0, show.log
        told = show.trace()
    session = open_session(path)
    ticks = list(session.ticks())
    assert len({id(tick.header) for tick in ticks}) == 2  # both engines told what they drew
    assert {tick.controls.number("gain") for tick in ticks} == {1.0, 2.5}
    assert sum(len(tick.drives) for tick in ticks) > 0.3 * len(ticks)
    done = vjnode(
        *("replay", path, "--output", "null", "--trace", trace),
        *("--osc", f"127.0.0.1:{free_port()}"),
    )
    assert done.returncode == 0, done.stderr
    played = read_trace(trace)
    assert {line["gain"] for line in played} == {1.0, 2.5}
    assert max(line["onsets"] for line in played) == max(
        tick.drives[-1].onsets for tick in ticks if tick.drives
    )
    loudest = [max(line["weight"] for line in lines) for lines in (told, played)]
    assert abs(loudest[0] - loudest[1]) < 0.3
