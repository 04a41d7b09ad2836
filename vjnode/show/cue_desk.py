"""What hands do to every output: the newest controls, as a cue."""

from vjnode.output.overrides import Cue
from vjnode.show.links import unpack_controls
from vjnode.show.slot import Slot


class CueDesk:
    """Reads the controls' slot; nothing else has to live for it to work."""

    def __init__(self, slot: Slot) -> None:
        self._slot = slot
        self._cue = Cue()

    def newest(self) -> Cue:
        """Return what is asked for now."""
        data = self._slot.read()
        if data is not None:
            controls = unpack_controls(data)
            self._cue = Cue(
                freeze=controls.freeze,
                blackout=controls.blackout,
                fade_s=controls.blackout_fade,
                neutral=controls.neutral,
            )
        return self._cue
