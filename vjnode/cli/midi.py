"""``vjnode midi``: list controllers, watch them, list their mappings, learn a control."""

import argparse
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing

from vjnode.audio.tempo.beat import BEATS_PER_BAR
from vjnode.audio.tempo.midi_clock import (
    CONTINUE,
    POSITION,
    PULSE,
    PULSES_PER_BEAT,
    START,
    STOP,
    MidiClock,
)
from vjnode.cli.lists import print_rows
from vjnode.cli.midi_bridge import add_bridge
from vjnode.cli.options import Parser
from vjnode.control.address import ROOT, Act, read_address
from vjnode.control.midi.learn import LEARN_S, Gathering, control_lines
from vjnode.control.midi.mapping import MODES, Mapping
from vjnode.control.midi.mapping_files import add_control, mapping_for, scan_mappings
from vjnode.control.midi.message import ENCODERS, TOP, Decoder, Event
from vjnode.control.midi.ports import News, Ports, check_package
from vjnode.errors import InputError, VjnodeError
from vjnode.naming import choose
from vjnode.remedies import run_vjnode

_CLOCK_WORDS = {
    START: "clock starts",
    CONTINUE: "clock continues",
    STOP: "clock stops",
    POSITION: "song position",
}

START_S = 15.0
"""Time for the first list of ports to come, s."""


def add_midi(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add ``midi`` to the command line."""
    midi = commands.add_parser("midi", help="MIDI controllers: list, watch, map, learn, bridge")
    actions = midi.add_subparsers(required=True, metavar="ACTION")
    devices = actions.add_parser("devices", help="list controllers, each with its mapping")
    devices.set_defaults(command=_devices)
    monitor = actions.add_parser("monitor", help="print what controllers send; Ctrl-C ends it")
    monitor.set_defaults(command=_monitor)
    _add_name(monitor)
    mapping = actions.add_parser("map", help="list mappings, or what one of them does")
    mapping.set_defaults(command=_map)
    mapping.add_argument("name", nargs="?", metavar="NAME")
    learning = actions.add_parser(
        "learn", help="map the control that you move next, in a file of your own"
    )
    learning.set_defaults(command=_learn)
    learning.add_argument(
        "parameter", metavar="PARAMETER", help="an address after /vjnode/: gain, face/next …"
    )
    _add_name(learning)
    learning.add_argument("--mode", choices=MODES, metavar="|".join(MODES))
    learning.add_argument(
        "--encoder", choices=ENCODERS, metavar="|".join(ENCODERS), help="of --mode relative"
    )
    learning.add_argument("--value", metavar="X", help="a button's value: a number or a name")
    add_bridge(actions)


def _add_name(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--midi", default="", metavar="NAME", help="a part of a controller's name")


def _devices(options: argparse.Namespace) -> None:
    del options
    mappings = scan_mappings().values()
    with closing(_started()) as ports:
        print_rows([(port, _mapped(port, mappings)) for port in _listed(ports)])


def _mapped(port: str, mappings: Iterable[Mapping]) -> str:
    known = mapping_for(port, mappings)
    return known.name if known is not None else "no mapping"


def _monitor(options: argparse.Namespace) -> None:
    mappings = scan_mappings().values()
    clocks: dict[str, MidiClock] = defaultdict(MidiClock)
    for port, events, news in _played(options.midi, lambda: True):
        if text := _clock_tells(clocks[port], news):
            print(f"{port}  {text}", flush=True)
        known = mapping_for(port, mappings)
        controls = {one.source: one for one in known.controls} if known is not None else {}
        for event in events:
            control = controls.get(event.source)
            if control is None and event.source.kind == "cc14" and not event.raw % (TOP + 1):
                continue  # an ordinary control change, as far as is known
            does = f"→ {control.does}" if control is not None else ""
            channel = f"channel {event.source.channel}"
            row = f"{port}  {event.source!s:16}  {channel:10}  {event.raw:5d}  {does}"
            print(row.rstrip(), flush=True)


def _clock_tells(clock: MidiClock, news: News) -> str:
    """Return what a message of a clock tells; "" for no such message, and for most pulses."""
    kind = news.data[0] if news.data else 0
    clock.hear(news.data, news.at_s)
    lead = clock.lead(news.at_s)
    if kind != PULSE:
        return _CLOCK_WORDS.get(kind, "")
    if lead is None or clock.pulses % (PULSES_PER_BEAT * BEATS_PER_BAR):
        return ""
    return f"clock {lead.bpm:.1f} bpm"


def _map(options: argparse.Namespace) -> None:
    mappings = scan_mappings()
    if options.name is None:
        print_rows([(one.name, one.about) for one in mappings.values()])
        return
    mapping = mappings[choose("MIDI mapping", list(mappings), options.name, first=1)]
    rows = [
        (f"channel {one.source.channel}", str(one.source), one.layer or one.bank, one.does)
        for one in mapping.controls
    ]
    layers = [
        (f"channel {one.source.channel}", str(one.source), "", f"layer {one.name}")
        for one in mapping.layers
    ]
    print_rows([*layers, *rows])


def _learn(options: argparse.Namespace) -> None:
    act = read_address(ROOT + options.parameter)
    value = _value(options.value) if options.value is not None else None
    _check_names(act, value)
    mappings = scan_mappings().values()
    print(f"move the control for {options.parameter} now, within {LEARN_S:g} s", flush=True)
    found = Gathering(time.monotonic())
    for port, events, _ in _played(options.midi, lambda: not found.is_over(time.monotonic())):
        found.take(port, events, time.monotonic())
    if (source := found.source) is None:
        raise VjnodeError(f"no control was moved; see: {run_vjnode('midi', 'devices')}")
    more: dict[str, object] = {
        "mode": options.mode,
        "encoder": options.encoder,
        **({"value": value} if value is not None else {}),
    }
    lines = control_lines(source, act.parameter, options.parameter, **more)
    try:
        path, control = add_control(found.port, lines, mappings)
    except InputError as error:
        raise InputError(f"{source} of {found.port} cannot be learned: {error}") from error
    print(f"{source} of {found.port} → {control.does}; written to {path}")


def _check_names(act: Act, value: float | str | None) -> None:
    """Refuse a choice of what there is not; entries of a set list are not known here.

    Raises:
        InputError: there is no such name.
    """
    from vjnode.show.factory import stock  # noqa: PLC0415

    row = act.parameter
    for name in (act.choice, value):
        if row.kind == "choice" and isinstance(name, str) and name and row.name != "set":
            choose(row.name, stock().names(row.name), name, first=1)


def _value(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _started() -> Ports:
    check_package()
    return Ports()


def _listed(ports: Ports) -> tuple[str, ...]:
    """Return the names of all ports.

    Raises:
        VjnodeError: MIDI cannot be read.
    """
    for news in _all_news(ports, lambda: True):
        if news.kind == "ports":
            if news.text:
                raise VjnodeError(f"MIDI finds nothing: {news.text}")
            return news.ports
    raise VjnodeError("MIDI cannot be read")


def _played(wanted: str, going_on: Callable[[], bool]) -> Iterator[tuple[str, list[Event], News]]:
    """Yield ports, the events of each of their messages, and these as they came.

    Raises:
        InputError: there is no controller of that name.
        VjnodeError: MIDI cannot be read.
    """
    decoders: dict[str, Decoder] = {}
    looked = False
    with closing(_started()) as ports:
        for news in _all_news(ports, going_on):
            if news.kind == "ports":
                if news.text and not looked:
                    raise VjnodeError(f"MIDI finds nothing: {news.text}")
                names = [name for name in news.ports if wanted.casefold() in name.casefold()]
                if not looked and not names:
                    if not news.ports:
                        raise InputError("no MIDI controller is plugged in")
                    there = ", ".join(news.ports)
                    raise InputError(f"there is no MIDI controller {wanted!r}; there are: {there}")
                looked = True
                for name in names:
                    if name not in decoders:
                        ports.open(name)
            elif news.kind == "opened":
                decoders[news.port] = Decoder()
            elif news.kind == "lost":
                decoders.pop(news.port, None)
            elif news.kind == "data":
                yield news.port, decoders[news.port].decode(news.data), news


def _all_news(ports: Ports, going_on: Callable[[], bool]) -> Iterator[News]:
    """Yield what the process of the ports tells, as it comes.

    Raises:
        VjnodeError: MIDI cannot be read.
    """
    begun, heard, opening = time.monotonic(), False, ""
    try:
        while going_on():
            news = ports.receive(0.1)
            if news is None:
                if not heard and time.monotonic() > begun + START_S:
                    raise VjnodeError(f"MIDI tells nothing for {START_S:g} s")
                continue
            if news.kind == "failed":
                raise VjnodeError(f"MIDI cannot be read: {news.text}")
            heard, opening = True, news.port if news.kind == "opening" else ""
            yield news
    except EOFError as error:
        about = f": {opening} cannot be opened; does another program use it?" if opening else ""
        raise VjnodeError(f"MIDI cannot be read{about}") from error
