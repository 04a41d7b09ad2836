"""An output's process: its frame clock, and at each deadline the newest frame there is."""

import time
from collections import deque
from contextlib import closing
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vjnode.output.base import OutputContext, OutputSpec
from vjnode.output.catalogue import open_output
from vjnode.output.clock import FrameClock, wait_until
from vjnode.output.delivery import Adapter
from vjnode.show.child import Lifeline
from vjnode.show.links import Links, frame_bytes, frame_in
from vjnode.show.meter import Meter
from vjnode.show.slot import Slot
from vjnode.show.sound_ring import SoundRing
from vjnode.show.trace import TraceWriter

STALE_S = 0.3
"""Sound older than this has stopped, and the face is on its way to rest; how old it gets is
not a latency."""


@dataclass(frozen=True)
class OutputJob:
    """What one output process is to do.

    meter: name of its counters. size, px, and fps: the show's, where the output has none of its
    own. attempt: 0 at first, counting up with restarts.
    """

    spec: OutputSpec
    meter: str
    size: int
    fps: Fraction
    trace: Path | None
    attempt: int


class SendRate:
    """Frames/s over the last second, from the times at which they were sent."""

    def __init__(self, fps: Fraction) -> None:
        self._times: deque[float] = deque(maxlen=max(2, round(fps)))

    def sent(self, now_s: float) -> None:
        """Note one frame."""
        self._times.append(now_s)

    def fps(self) -> float:
        """Return the rate; 0 until two frames were sent."""
        times = tuple(self._times)
        span_s = times[-1] - times[0] if len(times) > 1 else 0.0
        return (len(times) - 1) / span_s if span_s > 0 else 0.0


def send(lifeline: Lifeline, links: Links, job: OutputJob) -> None:
    """Run one output until the show is over.

    Raises:
        OutputError: it cannot be opened, or cannot go on.
    """
    slot = Slot(frame_bytes(job.size), name=links.frame)
    ring = SoundRing(name=links.sound)
    meter = Meter(name=job.meter)
    fps = job.spec.delivery.fps or job.fps
    rate = SendRate(fps)
    delivery = job.spec.delivery
    adapter = Adapter(delivery, job.size)
    context = OutputContext(
        adapter.size, fps, delivery.order or "rgba", delivery.alpha, ring, rate.fps, job.attempt
    )
    with (
        TraceWriter(job.trace, append=job.attempt > 0) as trace,
        closing(open_output(job.spec, context)) as output,
    ):
        lifeline.ready()
        epoch_s = lifeline.wait_for_begin()
        memory: NDArray[np.uint8] = np.empty(frame_bytes(job.size), np.uint8)
        fresh = False
        while not fresh and lifeline.running():  # until something has ever been drawn
            fresh = slot.read_into(memory) is not None
            time.sleep(0.005)
        if epoch_s is None:
            return
        clock = FrameClock(epoch_s, fps)
        due = clock.frame_at(time.monotonic())
        while lifeline.running():
            due = clock.next_frame(after=due, now_s=time.monotonic())
            due_s = clock.due_s(due)
            wait_until(due_s)
            late = time.monotonic() - due_s > clock.period_s / 2
            fresh = slot.read_into(memory) is not None or fresh
            frame = frame_in(memory, job.size)
            output.send(replace(frame, pixels=adapter.adapt(frame.pixels)), due_s)
            sent_s = time.monotonic()
            rate.sent(sent_s)
            info = frame.info
            heard = info.captured_s > 0 and sent_s - info.captured_s < STALE_S
            trace.write(info, frame=meter.sent, published_s=sent_s)
            meter.count(
                sent_s=sent_s,
                captured_s=info.captured_s if heard and fresh else None,
                late=late,
                repeated=not fresh,
            )
            fresh = False
