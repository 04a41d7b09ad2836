"""Learner: maps the control that is moved next, while a show runs."""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from vjnode.control.address import ROOT, read_address
from vjnode.control.midi.learn import Gathering, control_lines
from vjnode.control.midi.mapping import Mapping
from vjnode.control.midi.mapping_files import add_control
from vjnode.control.midi.message import Event
from vjnode.control.midi.player import Player
from vjnode.control.parameter import MAX_SHOWN
from vjnode.errors import InputError, VjnodeError
from vjnode.naming import choose
from vjnode.runtime import monotonic_s

_log = logging.getLogger(__name__)

STOP = "stop"

LOG_S = 1.0
"""Least time between two lines of the log that say what is to be learned."""


class Learner:
    """Learns for one show: asked from any thread, and carried out in that of MIDI.

    From the movement that it waits for until it has learned, that controller plays nothing: a pad
    that is to do something else must not do once more what it did.

    Args:
        tell: gets what happens, in words.
        names: returns the choices of the parameter of that name.

    """

    def __init__(
        self, tell: Callable[[str], None], names: Callable[[str], Sequence[str]] = lambda _: ()
    ) -> None:
        self._tell, self._names = tell, names
        self._asked: deque[str] = deque(maxlen=1)  # who asks again means the last
        self._logged_s = float("-inf")
        self._name = self._layer = ""
        self._gathering: Gathering | None = None

    @property
    def learns(self) -> bool:
        """True while a control is waited for."""
        return self._gathering is not None

    def serve(self, rest: str, value: object) -> None:
        """Serve a message: ``/vjnode/midi/learn`` with a name, or with ``/NAME`` behind it.

        rest: what stands behind; ``/stop`` ends it. value: the argument; None for none.

        Raises:
            InputError: the name is none that an address has, or chooses what there is not.
        """
        if rest and not rest.startswith("/"):
            raise InputError(f"unknown address {ROOT}midi/learn{rest:.{MAX_SHOWN}}")
        if not rest and not isinstance(value, str):
            raise InputError(
                f"{ROOT}midi/learn takes the name of a parameter, such as gain, "
                f"not {value!r:.{MAX_SHOWN}}"
            )
        name = rest[1:] if rest else str(value).removeprefix(ROOT)
        if rest and value == 0:
            return  # a button that is let go
        if name != STOP:
            act = read_address(ROOT + name)
            if act.choice and (names := self._names(act.parameter.name)):
                choose(act.parameter.name, names, act.choice, first=1)
        self._asked.append(name)

    def takes(self, port: str, events: Sequence[Event], player: Player) -> bool:
        """Return whether events are for learning alone; those that switch a layer are not."""
        found = self._gathering
        if found is None or any(player.switches(event.source) for event in events):
            return False
        found.take(port, events, monotonic_s())
        if port != found.port:
            return False
        player.overlook(events)
        self._layer = player.layer
        return True

    def look(self, now_s: float, mappings: Iterable[Mapping]) -> bool:
        """Go on with what was asked; return whether a mapping has changed.

        now_s: present time, monotonic s. mappings: those in use.
        """
        if self._asked:
            self._begin(self._asked.pop(), now_s)
        if self._gathering is None or not self._gathering.is_over(now_s):
            return False
        found, self._gathering = self._gathering, None
        if (source := found.source) is None:
            self._say(f"{self._name}: nothing was moved")
            return False
        act = read_address(ROOT + self._name)
        layer = self._layer or None
        try:
            lines = control_lines(source, act.parameter, self._name, layer=layer)
            path, _ = add_control(found.port, lines, mappings)
        except VjnodeError as error:
            self._say(f"{self._name}: {source} of {found.port} cannot be learned: {error}")
            return False
        where = f" with {layer}" if layer else ""
        self._say(f"{self._name}: {source}, channel {source.channel}, of {found.port}{where}")
        _log.info("MIDI: it is written to %s", path)
        return True

    def _begin(self, name: str, now_s: float) -> None:
        if name == STOP:
            if self._gathering is not None:
                self._tell(f"{self._name}: stopped")
            self._gathering = None
            return
        self._name, self._layer, self._gathering = name, "", Gathering(now_s)
        text = f"{name}: move a control"
        if now_s >= self._logged_s + LOG_S:  # a sender that asks on and on fills no log
            self._logged_s = now_s
            self._say(text)
        else:
            self._tell(text)

    def _say(self, text: str) -> None:
        _log.info("MIDI learns %s", text)
        self._tell(text)
