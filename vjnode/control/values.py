"""Values of all parameters, and numbers that are on their way to theirs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self, TypeVar

from vjnode.control.glide import BY_HAND, Glide, Way
from vjnode.control.parameter import Firing, Parameter, Value
from vjnode.control.parameters import BY_NAME, PARAMETERS, find

_OfKind = TypeVar("_OfKind", float, str, bool, Firing)


@dataclass(frozen=True, init=False)
class Values:
    """The value of every parameter, and how far each number has come on its way there.

    Args:
        preset, face, expression: their names.
        values: of other parameters, by name, not checked for their range; the rest get their
            defaults.

    Raises:
        InputError: there is no such parameter.
    """

    _values: Mapping[str, Value]  # by the row's key, for every key; never changed in place
    glides: Mapping[str, Glide]
    """Numbers that are on their way to their values, by key; those that have arrived, too."""
    way: Way | None
    """The way of the last recall; None: that of the next."""

    def __init__(self, preset: str, face: str, expression: str, **values: Value) -> None:
        given = {"preset": preset, "face": face, "expression": expression, **values}
        defaults = {row.key: row.default for row in PARAMETERS}
        self._set({**defaults, **_by_key(given)}, {}, None)

    def _set(
        self, values: Mapping[str, Value], glides: Mapping[str, Glide], way: Way | None
    ) -> None:
        object.__setattr__(self, "_values", values)
        object.__setattr__(self, "glides", glides)
        object.__setattr__(self, "way", way)

    def __hash__(self) -> int:
        return hash(frozenset(self._values.items()))

    def __repr__(self) -> str:
        said = ", ".join(f"{key}={value!r}" for key, value in self.changed().items())
        return f"{type(self).__name__}({said})"

    def with_(self, **values: Value) -> Self:
        """Return these controls with other ``values``, by the parameters' names.

        Raises:
            InputError: there is no such parameter.
        """
        by_key = _by_key(values)
        glides = self.glides
        if glides:
            glides = {key: glide for key, glide in glides.items() if key not in by_key}
        return self._other({**self._values, **by_key}, glides, self.way)

    def on_way(self, glides: Mapping[str, Glide], way: Way | None) -> Self:
        """Return these controls with numbers on their way."""
        return self._other(self._values, glides, way)

    def _other(
        self, values: Mapping[str, Value], glides: Mapping[str, Glide], way: Way | None
    ) -> Self:
        other = object.__new__(type(self))
        other._set(values, glides, way)
        return other

    def at(self, now_s: float) -> Self:
        """Return these controls as they are in effect now: each number as far as it has come.

        now_s: monotonic s.
        """
        under_way = {key: glide for key, glide in self.glides.items() if now_s < glide.ends_s}
        if not under_way:
            return self
        now = {key: glide.at(self.number(key), now_s) for key, glide in under_way.items()}
        return self._other({**self._values, **now}, {}, self.way)

    def gliding_to(self, target: Self, way: Way, now_s: float) -> Self:
        """Return ``target``, with its numbers on their way from where these are now."""
        now = self.at(now_s)
        keys = {row.key for row in PARAMETERS if row.glides} if way.over_s > 0.0 else set()
        glides = {
            key: Glide(now.number(key), now_s, way)
            for key in sorted(keys)
            if now.number(key) != target.number(key)
        }
        return target.on_way(glides, way)

    def moved(self, name: str, number: float, now_s: float) -> Self:
        """Return these controls with a float set by hand.

        One that is on its way does not jump, but goes from where it is to there in no time.
        """
        moved = self.with_(**{name: number})
        if not self.glides:
            return moved
        key = BY_NAME[name].key
        glides = {one: glide for one, glide in moved.glides.items() if now_s < glide.ends_s}
        glide = self.glides.get(key)
        if glide is not None and now_s < glide.ends_s:
            glides[key] = Glide(glide.at(self.number(key), now_s), now_s, BY_HAND)
        return moved.on_way(glides, self.way)

    def motion(self) -> dict[str, object]:
        """Return what is on its way and how, ready for JSON; it belongs to the values."""
        glides = {
            key: (glide.start, glide.begun_s, glide.way.over_s, glide.way.easing)
            for key, glide in self.glides.items()
        }
        return {"glides": glides, "way": self.way and (self.way.over_s, self.way.easing)}

    def in_motion(self, said: Mapping[str, Any], *, later_s: float = 0.0) -> Self:
        """Return these controls with what ``motion`` has said of them.

        later_s: is added to its times.
        """
        glides = {
            key: Glide(start, begun_s + later_s, Way(*way))
            for key, (start, begun_s, *way) in said["glides"].items()
        }
        return self.on_way(glides, Way(*said["way"]) if said["way"] is not None else None)

    @property
    def morph_s(self) -> float:
        """Time that the way from look to look takes, s; 0: at once."""
        return self.number("morph") if self.way is None else self.way.over_s

    @property
    def morph_easing(self) -> str:
        """Name of the easing of that way."""
        return self.choice("easing") if self.way is None else self.way.easing

    def changed(self) -> dict[str, Value]:
        """Return the values that differ from their parameters' defaults, by key."""
        return {key: value for key, value in self._values.items() if value != BY_NAME[key].default}

    def since(self, before: Self) -> dict[str, Value]:
        """Return the values that differ from those ``before``, by key."""
        return {key: value for key, value in self._values.items() if value != before.value(key)}

    def value(self, name: str) -> Value:
        """Return the value of the parameter of that name, whatever its kind."""
        return self._values[BY_NAME[name].key]

    def number(self, name: str) -> float:
        """Return the value of the float parameter of that name."""
        return self._of_kind(name, float)

    def choice(self, name: str) -> str:
        """Return the name that is chosen by the choice parameter of that name."""
        return self._of_kind(name, str)

    def is_on(self, name: str) -> bool:
        """Return whether the toggle of that name is on."""
        return self._of_kind(name, bool)

    def fired(self, name: str) -> Firing:
        """Return how often the trigger of that name was fired, and when it was last."""
        return self._of_kind(name, Firing)

    def _of_kind(self, name: str, kind: type[_OfKind]) -> _OfKind:
        value = self._values[BY_NAME[name].key]
        if not isinstance(value, kind):
            raise TypeError(f"{name} is a {BY_NAME[name].kind}, not a {kind.__name__}")
        return value


def _by_key(values: Mapping[str, Value]) -> dict[str, Value]:
    """Return ``values``, which are by name, by the keys that they are kept under."""
    return {find(name).key: _as_kept(BY_NAME[name], value) for name, value in values.items()}


def _as_kept(row: Parameter, value: Value) -> Value:
    return float(value) if row.kind == "float" and isinstance(value, int) else value
