"""``vjnode run``: play the show live."""

import argparse
from dataclasses import replace

from vjnode.audio.sources.spec import CHANNELS_USAGE, SPECS
from vjnode.cli.options import (
    Parser,
    add_look,
    add_picture,
    add_show,
    controls_asked_for,
    size_asked_for,
)
from vjnode.config import ShowConfig
from vjnode.control.saved_state import resumed
from vjnode.control.set_list import read_set_list
from vjnode.generators.registry import PLAYABLE
from vjnode.output.delivery import USAGE as DELIVERY_USAGE
from vjnode.output.registry import KINDS, parse_output

DEFAULT_OUTPUTS = ("preview",)


def add_run(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add ``run`` to the command line."""
    run = commands.add_parser("run", help="play the show live")
    run.set_defaults(command=_run)
    run.add_argument(
        "--audio",
        default="demo",
        metavar="SOURCE",
        help=f"{SPECS} (default: %(default)s); {CHANNELS_USAGE}",
    )
    run.add_argument(
        "--output",
        action="append",
        metavar="OUTPUT",
        help="repeatable: "
        + "; ".join(f"{kind.usage} ({kind.about})" for kind in KINDS.values())
        + f" (default: {' '.join(DEFAULT_OUTPUTS)}); behind each, after a comma: {DELIVERY_USAGE}",
    )
    run.add_argument("--flip-y", action="store_true", help="turn every output upside down")
    add_look(run)
    add_picture(run)
    add_show(run)


def _run(options: argparse.Namespace) -> None:
    from vjnode.show.factory import stock  # noqa: PLC0415
    from vjnode.show.run import run_show  # noqa: PLC0415 - other commands do not need its imports

    host, port = options.osc
    config = ShowConfig(
        audio=options.audio,
        outputs=tuple(
            parse_output(text, flip_y=options.flip_y) for text in options.output or DEFAULT_OUTPUTS
        ),
        size=size_asked_for(options),
        fps=options.fps,
        osc_host=host,
        osc_port=port,
        osc_out=tuple(options.osc_out),
        osc_out_rate=options.osc_out_rate,
        oscquery=options.oscquery,
        duration_s=options.duration,
        report=options.report,
        trace=options.trace,
        sweep_memory_mib=options.sweep_memory,
        drawing=options.drawing,
        generator=options.generator,
        midi=tuple(options.midi),
        state=options.state,
        resume=options.resume,
    )
    available = stock(PLAYABLE[options.generator])
    if options.set_list is not None:
        available = replace(
            available, entries=read_set_list(options.set_list, list(available.presets))
        )
    controls = controls_asked_for(options, available)
    if options.state is not None:
        controls = resumed(options.state, controls, available, always=options.resume)
    run_show(config, controls, available)
