"""Catalogue of all outputs. A new one is a module and a row here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from itertools import count

from vjnode.errors import InputError
from vjnode.output.base import Delivery, Output, OutputContext, OutputSpec
from vjnode.output.delivery import split_delivery
from vjnode.output.record.codecs import check_recording

PART_MIN = 60.0
"""Minutes after which a recording begins a new file: the index of an .mp4 is kept in memory until
the file ends, 27 MB per hour."""


@dataclass(frozen=True)
class OutputKind:
    """A row of the catalogue.

    module: has an ``open_output(target, context)``, and may have an ``unready() -> str`` that
        returns why it cannot work here, with the remedy, or "" if it can.
    orders: of channels that may be asked for; the first is the default. alpha: whether it
        carries alpha. records: whether it makes files, which have a codec and a length.
    once: noun for its targets, if each can be used by one output only; else "". default: target
        if none is named.
    check: raises InputError if a target cannot be delivered to in this format.
    """

    name: str
    module: str
    usage: str
    about: str
    needs_target: bool = False
    orders: tuple[str, ...] = ("rgba",)
    alpha: bool = False
    records: bool = False
    once: str = ""
    default: str = ""
    check: Callable[[str, Delivery], None] | None = None


KINDS = {
    kind.name: kind
    for kind in (
        OutputKind("null", "vjnode.output.null", "null", "keeps the clock, sends nowhere"),
        OutputKind(
            "record",
            "vjnode.output.record.output",
            "record:PATH",
            "H.264, ProRes or MJPEG with the sound, as .mp4, .mov or .mkv",
            needs_target=True,
            alpha=True,
            records=True,
            check=check_recording,
        ),
        OutputKind(
            "camera",
            "vjnode.output.camera",
            "camera[:DEVICE]",
            "a virtual camera, for programs that take a webcam",
            once="device",
        ),
        OutputKind(
            "preview",
            "vjnode.output.preview.output",
            "preview[:HOST:PORT]",
            "a page for the browser, at http://127.0.0.1:8350 by default",
            alpha=True,
            once="address",
            default="127.0.0.1:8350",
        ),
        OutputKind(
            "window",
            "vjnode.output.window.output",
            "window[:DISPLAY]",
            "fills a display, by number or name; the second one, if there are two",
            once="display",
        ),
        OutputKind(
            "ndi",
            "vjnode.output.ndi.sender",
            "ndi[:NAME]",
            "over the network, into anything that receives NDI®: https://ndi.video",
            orders=("rgba", "bgra"),
            alpha=True,
            once="name",
            default="vjnode",
        ),
        OutputKind(
            "spout",
            "vjnode.output.spout",
            "spout[:NAME]",
            "into Resolume, TouchDesigner and others on this Windows machine",
            orders=("bgra", "rgba"),
            alpha=True,
            once="name",
            default="vjnode",
        ),
        OutputKind(
            "syphon",
            "vjnode.output.syphon",
            "syphon[:NAME]",
            "into Resolume, TouchDesigner and others on this Mac",
            orders=("rgba", "bgra"),
            alpha=True,
            once="name",
            default="vjnode",
        ),
    )
}


def parse_output(text: str, *, flip_y: bool = False) -> OutputSpec:
    """Return the parsed ``--output``: ``KIND[:TARGET]``, then options as in ``delivery.USAGE``.

    flip_y: for all outputs.

    Raises:
        InputError: unknown kind, a kind that needs a target and has none, or a delivery that
            this kind cannot make.
    """
    plain, delivery = split_delivery(text)
    name, _, target = plain.partition(":")
    kind = KINDS.get(name)
    if kind is None:
        known = ", ".join(kind.usage for kind in KINDS.values())
        raise InputError(f"unknown output '{text}'; there are: {known}")
    if kind.needs_target and not target:
        raise InputError(f"the output '{name}' needs a target: {kind.usage}")
    if delivery.order not in ("", *kind.orders):
        raise InputError(f"the output '{name}' takes {' or '.join(kind.orders)}; leave out order=")
    if delivery.alpha != "opaque" and not kind.alpha:
        carry = ", ".join(one.name for one in KINDS.values() if one.alpha) or "none yet"
        raise InputError(f"the output '{name}' carries no alpha; those that do: {carry}")
    if delivery.codec and not kind.records:
        raise InputError(f"the output '{name}' has no codec to choose; leave out codec=")
    if delivery.part_min is not None and not kind.records:
        raise InputError(f"the output '{name}' makes no files; leave out part=")
    if kind.check is not None:
        kind.check(target, delivery)
    order = delivery.order or kind.orders[0]
    delivery = replace(delivery, order=order, flip_y=delivery.flip_y or flip_y)
    if kind.records and delivery.part_min is None:
        delivery = replace(delivery, part_min=PART_MIN)
    return OutputSpec(name, target, delivery, text)


def check_once(outputs: Sequence[OutputSpec]) -> None:
    """Check that no two outputs share a target that only one can use, such as a sender's name.

    Raises:
        InputError: two do; the text tells which, and another name for the second.
    """
    taken: set[tuple[str, str]] = set()
    for spec in outputs:
        kind = KINDS[spec.kind]
        wanted = spec.target or kind.default
        if not (kind.once and wanted):
            continue
        if kind.name == "preview":
            wanted = _full_address(wanted, kind.default)
        if (kind.name, wanted) in taken:
            remedy = f"give the second another {kind.once}: {kind.usage}"
            if kind.once == "name":
                numbers = (f"{wanted}-{n}" for n in count(2))
                free = next(name for name in numbers if (kind.name, name) not in taken)
                remedy = f"call the second {kind.name}:{free}"
            raise InputError(
                f"two outputs want the same {kind.once}, {kind.name}:{wanted}; {remedy}"
            )
        if not wanted.endswith(":0"):  # 0 stands for any free port
            taken.add((kind.name, wanted))


def _full_address(target: str, default: str) -> str:
    """Return ``PORT`` or ``:PORT`` with the host of ``default`` before it."""
    host, _, port = target.rpartition(":")
    return f"{host or default.rpartition(':')[0]}:{port}"


def unready(kind: OutputKind) -> str:
    """Return why this kind of output cannot work here, with the remedy; "" if it can."""
    module = import_module(kind.module)
    why: Callable[[], str] | None = getattr(module, "unready", None)
    return "" if why is None else why()


def open_output(spec: OutputSpec, context: OutputContext) -> Output:
    """Import the output's module, and open the output.

    Raises:
        OutputError: it cannot work here or now; the text tells the reason and the remedy.
    """
    delivery = spec.delivery
    context = replace(context, codec=delivery.codec, part_s=60.0 * (delivery.part_min or 0.0))
    output: Output = import_module(KINDS[spec.kind].module).open_output(spec.target, context)
    return output
