"""All the shared memory of a show: made by the parent, joined by its children."""

import json
from collections.abc import Mapping
from contextlib import ExitStack, closing
from types import TracebackType
from typing import Self

from vjnode.show.fallback_frames import frozen_slot, stills_slot
from vjnode.show.ipc.audio_ring import SoundRing
from vjnode.show.ipc.frame_stats import Meter
from vjnode.show.ipc.show_flags import ShowFlags
from vjnode.show.ipc.slot import Slot
from vjnode.show.mattes import matte_slot
from vjnode.show.messages import (
    CONTROLS_BYTES,
    DRIVE_BYTES,
    LEAD_BYTES,
    MemoryNames,
    frame_bytes,
)
from vjnode.show.stages.output import ABOUT_BYTES


class ShowMemory:
    """Shared memory between the processes of a show; a context in which it exists.

    Args:
        size: frames are size × size px.
        outputs: how many there are.

    """

    def __init__(self, size: int, outputs: int) -> None:
        with ExitStack() as stack:
            self.flags = stack.enter_context(closing(ShowFlags()))
            self.controls = stack.enter_context(closing(Slot(CONTROLS_BYTES)))
            self.lead = stack.enter_context(closing(Slot(LEAD_BYTES)))
            self.drive = stack.enter_context(closing(Slot(DRIVE_BYTES)))
            self.frame = stack.enter_context(closing(Slot(frame_bytes(size))))
            self.stills = stack.enter_context(closing(stills_slot(size)))
            self.matte = stack.enter_context(closing(matte_slot(size)))
            self.frozen = stack.enter_context(closing(frozen_slot(size)))
            self.sound = stack.enter_context(closing(SoundRing()))
            self.meters = [stack.enter_context(closing(Meter())) for _ in range(outputs)]
            self.abouts = [stack.enter_context(closing(Slot(ABOUT_BYTES))) for _ in range(outputs)]
            self._stack = stack.pop_all()

    @property
    def names(self) -> MemoryNames:
        """Their names, for children to join."""
        return MemoryNames(
            flags=self.flags.name,
            controls=self.controls.name,
            lead=self.lead.name,
            drive=self.drive.name,
            frame=self.frame.name,
            stills=self.stills.name,
            matte=self.matte.name,
            frozen=self.frozen.name,
            sound=self.sound.name,
        )

    def about(self, output: int) -> Mapping[str, object]:
        """Return what an output has said of itself since this was last asked; {} for nothing."""
        data = self.abouts[output].read()
        said: Mapping[str, object] = json.loads(data) if data else {}
        return said

    def __enter__(self) -> Self:
        """Return it itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Remove them all."""
        self._stack.close()
