"""Output that drops every frame: for measurements, and shows whose result goes elsewhere."""

from vjnode.output.base import Frame, OutputContext


class NullOutput:
    """Takes every frame at its deadline and drops it."""

    def send(self, frame: Frame, due_s: float) -> None:
        """Drop ``frame``."""

    def close(self) -> None:
        """Do nothing: there is nothing to release."""


def open_output(target: str, context: OutputContext) -> NullOutput:
    """Open the null output; it has no target."""
    del target, context
    return NullOutput()
