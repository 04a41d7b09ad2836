"""An output's process: its frame clock, and at each deadline the newest frame there is.

Whatever else has died, it goes on: it holds what it needs to keep its picture alive.
"""

import json
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vjnode.output.base import UNKNOWN, Frame, FrameInfo, Output, OutputContext, OutputSpec
from vjnode.output.clock import FrameClock, wait_until
from vjnode.output.delivery import Adapter
from vjnode.output.overrides import STALE_S, Overrides
from vjnode.output.registry import open_output
from vjnode.runtime import monotonic_s
from vjnode.show.control_sync import CueReader
from vjnode.show.fallback_frames import FrozenFrame, StillsReader, frozen_slot, stills_slot
from vjnode.show.ipc.audio_ring import SoundRing
from vjnode.show.ipc.frame_stats import Meter
from vjnode.show.ipc.slot import Slot
from vjnode.show.mattes import MatteReader, matte_slot
from vjnode.show.messages import CONTROLS_BYTES, MemoryNames, frame_bytes, frame_in, pixels_in
from vjnode.show.supervision.worker import Lifeline
from vjnode.show.trace import LiveTrace

SOUND_GONE_S = 0.3
"""Sound older than this has stopped, and the face is on its way to rest; how old it gets is
not a latency."""

ABOUT_S = 1.0
"""Time from one account of an output to the next, s."""

ABOUT_BYTES = 4096


@dataclass(frozen=True)
class OutputJob:
    """Job of one output process.

    meter: name of its counters; about: of the slot for what it says of itself.
    size, px, and fps: the show's, where the output has none of its own.
    attempt: 0 at first, counting up with restarts.
    holds: whether it is the one that keeps what is frozen for all.
    """

    spec: OutputSpec
    meter: str
    about: str
    size: int
    fps: Fraction
    trace: Path | None
    attempt: int
    holds: bool


class OnScreen:
    """The time at which the sound was heard that the picture on screen was drawn from."""

    def __init__(self) -> None:
        self._captured_s: float | None = None

    def captured_s(
        self, info: FrameInfo, sent_s: float, *, fresh: bool, held: bool
    ) -> float | None:
        """Return that time, monotonic s; None where there was no sound, or its age means nothing.

        A picture that is shown again grows older; one that was drawn after the sound had gone
        has no age, however it is shown.

        info: of the newest frame. sent_s: when it was sent. fresh: it was not sent before.
        held: something else is on screen on purpose: a frozen picture, black, or stills.
        """
        if fresh:
            captured_s = info.moment.captured_s
            heard = captured_s > 0 and sent_s - captured_s < SOUND_GONE_S
            self._captured_s = captured_s if heard else None
        return None if held else self._captured_s


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


class Teller:
    """Asks an output now and then how it is, and hands that over for the report.

    Of an output that has no ``about()`` nothing is told.
    """

    def __init__(self, slot: Slot) -> None:
        self.before: Mapping[str, object] = json.loads(slot.read() or b"{}")
        """Last facts that a process told before it fell."""
        self._slot = slot
        self._next_s = 0.0

    def tell(self, output: Output, now_s: float) -> None:
        """Hand over what the output says, when it is time."""
        if now_s < self._next_s:
            return
        self._next_s = now_s + ABOUT_S
        about: Callable[[], Mapping[str, object]] = getattr(output, "about", dict)
        data = json.dumps(about(), default=str).encode()
        if len(data) <= self._slot.capacity:
            self._slot.write(data)


def run_output(lifeline: Lifeline, names: MemoryNames, job: OutputJob) -> None:
    """Run one output until the show is over.

    Raises:
        OutputError: it cannot be opened, or cannot go on.
    """
    slot = Slot(frame_bytes(job.size), name=names.frame)
    ring = SoundRing(name=names.sound)
    meter = Meter(name=job.meter)
    delivery = job.spec.delivery
    fps = delivery.fps or job.fps
    rate = SendRate(fps)
    adapter = Adapter(delivery, job.size)
    cues = CueReader(Slot(CONTROLS_BYTES, name=names.controls))
    holder = FrozenFrame(frozen_slot(job.size, name=names.frozen), job.size)
    stills = StillsReader(stills_slot(job.size, name=names.stills), job.size)
    overrides = Overrides(
        job.size,
        stills.newest,
        awake_s=lambda: lifeline.parent_awake_s,
        stale_s=max(STALE_S, 3 / float(job.fps)),
        darkens=not adapter.cuts,
    )
    mattes = MatteReader(matte_slot(job.size, name=names.matte), job.size)
    teller = Teller(Slot(ABOUT_BYTES, name=job.about))
    context = OutputContext(
        adapter.size,
        fps,
        order=delivery.order or "rgba",
        alpha=delivery.alpha,
        premultiplied=delivery.premultiplied,
        sound=ring,
        measured_fps=rate.fps,
        attempt=job.attempt,
        before=teller.before,
        live=True,
    )
    with (
        closing(LiveTrace(job.trace, again=job.attempt > 0)) as trace,
        closing(open_output(job.spec, context)) as output,
    ):
        lifeline.ready()
        epoch_s = lifeline.wait_for_begin()
        memory: NDArray[np.uint8] = np.empty(frame_bytes(job.size), np.uint8)
        fresh, info = _has_come(slot, memory, lifeline), UNKNOWN
        if epoch_s is None:
            return
        if cues.newest().freeze and holder.recall(memory):
            overrides.hold(pixels_in(memory, job.size))  # as it was when this output fell
        on_screen = OnScreen()
        clock = FrameClock(epoch_s, fps)
        due = clock.frame_at(monotonic_s())
        while lifeline.running():
            due = clock.next_frame(after=due, now_s=monotonic_s())
            due_s = clock.due_s(due)
            wait_until(due_s)
            now_s = monotonic_s()
            cue = cues.newest()
            if not cue.freeze or overrides.frozen is None:
                fresh = slot.read_into(memory) is not None or fresh
            frame = frame_in(memory, job.size, info)
            info = frame.info
            picture = overrides.draw(now_s, cue, frame.pixels, slot.written_s)
            if job.holds:
                frozen = overrides.frozen
                holder.keep(None if frozen is None else Frame(frozen, info))
            adapter.use(mattes.of(info.matte) if adapter.cuts else None)
            picture = adapter.adapt(picture, darkness=overrides.darkness)
            missed = output.send(Frame(picture, info), due_s) is False
            sent_s = monotonic_s()
            if not missed:
                rate.sent(sent_s)
                trace.write(info, frame=meter.sent, published_s=sent_s)
            meter.count(
                sent_s=sent_s,
                captured_s=on_screen.captured_s(
                    info, sent_s, fresh=fresh, held=cue.holds or overrides.standing_in
                ),
                late=now_s - due_s > clock.period_s / 2,
                repeated=not fresh,
                standby=overrides.standing_in,
                missed=missed,
            )
            teller.tell(output, sent_s)
            fresh = False


def _has_come(slot: Slot, memory: NDArray[np.uint8], lifeline: Lifeline) -> bool:
    """Wait until a frame has ever been drawn, and copy it; False when the show ends before."""
    while lifeline.running():
        if slot.read_into(memory) is not None:
            return True
        time.sleep(0.005)
    return False
