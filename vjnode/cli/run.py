"""``vjnode run`` and ``vjnode replay``: play a show live, or one that was recorded."""

import argparse
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from vjnode.audio.sources.spec import CHANNELS_USAGE, SPECS
from vjnode.cli.options import (
    Parser,
    add_look,
    add_picture,
    add_size,
    controls_asked_for,
    size_asked_for,
)
from vjnode.cli.show_options import add_kept_state, add_show
from vjnode.config import DURATION_LOW_S, ShowConfig, check_distinct
from vjnode.control.saved_state import resumed
from vjnode.control.set_list import read_set_list
from vjnode.generators.registry import PLAYABLE
from vjnode.output.clock import parse_fps
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
    _add_outputs(run)
    add_look(run)
    add_picture(run)
    add_show(run)
    add_kept_state(run)
    run.add_argument(
        "--record-session",
        type=Path,
        metavar="FILE",
        help="record what is heard and every change of a control, for replay and render",
    )


def add_replay(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add ``replay`` to the command line."""
    replay = commands.add_parser("replay", help="play a session that run recorded, without sound")
    replay.set_defaults(command=_replay, record_session=None, state=None, resume=False)
    replay.add_argument("session", type=Path, metavar="FILE")
    _add_outputs(replay)
    add_size(replay, "the session's")
    replay.add_argument(
        "--fps", type=parse_fps, metavar="N", help="frames/s (default: the session's)"
    )
    add_show(replay)


def _add_outputs(parser: Parser) -> None:
    parser.add_argument(
        "--output",
        action="append",
        metavar="OUTPUT",
        help="repeatable: "
        + "; ".join(f"{kind.usage} ({kind.about})" for kind in KINDS.values())
        + f" (default: {' '.join(DEFAULT_OUTPUTS)}); behind each, after a comma: {DELIVERY_USAGE}",
    )
    parser.add_argument("--flip-y", action="store_true", help="turn every output upside down")


def _run(options: argparse.Namespace) -> None:
    from vjnode.show.factory import stock  # noqa: PLC0415
    from vjnode.show.run import run_show  # noqa: PLC0415 - other commands do not need its imports

    config = _config(
        options,
        audio=options.audio,
        size=size_asked_for(options),
        fps=options.fps,
        generator=options.generator,
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


def _replay(options: argparse.Namespace) -> None:
    from vjnode.show.factory import stock  # noqa: PLC0415
    from vjnode.show.run import run_show  # noqa: PLC0415
    from vjnode.show.session.reader import check_looks, open_session  # noqa: PLC0415

    check_distinct(session=options.session, trace=options.trace, report=options.report)
    session = open_session(options.session)
    header = session.header
    if options.duration is None:
        options.duration = max(session.length_s, DURATION_LOW_S)
    config = _config(
        options,
        audio="",
        size=options.size or header.size,
        fps=options.fps or session.fps,
        generator=header.generator,
    )
    available = stock(PLAYABLE[header.generator])
    check_looks(session, available)
    run_show(config, next(session.ticks()).controls, available, session)


def _config(
    options: argparse.Namespace, *, audio: str, size: int, fps: Fraction, generator: str
) -> ShowConfig:
    """Return a show with what ``add_show`` and ``_add_outputs`` have added."""
    host, port = options.osc
    return ShowConfig(
        audio=audio,
        outputs=tuple(
            parse_output(text, flip_y=options.flip_y) for text in options.output or DEFAULT_OUTPUTS
        ),
        size=size,
        fps=fps,
        osc_host=host,
        osc_port=port,
        osc_out=tuple(options.osc_out),
        osc_out_rate=options.osc_out_rate,
        osc_map=tuple(options.osc_map),
        oscquery=options.oscquery,
        announce=options.announce,
        duration_s=options.duration,
        report=options.report,
        trace=options.trace,
        sweep_memory_mib=options.sweep_memory,
        drawing=options.drawing,
        generator=generator,
        midi=tuple(options.midi),
        state=options.state,
        resume=options.resume,
        record_session=options.record_session,
    )
