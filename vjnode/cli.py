"""The command line."""

import argparse
import signal
import sys
from _thread import interrupt_main
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType

from vjnode import __version__, windows
from vjnode.audio.sources.spec import CHANNELS_USAGE, SPECS
from vjnode.cli_engines import add_engines
from vjnode.config import ShowConfig, check_distinct, check_plot
from vjnode.console import errors_console, replace_what_cannot_be_shown
from vjnode.errors import InputError, VjnodeError
from vjnode.options import (
    Parser,
    add_fps,
    add_interpolation,
    add_look,
    add_picture,
    add_show,
    add_trace,
    controls_asked_for,
)
from vjnode.output.delivery import USAGE as DELIVERY_USAGE
from vjnode.output.registry import KINDS, parse_output, unready
from vjnode.runtime import heeded_signals, log_to_stderr

DEFAULT_OUTPUTS = ("preview",)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0 done, 1 failed, 2 bad request."""
    return run_command(build_parser(), arguments)


def run_command(parser: argparse.ArgumentParser, arguments: Sequence[str] | None = None) -> int:
    """Run the command that ``parser`` reads; returns the exit code, and says what went wrong."""
    replace_what_cannot_be_shown()
    log_to_stderr()
    try:
        options = parser.parse_args(arguments)
        with stopped_by_signals():
            options.command(options)
    except VjnodeError as error:
        errors_console().flush()
        print(f"vjnode: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `vjnode faces | head`
        if sys.stderr is not None:  # pythonw.exe has none
            sys.stderr.close()
        return 0
    return 0


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Within it, SIGTERM and a closed terminal end the program in order, as Ctrl-C does.

    On Windows a closed console is told as a Ctrl-Break is.
    """

    def leave(number: int, frame: FrameType | None) -> None:
        del frame
        raise SystemExit(128 + number)

    before = {
        one: signal.signal(one, leave) for one in heeded_signals("SIGTERM", "SIGHUP", "SIGBREAK")
    }
    if sys.platform == "win32":
        told = partial(interrupt_main, signal.SIGBREAK)
        windows.heed_console(broken=told, closed=told)
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = Parser(
        prog="vjnode", description="Live sound drives the expression of a generated face."
    )
    parser.add_argument("--version", action="version", version=f"vjnode {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

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

    render = commands.add_parser("render", help="render a song to a video file")
    render.set_defaults(command=_render)
    render.add_argument("song", type=Path, metavar="SONG")
    render.add_argument("target", type=Path, metavar="OUT.mp4")
    add_look(render)
    add_picture(render)
    add_interpolation(render)
    add_trace(render)

    analyse = commands.add_parser("analyse", help="what a song would do, without pictures")
    analyse.set_defaults(command=_analyse)
    analyse.add_argument("song", type=Path, metavar="SONG")
    add_look(analyse)
    add_fps(analyse)
    add_interpolation(analyse)
    add_trace(analyse)
    analyse.add_argument(
        "--plot", type=Path, metavar="OUT.png", help="draw what is heard and what it leads to"
    )

    for name, command, about in (
        ("devices", _devices, "list sound inputs"),
        ("faces", _faces, "list faces"),
        ("expressions", _expressions, "list expressions"),
        ("presets", _presets, "list presets"),
        ("outputs", _outputs, "list outputs, and whether they work here"),
    ):
        commands.add_parser(name, help=about).set_defaults(command=command)
    add_engines(commands)
    return parser


def _run(options: argparse.Namespace) -> None:
    from vjnode.show.factory import stock  # noqa: PLC0415
    from vjnode.show.run import run_show  # noqa: PLC0415 - lists need none of what this loads

    host, port = options.osc
    config = ShowConfig(
        audio=options.audio,
        outputs=tuple(
            parse_output(text, flip_y=options.flip_y) for text in options.output or DEFAULT_OUTPUTS
        ),
        size=options.size,
        fps=options.fps,
        osc_host=host,
        osc_port=port,
        duration_s=options.duration,
        report=options.report,
        trace=options.trace,
        sweep_memory_mib=options.sweep_memory,
        drawing=options.drawing,
    )
    available = stock()
    run_show(config, controls_asked_for(options, available), available)


def _render(options: argparse.Namespace) -> None:
    from vjnode.offline.render import render  # noqa: PLC0415
    from vjnode.show.factory import stock  # noqa: PLC0415

    check_distinct(song=options.song, video=options.target, trace=options.trace)
    config = ShowConfig("", (parse_output("null"),), options.size, options.fps)
    render(
        options.song,
        options.target,
        controls_asked_for(options, stock()),
        size=config.size,
        fps=config.fps,
        trace=options.trace,
        points=options.points,
        interval_s=options.interval,
    )


def _analyse(options: argparse.Namespace) -> None:
    from vjnode.offline.render import analyse  # noqa: PLC0415
    from vjnode.show.factory import stock  # noqa: PLC0415

    if options.trace is None and options.plot is None:
        raise InputError("nothing to do: ask for --trace FILE.jsonl, --plot OUT.png, or both")
    check_distinct(song=options.song, trace=options.trace, plot=options.plot)
    check_plot(options.plot)
    analyse(
        options.song,
        controls_asked_for(options, stock()),
        fps=options.fps,
        trace=options.trace,
        plot=options.plot,
        points=options.points,
        interval_s=options.interval,
    )


def _print_rows(rows: Sequence[tuple[str, ...]]) -> None:
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

    _print_rows(
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
    _print_rows([(kind.usage, unready(kind) or "ready", kind.about) for kind in KINDS.values()])


def _faces(options: argparse.Namespace) -> None:
    del options
    from vjnode.faces.catalogue import face_names, load_face  # noqa: PLC0415

    names = face_names()
    _print_rows([(name, str(i), load_face(name).about) for i, name in enumerate(names)])


def _expressions(options: argparse.Namespace) -> None:
    del options
    from vjnode.faces.catalogue import expression_names, load_expression  # noqa: PLC0415

    names = expression_names()
    _print_rows([(name, str(i), load_expression(name).about) for i, name in enumerate(names)])


def _presets(options: argparse.Namespace) -> None:
    del options
    from vjnode.control.presets import scan_presets  # noqa: PLC0415
    from vjnode.faces.catalogue import expression_names, face_names  # noqa: PLC0415

    presets = scan_presets(faces=face_names(), expressions=expression_names())
    _print_rows([(one.name, str(i), one.about) for i, one in enumerate(presets.values())])


if __name__ == "__main__":
    sys.exit(main())
