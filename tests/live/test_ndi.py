"""A real show over NDI, into a real receiver in another process.

``VJNODE_NDI_SECONDS=60`` measures for longer than the six seconds of every day.
"""

import os
import time

import numpy as np
import pytest

from tests.live.fairness import Miss, play_fairly
from tests.output.ndi.ends import FINDING_PORT, Receiver, listening
from tests.output.ndi.test_sender import late
from tests.output.network import ndi_network
from tests.show.process import Show

SECONDS = float(os.environ.get("VJNODE_NDI_SECONDS", "6"))
SETTLE_S = 3.0
"""The first connection and the caches of a cold machine are not what a show is like."""

pytestmark = [
    pytest.mark.live,
    pytest.mark.slow,
    pytest.mark.timeout(SECONDS + 600),
]


@pytest.fixture
def network():
    with ndi_network():
        yield


def test_a_show_arrives_at_its_rate(network, tmp_path, capsys):
    play_fairly(lambda: play(tmp_path, capsys))


def play(tmp_path, capsys):
    """Play a show, say how it arrived, and return what it missed."""
    show = Show(
        tmp_path,
        *("--size", 1024, "--fps", 60, "--audio", "demo"),
        *("--output", f"ndi:show {os.getpid()}"),
    )
    try:
        show.wait_until_live()
        (port,) = listening() - {FINDING_PORT}
        receiver = Receiver(tmp_path / "got.npz", port)
        try:
            first_s = receiver.picture_s()
            time.sleep(SETTLE_S + SECONDS)
            got = receiver.end()
        finally:
            receiver.kill()
        code, _ = show.end()
    finally:
        show.process.kill()
        show.process.wait()
    assert code == 0

    came_s = got["received_s"]
    end_s = came_s[-1]
    within = came_s > end_s - SECONDS
    rate = within.sum() / SECONDS
    gaps_ms = np.diff(came_s[within]) * 1e3

    trace = show.trace()
    published_s = np.array([row["published_s"] for row in trace])
    captured_s = np.array([row["captured_s"] for row in trace])
    nearest = np.abs(published_s[None] - got["timecode_s"][within][:, None]).argmin(axis=1)
    latency_ms = (came_s[within] - captured_s[nearest]) * 1e3
    wire_ms = (came_s[within] - published_s[nearest]) * 1e3
    sent = ((published_s > end_s - SECONDS) & (published_s <= end_s)).sum() / SECONDS
    with capsys.disabled():
        print(  # noqa: T201
            f"\nNDI, {SECONDS:g} s: {rate:.2f} frames/s received of {sent:.2f} sent; "
            f"gaps p50/p99/longest {np.percentile(gaps_ms, 50):.1f}/"
            f"{np.percentile(gaps_ms, 99):.1f}/{gaps_ms.max():.1f} ms; "
            f"captured to received p50/p99 {np.percentile(latency_ms, 50):.1f}/"
            f"{np.percentile(latency_ms, 99):.1f} ms, of which sent to received "
            f"{np.percentile(wire_ms, 50):.1f}/{np.percentile(wire_ms, 99):.1f} ms; "
            f"faults: {show.report()['incidents']}"
        )
    assert str(got["fourcc"]) == "FOURCC_VIDEO_TYPE_RGBX"
    assert tuple(got["rate"]) == (60, 1)
    assert got["picture"].shape == (1024, 1024, 4)
    misses = late("a picture", receiver.ready_s, first_s, 2.0)
    if rate < 59:
        misses.append(Miss(f"{rate:.2f} frames/s received", end_s - SECONDS, end_s))
    return misses
