"""The audio process: sound in, drives out."""

import logging
from collections.abc import Callable

import numpy as np

from vjnode.audio.monitor import Speakers
from vjnode.audio.sources.base import BLOCK, Block, Source
from vjnode.audio.sources.portaudio import hangs, no_jack_leftovers
from vjnode.audio.sources.realtime import Paced
from vjnode.audio.sources.registry import open_source
from vjnode.audio.sources.spec import kind_of
from vjnode.engines.encoder import open_encoder
from vjnode.errors import InputError, SourceError
from vjnode.modulation.listener import Listener
from vjnode.runtime import monotonic_s
from vjnode.show.control_sync import HearingControl
from vjnode.show.ipc.audio_ring import SoundRing
from vjnode.show.ipc.slot import Slot
from vjnode.show.messages import (
    CONTROLS_BYTES,
    DRIVE_BYTES,
    LEAD_BYTES,
    MemoryNames,
    pack_drive,
    unpack_drive,
)
from vjnode.show.stages.opening import forgiven
from vjnode.show.supervision.worker import Lifeline

_log = logging.getLogger(__name__)

RETRY_S, SLOW_RETRY_S = 0.2, 2.0
"""Silence, s, that is played before a missing device is tried again: at first, and once it has
been missing for twenty seconds. Each try opens and closes the whole sound system."""

OPENING_S = 6.0
"""Longer than a sound server may take to open a device and deliver its first samples."""


class Quiet:
    """A source of silence, for while there is nothing else."""

    name = "silence"

    def read(self) -> Block:
        """Return a silent block."""
        return Block(np.zeros((BLOCK, 2), np.float32), 0.0, 0.0)

    def close(self) -> None:
        """Nothing to release."""


@no_jack_leftovers()  # here as well as in the parent, which may be killed
def run_audio(lifeline: Lifeline, names: MemoryNames, audio: str, restarted: bool = False) -> None:
    """Run the audio stage until the show is over.

    Without a device it hears silence, so that the face rests, and tries again. A device
    that goes while it is read ends the process, because the library that was reading it
    may hang in any further call; the supervisor starts a new one. So does a library that
    already hangs when a device is wanted, but only after a pause, because the new process
    would soon be where this one is. Other sources do without it.

    restarted: whether the show goes on already, and only this process is new. Then it leaves the
    card alone, which takes longer to open, and may be what the one before it hung in.

    Raises:
        SourceError: the device has gone, or the sound system hangs.
    """
    slot = Slot(DRIVE_BYTES, name=names.drive)
    ring = SoundRing(name=names.sound)
    before = slot.read()  # what a process that died here had heard
    with forgiven(lifeline):
        choice = open_encoder(on_card=not restarted)
    onsets = unpack_drive(before).onsets if before else 0
    listener = Listener(choice.trained, choice.encoder, onsets=onsets)
    control = HearingControl(
        Slot(CONTROLS_BYTES, name=names.controls), listener, Slot(LEAD_BYTES, name=names.lead)
    )
    choice.tell_changes(lambda: lifeline.tell(choice.report()))
    lifeline.ready(choice.report())
    if lifeline.wait_for_begin() is None:
        return
    # A live device is heard in the room already; what we play ourselves is not.
    speakers = None if kind_of(audio) == "device" else Speakers.open()

    def hear(block: Block) -> None:
        ring.write(block)
        if speakers is not None:
            speakers.play(block)
        control.apply(block.captured_s)
        slot.write(pack_drive(listener.hear(block)))

    try:
        _read_sound(lifeline, audio, hear)
    finally:
        if speakers is not None:
            speakers.close()


def _read_sound(lifeline: Lifeline, audio: str, hear: Callable[[Block], None]) -> None:
    """Read a source until the show is over, and silence while it is missing.

    Raises:
        SourceError: the device has gone, or the sound system hangs.
    """
    live = kind_of(audio) == "device"
    complaint = ""
    missing_since_s: float | None = None
    while lifeline.running():
        source: Source = Paced(Quiet())
        hung: SourceError | None = None
        retry_s = float("inf")
        lifeline.expect_within(OPENING_S)
        try:
            source = open_source(audio, live=True)
            _log.info("listening to %s", source.name)
            complaint, missing_since_s = "", None
        except (SourceError, InputError) as error:  # a song may vanish in mid-show as well
            if str(error) != complaint:
                complaint = str(error)
                _log.warning("no sound: %s; the face rests, and the source is retried", error)
            now_s = monotonic_s()  # opening in vain may have taken seconds
            missing_since_s = now_s if missing_since_s is None else missing_since_s
            retry_s = now_s + retry_after_s(now_s - missing_since_s)
            if live and hangs():
                hung = SourceError(f"the sound system hangs ({error})")
                retry_s = now_s + SLOW_RETRY_S
        flowing = False
        while lifeline.running() and monotonic_s() < retry_s:
            block = source.read()
            if block is None:
                break
            if not flowing:  # from now on the next block is never far
                flowing = True
                lifeline.expect_within(None)
            hear(block)
        source.close()
        if hung is not None and lifeline.running():
            raise hung


def retry_after_s(missing_s: float) -> float:
    """Return how long to wait for a device that has been missing for ``missing_s``, s."""
    return min(max(missing_s / 10.0, RETRY_S), SLOW_RETRY_S)
