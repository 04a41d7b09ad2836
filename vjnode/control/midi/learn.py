"""Learning: which control was moved, as a mapping names it."""

from collections.abc import Sequence

from vjnode.control.midi.message import Event, Source
from vjnode.control.parameter import Parameter

LEARN_S, GATHER_S = 60.0, 1.0
"""Time for a control to be moved, and from there to the last message that counts, s."""


class Gathering:
    """Gathers the events of the first controller on which a control is moved.

    now_s: present time, s, on any clock that does not go back.
    """

    def __init__(self, now_s: float) -> None:
        self.port = ""
        """Port of that controller; "" for none yet."""
        self._end_s = now_s + LEARN_S
        self._events: list[Event] = []

    def take(self, port: str, events: Sequence[Event], now_s: float) -> None:
        """Take the events of one message."""
        if not self.port and moved(events) is not None:
            self.port, self._end_s = port, now_s + GATHER_S
        if port == self.port:
            self._events += events

    def is_over(self, now_s: float) -> bool:
        """Return whether all that counts has come, or it is too late for it."""
        return now_s >= self._end_s

    @property
    def source(self) -> Source | None:
        """Return the control that was moved; None for none."""
        return moved(self._events)


def moved(events: Sequence[Event]) -> Source | None:
    """Return the control that the events of a second come from; None for none.

    It is an NRPN if one was selected, one with 14 bits if both halves came, and otherwise what
    came first. A note that only ends was held before, and does not count.
    """
    changes = {event.source.number for event in events if event.source.kind == "cc"}
    sources = [event.source for event in events if event.source.kind != "note" or event.way > 0.0]
    for source in sources:
        if source.kind == "nrpn":
            return source
        if source.kind == "cc14" and {source.number, source.number + 32} <= changes:
            return source
    return next((source for source in sources if source.kind != "cc14"), None)


def control_lines(source: Source, parameter: Parameter, do: str, **more: object) -> str:
    """Return a ``[[control]]`` as TOML.

    do: address after /vjnode/. more: its other keys, left out where None.
    """
    keys: dict[str, object] = {"on": str(source), "channel": source.channel, "do": do, **more}
    if parameter.kind == "float" and source.kind in ("note", "program"):
        keys.setdefault("value", parameter.high)
    written = [f"{key} = {_toml(value)}" for key, value in keys.items() if value is not None]
    return "\n".join(["[[control]]", *written, ""])


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return str(value)
