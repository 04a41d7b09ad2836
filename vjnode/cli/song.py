"""``vjnode render`` and ``vjnode analyse``: process a song, without a show."""

import argparse
from pathlib import Path

from vjnode.cli.options import (
    DEFAULT_FPS,
    Number,
    Parser,
    add_fps,
    add_interpolation,
    add_look,
    add_size,
    add_trace,
    controls_asked_for,
    looks_given,
    size_asked_for,
)
from vjnode.config import ShowConfig, check_distinct, check_plot
from vjnode.errors import InputError
from vjnode.generators.registry import PLAYABLE
from vjnode.output.background import USAGE as BACKGROUNDS
from vjnode.output.background import check_background
from vjnode.output.base import CODECS, Delivery
from vjnode.output.clock import FPS_HIGH, FPS_LOW, parse_fps
from vjnode.output.delivery import check_delivery
from vjnode.output.registry import parse_output

NO_SONG = "-"
LOOP_BARS_HIGH = 64
LOOP_START_HIGH_S = 36_000.0


def add_render(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add ``render`` to the command line."""
    render = commands.add_parser("render", help="render a song or a session to a video file")
    render.set_defaults(command=_render)
    render.add_argument(
        "song",
        type=Path,
        metavar="SONG",
        help=f"a song, or a session that run recorded; {NO_SONG} for a --loop to an even beat",
    )
    render.add_argument("target", type=Path, metavar="OUT.mp4")
    add_look(render)
    add_size(render, "the generator's largest; of a session, its own")
    render.add_argument(
        "--fps",
        type=parse_fps,
        metavar="N",
        help=f"frames/s, {FPS_LOW} to {FPS_HIGH} (default: {DEFAULT_FPS}; of a session, its own)",
    )
    render.add_argument(
        "--alpha",
        action="store_true",
        help="cut the head out: all else is transparent, in a .mov or .mkv",
    )
    render.add_argument(
        "--background",
        type=check_background,
        default="keep",
        metavar=BACKGROUNDS,
        help="behind the head (default: %(default)s)",
    )
    render.add_argument(
        "--codec",
        choices=CODECS,
        default="",
        metavar="|".join(CODECS),
        help="default: prores4444 with --alpha, else h264",
    )
    render.add_argument(
        "--loop",
        type=(bars := Number(1, LOOP_BARS_HIGH, "bars", whole=True)),
        metavar="BARS",
        help=f"a clip without a seam, without sound: {bars.takes}",
    )
    render.add_argument(
        "--start",
        type=(start := Number(0.0, LOOP_START_HIGH_S, "s")),
        default=0.0,
        metavar="S",
        help=f"earliest beginning of a loop in the song: {start.takes} (default: %(default)s)",
    )
    add_interpolation(render)
    add_trace(render)


def add_analyse(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add ``analyse`` to the command line."""
    analyse = commands.add_parser("analyse", help="what a song would do, without pictures")
    analyse.set_defaults(command=_analyse)
    analyse.add_argument("song", type=Path, metavar="SONG")
    add_look(analyse)
    add_fps(analyse)
    add_interpolation(analyse)
    add_trace(analyse)
    analyse.add_argument(
        "--record-session",
        type=Path,
        metavar="FILE",
        help="write a session, which replay plays and render draws",
    )
    analyse.add_argument(
        "--plot", type=Path, metavar="OUT.png", help="draw what is heard and what it leads to"
    )


def _render(options: argparse.Namespace) -> None:
    from vjnode.offline.render import render  # noqa: PLC0415
    from vjnode.show.factory import stock  # noqa: PLC0415
    from vjnode.show.session.reader import is_session  # noqa: PLC0415

    check_distinct(song=options.song, video=options.target, trace=options.trace)
    generator = PLAYABLE[options.generator]
    delivery = Delivery(
        alpha="matte" if options.alpha else "opaque",
        background=options.background,
        codec=options.codec or ("" if options.alpha else "h264"),
    )
    check_delivery(delivery)
    if options.alpha and options.target.suffix.lower() == ".mp4":
        raise InputError(f"{options.target.name} cannot hold --alpha; call it .mov or .mkv")
    song = None if str(options.song) == NO_SONG else options.song
    if song is not None and is_session(song):
        _render_session(options, delivery)
        return
    if song is None and (options.loop is None or not options.bpm):
        raise InputError(f"{NO_SONG} instead of a song needs --loop BARS and --bpm X")
    config = ShowConfig(
        "",
        (parse_output("null"),),
        size_asked_for(options),
        options.fps or parse_fps(DEFAULT_FPS),
        generator=options.generator,
    )
    if options.loop is not None:
        from vjnode.offline.drawing import Film  # noqa: PLC0415
        from vjnode.offline.loop import Loop, render_loop  # noqa: PLC0415

        render_loop(
            Film(options.target, config.size, config.fps, options.trace, generator, delivery),
            controls_asked_for(options, stock(generator)),
            Loop(options.loop, options.bpm or 0.0, options.start),
            song,
            points=options.points,
            interval_s=options.interval,
        )
        return
    render(
        options.song,
        options.target,
        controls_asked_for(options, stock(generator)),
        generator=generator,
        size=config.size,
        fps=config.fps,
        trace=options.trace,
        points=options.points,
        interval_s=options.interval,
        delivery=delivery,
    )


def _render_session(options: argparse.Namespace, delivery: Delivery) -> None:
    from vjnode.offline.drawing import Film  # noqa: PLC0415
    from vjnode.offline.replay import render_session  # noqa: PLC0415
    from vjnode.show.factory import stock  # noqa: PLC0415
    from vjnode.show.session.reader import check_looks, open_session  # noqa: PLC0415

    if options.loop is not None:
        raise InputError("a loop is made of a song or of an even beat, not of a session")
    if given := looks_given(options):
        raise InputError(f"a session has its own controls; leave out {', '.join(given)}")
    session = open_session(options.song)
    name, size = session.header.generator, options.size or session.header.size
    config = ShowConfig(
        "", (parse_output("null"),), size, options.fps or session.fps, generator=name
    )
    generator = PLAYABLE[name]
    check_looks(session, stock(generator))
    film = Film(options.target, config.size, config.fps, options.trace, generator, delivery)
    render_session(session, film)


def _analyse(options: argparse.Namespace) -> None:
    from vjnode.offline.render import analyse  # noqa: PLC0415
    from vjnode.show.factory import stock  # noqa: PLC0415

    session = options.record_session
    if options.trace is None and options.plot is None and session is None:
        raise InputError(
            "nothing to do: ask for --trace FILE.jsonl, --plot OUT.png or --record-session FILE"
        )
    check_distinct(song=options.song, trace=options.trace, plot=options.plot, session=session)
    check_plot(options.plot)
    analyse(
        options.song,
        controls_asked_for(options, stock(PLAYABLE[options.generator])),
        fps=options.fps,
        trace=options.trace,
        plot=options.plot,
        session=session,
        generator=PLAYABLE[options.generator],
        points=options.points,
        interval_s=options.interval,
    )
