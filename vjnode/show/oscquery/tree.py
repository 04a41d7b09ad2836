"""OSCQuery's tree: each parameter and feature as a node with its attributes.

Names of attributes and their forms are those of the OSCQuery proposal. Parameters come from the
table that OSC has them from, and so do the addresses behind them, for faders and buttons.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from vjnode.control.address import ROOT
from vjnode.control.features import Feature
from vjnode.control.midi.learner import STOP
from vjnode.control.osc import LEARN
from vjnode.control.osc_out import REFRESH, SUBSCRIBE
from vjnode.control.osc_validation import is_address
from vjnode.control.parameter import Firing, Parameter, Value
from vjnode.control.parameters import PARAMETERS
from vjnode.control.shortcuts import SHORTCUTS, Shortcut
from vjnode.show.midi import LEARNED

Json = Mapping[str, object]

ATTRIBUTES = (
    *("FULL_PATH", "CONTENTS", "TYPE", "ACCESS", "VALUE", "RANGE", "DESCRIPTION", "UNIT"),
    *("CLIPMODE", "TAGS"),
)
"""Attributes that a node may have and that can be asked for one by one."""

CHANGED, ADDED, REMOVED = "PATH_CHANGED", "PATH_ADDED", "PATH_REMOVED"
"""Commands that tell of nodes that change."""

EXTENSIONS = dict.fromkeys((*ATTRIBUTES[3:], "LISTEN", CHANGED, ADDED, REMOVED), True)

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

_ASKING: Mapping[str, Json] = {
    SUBSCRIBE: {
        "TYPE": "i",
        "ACCESS": WRITE,
        "RANGE": [{"MIN": 1, "MAX": 65535}],
        "DESCRIPTION": "over UDP: all values and features go to this port of the sender, for 60 s",
        "TAGS": ["asking"],
    },
    REFRESH: {
        "TYPE": "I",
        "ACCESS": WRITE,
        "DESCRIPTION": "all values are sent again",
        "TAGS": ["asking"],
    },
}

_GO = "/vjnode/set/go"

_GOING: Json = {
    "TYPE": "s",
    "ACCESS": WRITE,
    "DESCRIPTION": "set: the one of that name",
    "TAGS": ["shortcut", "control"],
}

_LEARNING: Mapping[str, Json] = {
    LEARN: {
        "TYPE": "s",
        "ACCESS": WRITE,
        "DESCRIPTION": "the MIDI control that moves next is mapped to the parameter of that name",
        "TAGS": ["midi"],
    },
    f"{LEARN}/{STOP}": {
        "TYPE": "I",
        "ACCESS": WRITE,
        "DESCRIPTION": "no MIDI control is waited for any more",
        "TAGS": ["midi"],
    },
}

_LEARNED: Json = {
    "TYPE": "s",
    "ACCESS": READ,
    "DESCRIPTION": "the MIDI control that was learned, and what for",
    "TAGS": ["midi"],
}


class Tree:
    """The nodes of a show, with the values that they have when they are asked for.

    Args:
        choices: returns the names that a choice parameter takes; they may change.
        value: returns the value that is told at an address's name; None where none is known.
        features: those that are told.
        learns: whether controls of MIDI can be learned.

    """

    def __init__(
        self,
        choices: Callable[[str], Sequence[str]],
        value: Callable[[str], Value | None],
        features: Iterable[Feature] = (),
        *,
        learns: bool = False,
    ) -> None:
        self._choices = choices
        self._value = value
        self._names: dict[str, str] = {}
        """Of every node with a value: its path, and its name."""
        self._nodes: dict[str, dict[str, object]] = {}
        self._children: dict[str, dict[str, str]] = {}
        self._chosen_from: dict[str, tuple[str, ...]] = {}
        """Of every choice: its path, and the names that it was last seen to take."""
        for feature in features:
            self._add(ROOT + feature.name, _of_feature(feature), feature.name)
        for row in PARAMETERS:
            self._add(row.address, _of_parameter(row), row.name)
            for shortcut in SHORTCUTS:
                if shortcut.fits(row):
                    self._add(f"{row.address}/{shortcut.verb}", _of_shortcut(shortcut, row))
            if learns:
                self._add(f"{LEARN}/{row.name}", _of_learning(row))
        for path, attributes in {**_ASKING, **(_LEARNING if learns else {}), _GO: _GOING}.items():
            self._add(path, attributes)
        if learns:
            self._add(ROOT + LEARNED, _LEARNED, LEARNED)
        self.renew()

    def renew(self) -> list[tuple[str, str]]:
        """Look at the choices again; return the proposal's commands for what has changed."""
        told: list[tuple[str, str]] = []
        for row in PARAMETERS:
            if row.kind != "choice":
                continue
            names = tuple(self._choices(row.name))
            before = self._chosen_from.get(row.address)
            if names == before:
                continue
            self._chosen_from[row.address] = names
            for path in (row.address, f"{row.address}/go"):
                if path in self._nodes:
                    self._nodes[path]["RANGE"] = [{"VALS": list(names)}]
            told += [(REMOVED, self._remove(path)) for path in self._buttons(row, before or ())]
            for path, name in self._buttons(row, names).items():
                self._add(path, _of_button(row, name))
                told.append((ADDED, path))
            told.append((CHANGED, row.address))
        return _without_both(told)

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

    def _buttons(self, row: Parameter, names: Iterable[str]) -> dict[str, str]:
        """Return the paths of buttons that choose, with the name that each chooses.

        A name that no address may hold, or that stands for something else there, has none.
        """
        found = {f"{row.address}/{name}": name for name in names}
        return {
            path: name
            for path, name in found.items()
            if is_address(path)
            and name
            and "/" not in name
            and self._nodes.get(path, {}).get("TAGS", _BUTTON) == _BUTTON
        }

    def _add(self, path: str, attributes: Mapping[str, object], name: str = "") -> None:
        """Add a node, and those above it that are not there yet; name: of its value, if any."""
        self._nodes[path] = dict(attributes)
        if name and attributes["ACCESS"] != WRITE:
            self._names[path] = name
        while path != "/":
            above, _, last = path.rpartition("/")
            above = above or "/"
            self._nodes.setdefault(above, {})
            self._children.setdefault(above, {})[last] = path
            path = above

    def _remove(self, path: str) -> str:
        above, _, last = path.rpartition("/")
        self._nodes.pop(path, None)
        self._children[above].pop(last, None)
        return path


def _without_both(told: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return commands without those for nodes that were removed and added at once."""
    both = {p for c, p in told if c == REMOVED} & {p for c, p in told if c == ADDED}
    return [(command, path) for command, path in told if path not in both]


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


def _of_parameter(row: Parameter) -> Json:
    off = f"; {row.off:g}: {row.off_means}" if row.off is not None else ""
    said: dict[str, object] = {
        "TYPE": _TYPES[row.kind],
        "DESCRIPTION": row.about + off,
        "ACCESS": WRITE if row.kind == "trigger" else READ | WRITE,
        "TAGS": [row.kind, row.consumer],
    }
    if row.kind == "float":
        said |= {"RANGE": [{"MIN": row.low, "MAX": row.high}], "CLIPMODE": ["both"]}
    elif row.kind == "toggle":
        said |= {"RANGE": [{"MIN": 0, "MAX": 1}], "CLIPMODE": ["both"]}
    elif row.kind == "choice":
        said |= {"CLIPMODE": ["none"]}
    return said | _unit(row.unit)


def _of_shortcut(shortcut: Shortcut, row: Parameter) -> Json:
    said: dict[str, object] = {
        "TYPE": shortcut.type,
        "DESCRIPTION": f"{row.name}: {shortcut.about}",
        "ACCESS": WRITE,
        "TAGS": ["shortcut", row.consumer],
    }
    if shortcut.low is not None:
        said |= {"RANGE": [{"MIN": shortcut.low, "MAX": shortcut.high}], "CLIPMODE": ["both"]}
    return said


def _of_learning(row: Parameter) -> Json:
    about = f"the MIDI control that moves next is mapped to {row.name}"
    return {"TYPE": "I", "ACCESS": WRITE, "DESCRIPTION": about, "TAGS": ["midi"]}


_BUTTON = ["button"]


def _of_button(row: Parameter, name: str) -> Json:
    about = f"{row.name}: {name}"
    return {"TYPE": "I", "DESCRIPTION": about, "ACCESS": WRITE, "TAGS": _BUTTON}


def _of_feature(row: Feature) -> Json:
    said: dict[str, object] = {
        "TYPE": row.type,
        "DESCRIPTION": row.about,
        "ACCESS": READ,
        "TAGS": ["feature"],
    }
    if row.choices:
        said["RANGE"] = [{"VALS": list(row.choices)}]
    elif row.low or row.high:
        said["RANGE"] = [{"MIN": row.low, "MAX": row.high}]
    return said | _unit(row.unit)


def _unit(unit: str) -> dict[str, object]:
    return {"UNIT": [_UNITS[unit]]} if unit in _UNITS else {}
