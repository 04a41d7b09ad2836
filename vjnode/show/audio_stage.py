"""The audio process: sound in, drives out."""

import logging
import time

import numpy as np

from vjnode.audio.open import open_source
from vjnode.audio.pacing import Paced
from vjnode.audio.portaudio import no_jack_leftovers
from vjnode.audio.source import BLOCK, Block, Source
from vjnode.audio.speakers import Speakers
from vjnode.drive.stream import Listener
from vjnode.errors import InputError, SourceError
from vjnode.show.child import Lifeline
from vjnode.show.hearing_desk import HearingDesk
from vjnode.show.links import CONTROLS_BYTES, DRIVE_BYTES, Links, pack_drive, unpack_drive
from vjnode.show.slot import Slot
from vjnode.show.sound_ring import SoundRing

_log = logging.getLogger(__name__)

RETRY_S = 0.2
"""How long silence is played before a missing device is tried again."""

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
def hear(lifeline: Lifeline, links: Links, audio: str) -> None:
    """Run the audio stage until the show is over.

    Without a device it hears silence, so that the face rests, and tries again. A device
    that goes while it is read ends the process, because the library that was reading it
    may hang in any further call; the supervisor starts a new one.

    Raises:
        SourceError: the device has gone.
    """
    slot = Slot(DRIVE_BYTES, name=links.drive)
    ring = SoundRing(name=links.sound)
    before = slot.read()  # what a process that died here had heard
    listener = Listener(onsets=unpack_drive(before).onsets if before else 0)
    desk = HearingDesk(Slot(CONTROLS_BYTES, name=links.controls), listener)
    lifeline.ready()
    if lifeline.wait_for_begin() is None:
        return
    # A live device is heard in the room already; what we play ourselves is not.
    speakers = None if audio.startswith("device") else Speakers.open()
    complaint = ""
    while lifeline.running():
        source: Source = Paced(Quiet())
        retry_s = time.monotonic() + RETRY_S
        lifeline.expect_within(OPENING_S)
        try:
            source = open_source(audio, live=True)
            retry_s = float("inf")
            _log.info("listening to %s", source.name)
            complaint = ""
        except (SourceError, InputError) as error:  # a song may vanish in mid-show as well
            if str(error) != complaint:
                complaint = str(error)
                _log.warning("no sound: %s; the face rests, and the source is retried", error)
        flowing = False
        while lifeline.running() and time.monotonic() < retry_s:
            block = source.read()
            if block is None:
                break
            if not flowing:  # from now on the next block is never far
                flowing = True
                lifeline.expect_within(None)
            ring.write(block)
            if speakers is not None:
                speakers.play(block)
            desk.apply(block.captured_s)
            slot.write(pack_drive(listener.hear(block)))
        source.close()
