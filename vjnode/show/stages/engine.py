"""The engine process: drives and controls in, frames out, just ahead of each deadline."""

import time
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from vjnode.control.state import Controls
from vjnode.engines.crash_guard import forget_attempts
from vjnode.engines.registry import Choice
from vjnode.errors import VjnodeError
from vjnode.generators.registry import DEFAULT, GENERATORS
from vjnode.modulation.weight_track import WeightTrack, live_track
from vjnode.output.clock import FrameClock, wait_until
from vjnode.render.base import Look
from vjnode.render.frame_renderer import FrameRenderer, asked_look
from vjnode.render.matte.open import drawing, open_mattes
from vjnode.render.open import open_renderer
from vjnode.render.open_transition import open_transition
from vjnode.runtime import monotonic_s
from vjnode.show.fallback_frames import StillsWriter, stills_slot
from vjnode.show.ipc.slot import Slot
from vjnode.show.mattes import MatteWriter, matte_slot
from vjnode.show.messages import (
    CONTROLS_BYTES,
    DRIVE_BYTES,
    MemoryNames,
    Orders,
    frame_bytes,
    pixels_in,
    unpack_drive,
    unpack_orders,
    write_info,
)
from vjnode.show.session.recorder import SessionRecorder, header_of
from vjnode.show.stages.opening import forgiven
from vjnode.show.stages.pacing import Pace
from vjnode.show.supervision.worker import Lifeline
from vjnode.system.priority import put_clock_first

FIRST_KEY_TIMEOUT_S = 120.0


@dataclass(frozen=True)
class EngineJob:
    """Job of the engine process.

    memory_mib: limit for key frames, MiB. prefetch: looks to have warm beside the current.
    drawing, generator: as in ``ShowConfig``. restarted: whether the show goes on already, and
    only this process is new. mattes: whether any output cuts heads out. session: file to record to.
    """

    size: int
    fps: Fraction
    memory_mib: int
    prefetch: tuple[Look, ...]
    drawing: str
    generator: str = DEFAULT.name
    restarted: bool = False
    mattes: bool = False
    session: Path | None = None


def run_engine(lifeline: Lifeline, names: MemoryNames, job: EngineJob) -> None:
    """Run the engine stage until the show is over.

    Raises:
        VjnodeError: the engine cannot be opened or has failed.
    """
    cv2.setNumThreads(1)  # one picture is blended faster than threads are woken
    drives = Slot(DRIVE_BYTES, name=names.drive)
    newest = Slot(CONTROLS_BYTES, name=names.controls)
    frames = Slot(frame_bytes(job.size), name=names.frame)
    stills = StillsWriter(stills_slot(job.size, name=names.stills), job.size)
    spec, chosen = GENERATORS[job.generator], list[Choice]()
    with forgiven(lifeline):
        renderer = open_renderer(
            spec=spec,
            size=job.size,
            drawing=job.drawing,
            period_s=float(1 / job.fps),
            memory_mib=job.memory_mib,
            told=chosen.append,
            restarted=job.restarted,
        )
    track = live_track()
    transition = open_transition(renderer, spec=spec, size=job.size)
    frame_renderer = FrameRenderer(renderer, track, transition)
    mattes = MatteWriter(
        open_mattes(renderer, spec=spec, size=job.size) if job.mattes else None,
        drawing(renderer, job.size),
        matte_slot(job.size, name=names.matte),
    )
    orders = _newest_orders(newest, None)
    if not _begun(frame_renderer, orders.controls, lifeline):
        forget_attempts()
        return
    mattes.begin(asked_look(orders.controls), (*orders.looks, *job.prefetch))
    renderer.prefetch(job.prefetch, first=orders.looks)
    if renderer.draws_beside_the_clock:
        put_clock_first()
    # There is a key, so there is an engine.
    lifeline.ready(chosen[0].report() | {"drawing": renderer.way})
    epoch_s = lifeline.wait_for_begin()
    if epoch_s is None:
        return
    clock = FrameClock(epoch_s, job.fps)
    pace = Pace(clock, overlaps=renderer.at_once > 1, now_s=monotonic_s())
    recorder = _recorder(job)
    data = np.empty(DRIVE_BYTES, np.uint8)
    while lifeline.running():
        wait_until(pace.due_s(monotonic_s()))
        pace.begun(monotonic_s())
        drive = _push_newest(drives, data, track)
        before, orders = orders, _newest_orders(newest, orders)
        controls = orders.controls
        memory = frames.begin()
        now_s = monotonic_s()
        recorder.tick(now_s, controls, drive)
        info = frame_renderer.render(now_s, controls, pixels_in(memory, job.size))
        look, complete = frame_renderer.drawn_look or (asked_look(controls), False)
        number = mattes.before_frame(now_s, look, over_s=controls.morph_s)
        write_info(replace(info, matte=number, **asdict(orders.plan)), memory)
        frames.commit(frame_bytes(job.size))
        pace.done(monotonic_s())
        stills.step(monotonic_s(), look, frame_renderer.draw_still, complete=complete)
        mattes.after_frame(monotonic_s(), look, complete=complete)
        if orders.looks != before.looks:
            renderer.prefetch(job.prefetch, first=orders.looks)
    recorder.close()
    mattes.close()


def _begun(frame_renderer: FrameRenderer, controls: Controls, lifeline: Lifeline) -> bool:
    """Wait for the first key; return whether it is there, or the show has ended before.

    Raises:
        VjnodeError: the engine cannot be opened or draws nothing.
    """
    end_s = time.monotonic() + FIRST_KEY_TIMEOUT_S
    while not frame_renderer.prepare(controls, keys=1, timeout_s=0.2):
        if not lifeline.running():
            return False
        if time.monotonic() > end_s:
            raise VjnodeError(f"the engine drew nothing within {FIRST_KEY_TIMEOUT_S:g} s")
    return True


def _push_newest(drives: Slot, data: NDArray[np.uint8], track: WeightTrack) -> bytes | None:
    """Push the newest drive to the track, if it is new; return it packed. data: memory for it."""
    if not drives.read_into(data):
        return None
    drive = data.tobytes()
    track.push(unpack_drive(drive))
    return drive


def _recorder(job: EngineJob) -> SessionRecorder:
    """Return what records this engine's session, or nothing."""
    if job.session is None:
        return SessionRecorder(None, None, again=False)
    header = header_of(generator=job.generator, size=job.size, fps=job.fps)
    return SessionRecorder(job.session, header, again=job.restarted)


def _newest_orders(newest: Slot, before: Orders | None) -> Orders:
    """Return the newest orders, or ``before`` when there are none newer."""
    data = newest.read()
    if data is not None:
        return unpack_orders(data)
    if before is None:
        raise VjnodeError("the engine was started before its controls were set")
    return before
