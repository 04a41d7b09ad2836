"""OSCQuery's tree: each parameter and feature as a node with its attributes.

Names of attributes and their forms are those of the OSCQuery proposal. Parameters come from the
table that OSC has them from.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from vjnode.control.address import ROOT
from vjnode.control.parameter import Firing, Parameter, Value
from vjnode.control.parameters import PARAMETERS
from vjnode.show.features import Feature

Json = Mapping[str, object]

ATTRIBUTES = (
    *("FULL_PATH", "CONTENTS", "TYPE", "ACCESS", "VALUE", "RANGE", "DESCRIPTION", "UNIT"),
    "CLIPMODE",
)
"""Attributes that a node may have and that can be asked for one by one."""

EXTENSIONS = dict.fromkeys((*ATTRIBUTES[3:], "LISTEN"), True)

READ, WRITE = 1, 2

_TYPES = {"float": "f", "choice": "s", "toggle": "i", "trigger": "I"}
_UNITS = {
    "s": "time.second",
    "ms": "time.ms",
    "Hz": "time.hz",
    "BPM": "time.bpm",
    "dBFS": "gain.db-raw",
}
"""Units that the proposal has names for, by ours."""


class Tree:
    """The nodes of a show, with the values that they have when they are asked for.

    Args:
        choices: returns the names that a choice parameter takes.
        value: returns the value that is told at an address's name; None where none is known.
        features: those that are told.

    """

    def __init__(
        self,
        choices: Callable[[str], Sequence[str]],
        value: Callable[[str], Value | None],
        features: Iterable[Feature] = (),
    ) -> None:
        self._value = value
        self._names: dict[str, str] = {}
        """Of every node with a value: its path, and its name."""
        self._nodes: dict[str, dict[str, object]] = {}
        self._children: dict[str, dict[str, str]] = {}
        for feature in features:
            self._add(feature.name, _of_feature(feature))
        for row in PARAMETERS:
            self._add(row.name, _of_parameter(row, choices))

    def node(self, path: str) -> Json | None:
        """Return a node with everything below it, as it is now; None if there is none."""
        if (node := self._nodes.get(path)) is None:
            return None
        said: dict[str, object] = {"FULL_PATH": path, **node}
        if (value := self._now(path)) is not None:
            said["VALUE"] = [value]
        if path in self._children:
            below = self._children[path].items()
            said["CONTENTS"] = {name: self.node(child) for name, child in below}
        return said

    def readable(self, path: str) -> bool:
        """Return whether a path has a value that can be listened to."""
        return path in self._names

    def _now(self, path: str) -> Value | None:
        """Return the value of a node, in the form of its type."""
        value = self._value(self._names[path]) if path in self._names else None
        if isinstance(value, Firing):
            return None
        return int(value) if isinstance(value, bool) else value

    def _add(self, name: str, attributes: Mapping[str, object]) -> None:
        path = ROOT + name
        self._nodes[path] = dict(attributes)
        if attributes["ACCESS"] != WRITE:
            self._names[path] = name
        while path != "/":
            above, _, last = path.rpartition("/")
            above = above or "/"
            self._nodes.setdefault(above, {})
            self._children.setdefault(above, {})[last] = path
            path = above


def host_info(name: str, osc_host: str, osc_port: int) -> Json:
    """Return the particulars of the node. osc_host: that it listens on."""
    said = {
        "NAME": name,
        "EXTENSIONS": EXTENSIONS,
        "OSC_TRANSPORT": "UDP",
        "OSC_PORT": osc_port,
    }
    # Without it, OSC is at the host that answers this.
    return said if osc_host == "0.0.0.0" else {**said, "OSC_IP": osc_host}  # noqa: S104


def _of_parameter(row: Parameter, choices: Callable[[str], Sequence[str]]) -> Json:
    off = f"; {row.off:g}: {row.off_means}" if row.off is not None else ""
    said: dict[str, object] = {
        "TYPE": _TYPES[row.kind],
        "DESCRIPTION": row.about + off,
        "ACCESS": WRITE if row.kind == "trigger" else READ | WRITE,
    }
    if row.kind == "float":
        said |= {"RANGE": [{"MIN": row.low, "MAX": row.high}], "CLIPMODE": ["both"]}
    elif row.kind == "toggle":
        said |= {"RANGE": [{"MIN": 0, "MAX": 1}], "CLIPMODE": ["both"]}
    elif row.kind == "choice":
        said |= {"RANGE": [{"VALS": list(choices(row.name))}], "CLIPMODE": ["none"]}
    return said | _unit(row.unit)


def _of_feature(row: Feature) -> Json:
    said: dict[str, object] = {"TYPE": row.type, "DESCRIPTION": row.about, "ACCESS": READ}
    if row.choices:
        said["RANGE"] = [{"VALS": list(row.choices)}]
    elif row.low or row.high:
        said["RANGE"] = [{"MIN": row.low, "MAX": row.high}]
    return said | _unit(row.unit)


def _unit(unit: str) -> dict[str, object]:
    return {"UNIT": [_UNITS[unit]]} if unit in _UNITS else {}
