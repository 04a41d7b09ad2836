"""The outputs there are. A new one is a module and a row here."""

from dataclasses import dataclass
from importlib import import_module

from vjnode.errors import InputError
from vjnode.output.base import Output, OutputContext, OutputSpec


@dataclass(frozen=True)
class OutputKind:
    """A row of the catalogue; ``module`` has an ``open_output(target, context)``."""

    name: str
    module: str
    usage: str
    about: str
    needs_target: bool = False


KINDS = {
    kind.name: kind
    for kind in (
        OutputKind("null", "vjnode.output.null", "null", "keeps the clock, sends nowhere"),
        OutputKind(
            "record",
            "vjnode.output.record",
            "record:PATH",
            "H.264 with the sound, as .mp4, .mov or .mkv",
            needs_target=True,
        ),
        OutputKind(
            "preview",
            "vjnode.output.preview",
            "preview[:HOST:PORT]",
            "a page for the browser, at http://127.0.0.1:8350 by default",
        ),
    )
}


def parse_output(text: str) -> OutputSpec:
    """Read one ``--output``.

    Raises:
        InputError: unknown kind, or a kind that needs a target and has none.
    """
    name, _, target = text.partition(":")
    kind = KINDS.get(name)
    if kind is None:
        known = ", ".join(kind.usage for kind in KINDS.values())
        raise InputError(f"unknown output '{text}'; there are: {known}")
    if kind.needs_target and not target:
        raise InputError(f"the output '{name}' needs a target: {kind.usage}")
    return OutputSpec(name, target)


def open_output(spec: OutputSpec, context: OutputContext) -> Output:
    """Import the module behind ``spec`` and open it.

    Raises:
        OutputError: it cannot work here or now; the text says why and what helps.
    """
    output: Output = import_module(KINDS[spec.kind].module).open_output(spec.target, context)
    return output
