"""``vjnode render`` and ``vjnode analyse``: process a song, without a show."""

import argparse
from pathlib import Path

from vjnode.cli.options import (
    Parser,
    add_fps,
    add_interpolation,
    add_look,
    add_picture,
    add_trace,
    controls_asked_for,
    size_asked_for,
)
from vjnode.config import ShowConfig, check_distinct, check_plot
from vjnode.errors import InputError
from vjnode.generators.registry import PLAYABLE
from vjnode.output.background import USAGE as BACKGROUNDS
from vjnode.output.background import check_background
from vjnode.output.base import CODECS, Delivery
from vjnode.output.delivery import check_delivery
from vjnode.output.registry import parse_output


def add_render(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add ``render`` to the command line."""
    render = commands.add_parser("render", help="render a song to a video file")
    render.set_defaults(command=_render)
    render.add_argument("song", type=Path, metavar="SONG")
    render.add_argument("target", type=Path, metavar="OUT.mp4")
    add_look(render)
    add_picture(render)
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
        "--plot", type=Path, metavar="OUT.png", help="draw what is heard and what it leads to"
    )


def _render(options: argparse.Namespace) -> None:
    from vjnode.offline.render import render  # noqa: PLC0415
    from vjnode.show.factory import stock  # noqa: PLC0415

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
    config = ShowConfig(
        "",
        (parse_output("null"),),
        size_asked_for(options),
        options.fps,
        generator=options.generator,
    )
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


def _analyse(options: argparse.Namespace) -> None:
    from vjnode.offline.render import analyse  # noqa: PLC0415
    from vjnode.show.factory import stock  # noqa: PLC0415

    if options.trace is None and options.plot is None:
        raise InputError("nothing to do: ask for --trace FILE.jsonl, --plot OUT.png, or both")
    check_distinct(song=options.song, trace=options.trace, plot=options.plot)
    check_plot(options.plot)
    analyse(
        options.song,
        controls_asked_for(options, stock(PLAYABLE[options.generator])),
        fps=options.fps,
        trace=options.trace,
        plot=options.plot,
        points=options.points,
        interval_s=options.interval,
    )
