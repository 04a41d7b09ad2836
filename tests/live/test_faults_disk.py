"""A real show whose disk fills up while it records."""

import time

import pytest

from tests.events import wait_for
from tests.live.attacks import BACK_S, Sizes, check_flat, gaps
from tests.live.fairness import Miss, play_fairly
from tests.live.small_disk import small_disk
from tests.output.record.test_output import sound_of, video_of
from vjnode.audio.sources.base import RATE_HZ
from vjnode.output.record.files import MIN_FREE_MIB, RESERVE_MIB
from vjnode.output.record.retry import RETRY_S

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

DISK_MIB = MIN_FREE_MIB + 16

LAST_S = 1.0
"""Length that a recording may lack at its end, s."""


def test_a_full_disk_ends_a_recording_and_nothing_else(start, watched, tmp_path):
    """First the recording itself takes what is left, then another program the last byte."""

    def scenario():
        with small_disk(tmp_path / "disk", DISK_MIB) as disk:
            return filled(start, watched, disk)

    play_fairly(scenario)


def filled(start, watched, disk):
    """Play a show whose disk is full, has room again, and is full at its end; return the misses."""
    record = f"record:{disk.path / 'set.mov'},codec=mjpeg"
    outputs = [part for one in ("null", record, *watched) for part in ("--output", one)]
    show = start("--audio", "tone", "--sweep-memory", 16, *outputs, through=disk.through)
    sizes = Sizes(show)

    def wait_until_back(times):
        told = f"{record} is back"
        wait_for(lambda: show.log.count(told) == times, lambda: show.log)

    time.sleep(1.0)
    sizes.look()
    disk.fill(RESERVE_MIB + 1)
    wait_until_back(1)
    disk.make_room()
    room_s = time.monotonic()
    show.wait_for_log("it goes on after")
    again_s = time.monotonic()
    time.sleep(2.5)
    disk.fill(0)
    wait_until_back(2)
    sizes.look()
    time.sleep(1.0)
    assert show.end()[0] == 0, show.log

    report, epoch_s = show.report(), show.trace()[0]["published_s"]
    misses = gaps(report, epoch_s)
    for one in report["incidents"]:
        at_s, away_s = epoch_s + one["at_s"], one["away_s"]
        if one["stage"] != record or one["faults"] > 1 or away_s > BACK_S:
            misses.append(Miss(f"{one}", at_s, at_s + away_s))
    if again_s - room_s > RETRY_S + 0.5:
        misses.append(Miss(f"it records again after {again_s - room_s:.2f} s", room_s, again_s))
    if not misses:
        check_flat(sizes, ("parent", "null", *watched))
        check_told(report["outputs"][record], show.log, disk.path)
        full, full_again = report["outputs"][record]["incidents"]
        misses += thin(disk.seen / "set.mov", full["at_s"], epoch_s)
        misses += thin(disk.seen / "set-2.mov", epoch_s + full_again["at_s"] - again_s, again_s)
    return misses


def check_told(figures, log, folder):
    """The report and the log name the file, what happened to it and what helps."""
    for name, one in zip(("set.mov", "set-2.mov"), figures["incidents"], strict=True):
        assert one["reason"].startswith(f"the recording {folder / name} stopped: the disk is full")
        assert one["reason"].endswith("free some space or record to another disk")
        assert one["reason"] in log
    waits = f"{MIN_FREE_MIB} MiB are needed to begin; free some space or record to another disk"
    assert log.count(waits) == 2
    assert figures["about"]["interrupted"].endswith(waits)
    assert figures["missed"] > figures["about"]["missed_frames"] > 0


def thin(path, length_s, since_s):
    """The misses of a film that should last so long: all of it plays, but for the last second."""
    times, _ = video_of(path, torn=True)
    found = {
        "lacks pictures at its end": times[-1] <= length_s - LAST_S,
        "lacks every second picture": len(times) <= times[-1] * 60 / 2,
        "lacks sound at its end": len(sound_of(path)) / RATE_HZ <= length_s - LAST_S,
    }
    until_s = since_s + length_s
    return [Miss(f"{path.name} {what}", since_s, until_s) for what, bad in found.items() if bad]
