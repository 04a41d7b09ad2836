"""The report: what a show achieved, as JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from vjnode.config import ShowConfig
from vjnode.control.midi.player import MidiCounts
from vjnode.control.osc import OscCounts
from vjnode.errors import VjnodeError
from vjnode.output.base import OutputSpec
from vjnode.paths import check_writable, replace_file
from vjnode.show.shared_memory import ShowMemory
from vjnode.show.supervision.supervisor import Supervisor


def check_report(path: Path | None) -> None:
    """Make sure, before a show, that its report can be written after it.

    Raises:
        VjnodeError: the file cannot be written.
    """
    try:
        if path is not None:
            check_writable(path)
    except OSError as error:
        raise VjnodeError(f"the report {path} cannot be written: {error.strerror}") from error


def output_names(outputs: Sequence[OutputSpec]) -> list[str]:
    """Return a name for each output; the same one twice gets a number."""
    names = [str(spec) for spec in outputs]
    return [
        name if names.count(name) == 1 else f"{name} ({names[: place + 1].count(name)})"
        for place, name in enumerate(names)
    ]


def write_report(
    path: Path,
    *,
    config: ShowConfig,
    memory: ShowMemory,
    epoch_s: float | None,
    supervisor: Supervisor,
    osc: OscCounts,
    osc_out: Mapping[str, int],
    osc_map: Mapping[str, int],
    midi: MidiCounts | None,
    engine: str,
) -> None:
    """Write the report; the first output's figures stand at the top, all of them below.

    epoch_s: when the show began, monotonic s; None where it never did.

    Raises:
        VjnodeError: the file cannot be written.
    """
    figures = [meter.summary(epoch_s) for meter in memory.meters]
    names = output_names(config.outputs)
    report = {
        **figures[0],
        "restarts": supervisor.restarts,
        "incidents": supervisor.report(),
        "osc": asdict(osc),
        "osc_out": dict(osc_out),
        "osc_map": dict(osc_map),
        "midi": asdict(midi) if midi is not None else None,
        "generator": config.generator,
        "engine": engine,
        "engine_choice": supervisor.about("engine"),
        "encoder_choice": supervisor.about("audio"),
        "size": config.size,
        "outputs": {
            name: figures[index]
            | {"incidents": supervisor.report(name), "about": memory.about(index)}
            for index, name in enumerate(names)
        },
    }
    try:
        replace_file(path, (json.dumps(report, indent=2) + "\n").encode())
    except OSError as error:
        raise VjnodeError(f"the report {path} cannot be written: {error.strerror}") from error
