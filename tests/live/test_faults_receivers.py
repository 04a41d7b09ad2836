"""A real show whose receivers stall: that is theirs alone, and they have pictures again at once."""

import re
import signal
import time
from contextlib import ExitStack

import numpy as np
import pytest

from tests.live.attacks import BACK_S, GAP_S, Sizes, check_flat, gaps, late
from tests.live.fairness import Miss, play_fairly
from tests.live.watcher import Watcher
from tests.output.ndi.ends import Receiver

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

STALL_S = 5.0


def test_receivers_that_stall_hold_nothing_up(start, watched, tmp_path):
    """One of each kind that can be had here; beside them somebody watches who does not stall."""
    outputs = ["null", f"record:{tmp_path / 'show.mp4'}", *watched]

    def scenario():
        arguments = [part for one in outputs for part in ("--output", one)]
        show = start("--audio", "tone", "--sweep-memory", 16, *arguments)
        (url,) = re.findall(r"preview at (\S+)", show.log)
        sizes = Sizes(show)
        with ExitStack() as crowd:
            receivers = []
            for port in re.findall(r"NDI sender .* on port (\d+)", show.log):
                receivers.append(receiver := Receiver(tmp_path / "got.npz", port))
                crowd.callback(receiver.kill)
                receiver.wait_for_pictures(30)
            with Watcher(url) as beside, Watcher(url, stalls=True) as stalled:
                time.sleep(1.0)
                sizes.look()
                for receiver in receivers:
                    receiver.process.send_signal(signal.SIGSTOP)
                time.sleep(STALL_S)
                sizes.look()
                again_s = time.monotonic()
                stalled.read_on()
                for receiver in receivers:
                    receiver.process.send_signal(signal.SIGCONT)
                time.sleep(BACK_S + 0.5)
            assert show.end()[0] == 0, show.log
            received = [receiver.end() for receiver in receivers]
        report = show.report()
        check_flat(sizes, ("parent", *outputs))
        assert report["outputs"][watched[0]]["about"]["stalled"] == 1
        for name in watched[1:]:
            assert report["outputs"][name]["about"]["receivers"] == 1  # who stalls is not cut off
        misses = gaps(report, show.trace()[0]["published_s"])
        misses += [
            Miss(f"taken for a fault: {one['reason']}", again_s - STALL_S, again_s)
            for one in report["incidents"]
        ]
        misses += waited(beside)
        misses += late_watcher(stalled, beside, again_s)
        for got in received:
            misses += late_receiver(got, again_s)
        return misses

    play_fairly(scenario)


def waited(watcher):
    """The miss of a watcher who had to wait for a picture, in a list; or an empty one."""
    came_s = np.array([at_s for at_s, _ in watcher.seen])
    longest = np.diff(came_s).argmax()
    since_s, until_s = came_s[longest : longest + 2]
    if until_s - since_s <= GAP_S:
        return []
    return [Miss(f"preview: no picture for {until_s - since_s:.2f} s", since_s, until_s)]


def late_watcher(stalled, beside, again_s):
    """The miss of a watcher who saw nothing new for too long, in a list; or an empty one."""
    came_s, frames = np.array(stalled.seen).T
    newest = max(frame for at_s, frame in beside.seen if at_s < again_s)
    shown = [frame for at_s, frame in beside.seen if again_s - STALL_S < at_s < again_s]
    assert frames[frames <= newest].max() < np.median(shown)  # the rest passed him by
    return late("a watcher", "stalled", again_s, min(came_s[frames > newest], default=np.inf))


def late_receiver(got, again_s):
    """The miss of a receiver of NDI to which nothing new came for too long, the same way."""
    came_s, sent_s = got["received_s"], got["timecode_s"]
    assert np.diff(came_s).max() > STALL_S - 1.0
    return late("a receiver", "stalled", again_s, min(came_s[sent_s > again_s], default=np.inf))
