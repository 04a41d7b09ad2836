"""``vjnode devices`` and ``outputs``: lists of choices."""

import argparse
import sys
from collections.abc import Sequence

from vjnode.cli.options import Parser
from vjnode.output.registry import KINDS, unready


def add_lists(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add the commands that list something to the command line."""
    for name, command, about in (
        ("devices", _devices, "list sound inputs"),
        ("outputs", _outputs, "list outputs, and whether they work here"),
    ):
        commands.add_parser(name, help=about).set_defaults(command=command)


def print_rows(rows: Sequence[tuple[str, ...]]) -> None:
    """Print rows with their columns aligned; the name comes first."""
    if not rows:
        print("vjnode: there are none", file=sys.stderr)
        return
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print(line.rstrip())


def _devices(options: argparse.Namespace) -> None:
    del options
    from vjnode.audio.sources.device_list import list_devices  # noqa: PLC0415

    print_rows(
        [
            (
                device.name,
                "1 channel" if device.channels == 1 else f"{device.channels} channels",
                device.host_api,
                "default" if device.default else "",
            )
            for device in list_devices()
        ]
    )


def _outputs(options: argparse.Namespace) -> None:
    del options
    print_rows([(kind.usage, unready(kind) or "ready", kind.about) for kind in KINDS.values()])
