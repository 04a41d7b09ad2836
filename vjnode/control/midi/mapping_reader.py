"""Reading mappings: TOML files that a person can edit, checked against the table of parameters."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vjnode.control.address import ROOT, Act, read_address
from vjnode.control.midi import mapping as model
from vjnode.control.midi.lamp_reader import read_light, read_ring
from vjnode.control.midi.message import ENCODERS, HIGHEST, KINDS, UNNUMBERED, Kind, Source
from vjnode.control.parameter import MAX_SHOWN, number_in_range
from vjnode.control.toml_tables import check_keys, read_flag, read_number
from vjnode.errors import InputError, reason_of

VERSION = 1
"""Version of the file's layout; increased when an old file would be misread."""

_TOP_KEYS = ("version", "about", "match", "ignore", "channel", "start", "layer", "control")
_LAYER_KEYS = ("name", "on", "channel", "latch")
_CONTROL_KEYS = (
    *("on", "channel", "do", "mode", "range", "curve", "invert", "layer", "value", "takeover"),
    *("encoder", "step", "light", "ring", "bank"),
)
_SPAN = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?")
_MOST = 512
"""Controls that one entry may stand for."""


def read_mapping(path: Path) -> model.Mapping:
    """Read one mapping.

    Raises:
        InputError: unreadable, not TOML, an unknown key, or a value that does not fit; it names
            the file and the place.
    """
    try:
        return parse_mapping(path.stem, path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the MIDI mapping {path} cannot be read: {reason_of(error)}") from error
    except InputError as error:
        raise InputError(f"the MIDI mapping {path} is wrong: {error}") from error


def parse_mapping(name: str, text: str) -> model.Mapping:
    """Return the mapping of a name that a file with this text holds.

    Raises:
        InputError: as of ``read_mapping``; it names the place alone. Its cause is the fault itself.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"it cannot be read: {error}") from error
    return _mapping(name, table)


def _mapping(name: str, table: Mapping[str, Any]) -> model.Mapping:
    check_keys(table, _TOP_KEYS)
    if table.get("version") != VERSION:
        raise InputError(f"it needs 'version = {VERSION}', not {table.get('version')!r}")
    channel = table.get("channel", 1)
    layers: list[model.LayerButton] = []
    for number, entry in enumerate(_entries(table, "layer"), 1):
        try:
            layers += _layer(entry, channel)
        except InputError as error:
            raise InputError(f"layer {number}: {error}") from error
    known = {layer.name for layer in layers}
    controls: list[model.Control] = []
    for number, entry in enumerate(_entries(table, "control"), 1):
        try:
            controls += _controls(entry, channel, known)
        except InputError as error:
            raise InputError(f"control {number} (on = {entry.get('on')!r}): {error}") from error
    return model.Mapping(
        name,
        str(table.get("about", "")),
        _texts(table, "match") or (name,),
        _texts(table, "ignore"),
        tuple(_bytes(text) for text in _texts(table, "start")),
        tuple(layers),
        controls,
    )


def _layer(entry: Mapping[str, Any], channel: object) -> Iterator[model.LayerButton]:
    check_keys(entry, _LAYER_KEYS)
    name = entry.get("name")
    if not isinstance(name, str) or not name:
        raise InputError("it needs a name")
    for source in read_sources(entry, channel):
        yield model.LayerButton(source, name, read_flag(entry, "latch", default=False))


def _controls(
    entry: Mapping[str, Any], channel: object, layers: set[str]
) -> Iterator[model.Control]:
    check_keys(entry, _CONTROL_KEYS)
    sources = list(read_sources(entry, channel))
    acts = [read_address(ROOT + one) for one in _texts(entry, "do")]
    if not acts or len(sources) % len(acts):
        raise InputError(f"'do' has {len(acts)} names, which {len(sources)} controls cannot share")
    layer = entry.get("layer", "")
    if layer and layer not in layers:
        raise InputError(f"there is no layer {layer!r:.{MAX_SHOWN}}; make one with [[layer]]")
    for number, source in enumerate(sources):
        yield _control(entry, source, acts[number % len(acts)], str(layer), number)


def _control(
    entry: Mapping[str, Any], source: Source, act: Act, layer: str, place: int
) -> model.Control:
    row, mode = act.parameter, _mode(entry, source, act)
    low, high = _range(entry, act)
    value: Any = entry.get("value", 1.0)
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = float(value) + (place if row.kind == "choice" else 0)
    elif not isinstance(value, str):
        raise InputError(f"'value' is a number or a name, not {value!r:.{MAX_SHOWN}}")
    if "value" in entry and row.kind == "float" and mode in ("value", "momentary"):
        value = number_in_range(row, value)
    if not isinstance(bank := entry.get("bank", ""), str):
        raise InputError(f"'bank' is a name, not {bank!r:.{MAX_SHOWN}}")
    encoder = entry.get("encoder", ENCODERS[0])
    if encoder not in ENCODERS:
        raise InputError(f"'encoder' is one of {', '.join(ENCODERS)}, not {encoder!r:.{MAX_SHOWN}}")
    return model.Control(
        source,
        act,
        mode,
        low,
        high,
        read_number(entry, "curve", 0.1, 10.0, row.taper),
        read_flag(entry, "invert", default=False),
        layer,
        value,
        read_flag(entry, "takeover", default=True),
        encoder,
        read_number(entry, "step", 0.0001, 1.0, model.STEP),
        read_light(entry, source, place),
        read_ring(entry, source, mode, place),
        bank,
    )


def _mode(entry: Mapping[str, Any], source: Source, act: Act) -> model.Mode:
    """Return the mode that is asked for, or else the one that suits control and parameter.

    Raises:
        InputError: it suits neither, or there is no such mode.
    """
    row, button = act.parameter, source.kind in ("note", "program")
    if act.verb in ("add", "norm"):
        raise InputError(f"'do' takes {row.name} itself; a fader's way is mapped onto its range")
    fitting: tuple[model.Mode, ...]
    if row.kind == "trigger" or act.verb != "set":
        fitting = ("trigger",)
    elif row.kind == "toggle":
        fitting = ("toggle", "momentary")
    elif row.kind == "float":
        fitting = (
            ("value", "absolute", "momentary") if button else ("absolute", "value", "momentary")
        )
    elif "value" in entry and source.kind != "program":
        fitting = ("value",)
    else:
        fitting = ("choice",)
    if source.kind == "cc" and row.kind in ("float", "choice") and act.verb == "set":
        fitting = (*fitting, "relative")
    mode = entry.get("mode", fitting[0])
    if mode not in fitting:
        raise InputError(
            f"'mode' for {row.name} is one of {', '.join(fitting)}, not {mode!r:.{MAX_SHOWN}}"
        )
    needs_value = row.kind == "float" and mode in ("value", "momentary")
    if needs_value and "value" not in entry:
        raise InputError(f"a button needs the 'value' that it gives {row.name}: {row.takes}")
    if mode == "choice" and source.kind == "note":
        raise InputError(f"a pad needs the 'value' that it chooses, or {row.name}/next")
    chosen: model.Mode = mode
    return chosen


def _range(entry: Mapping[str, Any], act: Act) -> tuple[float, float]:
    row = act.parameter
    if "range" not in entry:
        return (row.low, row.high) if row.kind == "float" else (0.0, 1.0)
    given = entry["range"]
    if row.kind != "float":
        raise InputError(f"{row.name} is a {row.kind} and has no 'range'")
    if not isinstance(given, list) or len(given) != 2:
        raise InputError("'range' is two numbers, such as [0.0, 2.0]")
    low, high = (number_in_range(row, one) for one in given)
    if low >= high:
        raise InputError(f"'range' goes from {low:g} to {high:g}; use invert = true to turn it")
    return low, high


def read_sources(entry: Mapping[str, Any], channel: object) -> Iterator[Source]:
    """Yield the controls that an entry is for: by channel, then by number.

    channel: that of an entry which names none.

    Raises:
        InputError: it names none, or none that there is.
    """
    texts = _texts(entry, "on")
    if not texts:
        raise InputError("it needs 'on', such as on = \"cc 7\"")
    found = [
        Source(kind, one, number)
        for one in _span(str(entry.get("channel", channel)), 1, 16, "channel")
        for kind, numbers in map(_numbers, texts)
        for number in numbers
    ]
    if len(found) > _MOST:
        raise InputError(f"it stands for {len(found)} controls; at most {_MOST}")
    yield from found


def _numbers(text: str) -> tuple[Kind, range]:
    words = text.split()
    kind: Any = words[0] if words else ""
    if kind not in KINDS:
        raise InputError(f"'on' begins with one of {', '.join(KINDS)}, not {text!r:.{MAX_SHOWN}}")
    if kind in UNNUMBERED:
        if len(words) > 1:
            raise InputError(f"'on' takes no number behind {kind}")
        return kind, range(1)
    if len(words) != 2:
        raise InputError(f"'on' takes one number behind {kind}, or a span such as {kind} 0-7")
    return kind, _span(words[1], 0, HIGHEST[kind], kind)


def _span(text: str, low: int, high: int, about: str) -> range:
    match = _SPAN.fullmatch(text)
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (-1, -1)
    if not low <= first <= last <= high:
        raise InputError(f"{about} {text:.{MAX_SHOWN}} is not within {low} to {high}")
    return range(first, last + 1)


def _texts(table: Mapping[str, Any], key: str) -> tuple[str, ...]:
    given = table.get(key, [])
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not all(isinstance(one, str) and one for one in texts):
        raise InputError(f"'{key}' is a text or a list of texts, not {given!r:.{MAX_SHOWN}}")
    return tuple(texts)


def _entries(table: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    given = table.get(key, [])
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise InputError(f"'{key}' is written as [[{key}]]")
    return given


def _bytes(text: str) -> bytes:
    try:
        data = bytes.fromhex(text)
    except ValueError:
        data = b""
    if len(data) < 2 or data[0] < 0x80:
        raise InputError(f"'start' is bytes such as \"F0 7E F7\", not {text!r:.{MAX_SHOWN}}")
    return data
