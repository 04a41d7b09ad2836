"""Real shows under attack: whichever process falls, the outputs go on and it is back soon."""

import itertools
import os
import signal
import time
from contextlib import suppress

import av
import numpy as np
import pytest
from pythonosc.udp_client import SimpleUDPClient

from tests.events import HANG_S, wait_for
from tests.live.attacks import Sizes, check_flat, gaps, hit, late
from tests.live.fairness import Miss, play_fairly

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

STAGE_MIB, ENGINE_MIB = 12, 48

STALL_S = 2.0
"""Length of a stall; an engine that is still for longer than three seconds is taken for hung."""


@pytest.fixture
def exposed(tmp_path, watched):
    """The outputs to attack, by their names in the process list: all that can be had here.

    Without a window: on a machine that draws one without a card it takes both cores by itself.
    """
    return [f"record:{tmp_path / 'show.mp4'}", *watched]


def test_whatever_falls_the_others_go_on_and_it_is_back_soon(start, exposed):
    outputs = [part for one in exposed for part in ("--output", one)]
    stages = ("audio", "engine", *exposed)
    attacks = list(itertools.product((signal.SIGKILL, signal.SIGSTOP), stages))

    def scenario():
        # With memory for one sweep, so that the engine is not still gathering others.
        arguments = ("--audio", "tone", "--sweep-memory", 16, "--output", "null", *outputs)
        show, misses = start(*arguments), []
        sizes = Sizes(show)
        first_s = None
        for number, stage in attacks:
            wait_for(lambda: "spare" in show.children(), lambda: show.log)
            time.sleep(0.5)
            sizes.look()
            first_s = first_s or time.monotonic()
            misses += hit(show, stage, number)
        time.sleep(1.5)
        sizes.look()
        assert show.end()[0] == 0, show.log
        report = show.report()
        check_told(report, attacks)
        faults = sum(one["faults"] for one in report["incidents"])
        if faults > len(attacks):
            what = f"{faults} faults of {len(attacks)} attacks: {report['incidents']}"
            misses.append(Miss(what, first_s, time.monotonic()))
        else:
            check_sizes(sizes, exposed)
        return misses + gaps(report, first_s - report["incidents"][0]["at_s"])

    play_fairly(scenario)


def check_told(report, attacks):
    """Check that every attack is in the report, under its output as well."""
    told = [(one["stage"], one["reason"]) for one in report["incidents"] if one["away_s"]]
    for number, stage in attacks:
        reason = {signal.SIGKILL: "ended by SIGKILL"}.get(number, "no sign of life for")
        assert any(stage == name and said.startswith(reason) for name, said in told), told
    for output, figures in report["outputs"].items():
        assert figures["incidents"] == [i for i in report["incidents"] if i["stage"] == output]
        assert figures["standby"] > 0  # the engine was away for longer than a last frame lasts


def check_sizes(sizes, exposed):
    """Check the sizes: processes not hit have not grown, new ones are as large as those before."""
    check_flat(sizes, ("null", "parent"))
    for name in ("audio", "engine", *exposed):
        lives = sizes.of(name)
        assert len(lives) == 3, (name, lives)  # at first, killed, stopped
        for (handles, mib), (handles_later, mib_later) in lives if name != "engine" else ():
            assert handles_later <= handles, (name, lives)
            assert mib_later < mib + STAGE_MIB, (name, lives)
        (_, (handles, mib)), (_, (handles_later, mib_later)) = lives[1:]
        assert handles_later <= handles, (name, lives)
        limit_mib = ENGINE_MIB if name == "engine" else STAGE_MIB
        assert mib_later < mib + limit_mib, (name, lives)


def test_what_falls_at_the_same_time_comes_back_together(start):
    hurt = ("audio", "engine", "null (2)")

    def scenario():
        show = start("--audio", "tone", "--output", "null", "--output", "null")
        wait_for(lambda: "spare" in show.children(), lambda: show.log)
        time.sleep(0.5)
        pids, back_s = show.children(), {}
        began_s = time.monotonic()
        for stage in hurt:
            os.kill(pids[stage], signal.SIGKILL)
        while len(back_s) < len(hurt):
            for stage in hurt:
                if f"{stage} is back" in show.log:
                    back_s.setdefault(stage, time.monotonic())
            assert time.monotonic() < began_s + HANG_S, show.log
            time.sleep(0.02)
        assert show.end()[0] == 0, show.log
        report = show.report()
        assert {one["stage"] for one in report["incidents"]} >= set(hurt)
        misses = gaps(report, began_s - report["incidents"][0]["at_s"])
        for stage in hurt:
            misses += late(stage, "fallen with others", began_s, back_s[stage])
        return misses

    play_fairly(scenario)


def test_an_engine_that_stalls_for_a_while_goes_on_by_itself(start):
    def scenario():
        show = start("--audio", "tone", "--output", "null", "--output", "preview:127.0.0.1:0")
        engine = show.children()["engine"]
        os.kill(engine, signal.SIGSTOP)
        stopped_s = time.monotonic()
        time.sleep(STALL_S)
        again_s = time.monotonic()
        with suppress(ProcessLookupError):  # it was taken for a fault and ended: see the report
            os.kill(engine, signal.SIGCONT)
        time.sleep(1.0)
        assert show.end()[0] == 0, show.log
        report, trace = show.report(), show.trace()
        misses = gaps(report, trace[0]["published_s"])
        if report["incidents"]:
            return [*misses, Miss(f"faults: {report['incidents']}", stopped_s, again_s)]
        still = [one for one in trace if stopped_s + 0.1 < one["published_s"] < again_s]
        assert len({one["captured_s"] for one in still}) == 1
        anew = (one["published_s"] for one in trace if one["captured_s"] > again_s)
        return misses + late("engine", "stalled", again_s, min(anew, default=float("inf")))

    play_fairly(scenario)


def brightness(path):
    """Return each frame's mean luma in a recording, and its mean difference from the one before."""
    with av.open(str(path)) as video:
        planes = [frame.to_ndarray(format="gray") for frame in video.decode(video=0)]
    levels = np.array([plane.mean() for plane in planes])
    changes = [
        np.abs(np.subtract(b, a, dtype=np.float32)).mean() for a, b in itertools.pairwise(planes)
    ]
    return levels, np.array(changes)


def test_freeze_and_blackout_act_with_the_engine_dead(start, tmp_path):
    path = tmp_path / "show.mp4"

    def scenario():
        show = start("--audio", "tone", "--output", f"record:{path}", "--set", "blackout_fade=0.4")
        began_s = time.monotonic()
        client = SimpleUDPClient("127.0.0.1", show.port)
        time.sleep(1.0)
        client.send_message("/vjnode/freeze", 1.0)
        time.sleep(1.5)
        wait_for(lambda: show.children().keys() >= {"audio", "engine"}, lambda: show.log)
        pids = show.children()
        os.kill(pids["engine"], signal.SIGSTOP)
        os.kill(pids["audio"], signal.SIGSTOP)
        client.send_message("/vjnode/blackout", 1.0)
        time.sleep(1.2)
        client.send_message("/vjnode/blackout", 0.0)
        time.sleep(1.0)
        client.send_message("/vjnode/freeze", 0.0)
        show.wait_for_log("engine is back")
        show.wait_for_log("audio is back")
        time.sleep(1.0)
        assert show.end()[0] == 0, show.log
        levels, changes = brightness(path)
        dark = np.flatnonzero(levels < 17)  # video black is 16
        assert len(dark) > 0
        after = levels[dark[-1] + 30 :]
        fall = levels[max(dark[0] - 30, 0) : dark[0] + 1]
        frozen = changes[max(dark[0] - 75, 0) : max(dark[0] - 40, 1)]
        # They count frames, so they say nothing of a recording that a busy machine has thinned out.
        seen = {
            "black for as long as asked": len(dark) > 0.3 * 60,
            "bright before": levels[: dark[0]].max(initial=0.0) > 60,
            "bright after": bool(len(after)) and after.min() > 60,
            "faded all the way down": np.diff(fall[fall < fall.max() - 3]).max(initial=0.0) < 1.0,
            "frozen": np.median(frozen) < 0.05,
            "in motion before": np.median(changes[:30]) > np.median(frozen),
        }
        end_s = time.monotonic()
        return [Miss(f"not {what}", began_s, end_s) for what, good in seen.items() if not good]

    play_fairly(scenario)
