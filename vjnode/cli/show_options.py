"""Options of a show that runs: control, length, report, drawing, and what it goes through."""

import argparse
from pathlib import Path

from vjnode.cli.options import Number, add_trace
from vjnode.config import (
    DRAWINGS,
    DURATION_HIGH_S,
    DURATION_LOW_S,
    OSC_HOST,
    OSC_OUT_RATE,
    OSC_OUT_RATE_HIGH,
    OSC_PORT,
    SWEEP_MEMORY_HIGH_MIB,
    SWEEP_MEMORY_LOW_MIB,
    SWEEP_MEMORY_MIB,
    parse_address,
)
from vjnode.engines.base import LEAST_LIVE_FPS


def add_show(parser: argparse.ArgumentParser) -> None:
    """Add the options of a live show alone: OSC, length, report, memory and way of drawing."""
    parser.add_argument(
        "--osc",
        type=parse_address,
        default=f"{OSC_HOST}:{OSC_PORT}",
        metavar="HOST:PORT",
        help="where to listen for OSC (default: %(default)s; only this machine can send there)",
    )
    parser.add_argument(
        "--osc-out",
        type=parse_address,
        action="append",
        default=[],
        metavar="HOST:PORT",
        help="repeatable: where to send the values of parameters and features by OSC",
    )
    parser.add_argument(
        "--osc-out-rate",
        type=(rate := Number(1.0, OSC_OUT_RATE_HIGH, "times a second", off=0, off_means="never")),
        default=OSC_OUT_RATE,
        metavar="N",
        help=f"how often features are sent: {rate.takes} (default: %(default)s)",
    )
    parser.add_argument(
        "--osc-map",
        action="append",
        default=[],
        metavar="MAP[,to=HOST:PORT]",
        help="repeatable: send values under other programs' addresses, scaled: resolume, "
        "touchdesigner, or FILE.toml",
    )
    parser.add_argument(
        "--oscquery",
        type=parse_address,
        metavar="HOST:PORT",
        help="where to serve the list of parameters, and their values, by OSCQuery",
    )
    parser.add_argument(
        "--announce",
        action="store_true",
        help="tell the network of --oscquery by zeroconf, so that programs find it by themselves",
    )
    parser.add_argument(
        "--midi",
        action="append",
        nargs="?",
        const="",
        default=[],
        metavar="NAME",
        help="repeatable: a MIDI controller, by a part of its name; without it, all that are known",
    )
    parser.add_argument(
        "--duration",
        type=Number(DURATION_LOW_S, DURATION_HIGH_S, "s"),
        metavar="S",
        help="end after so many seconds",
    )
    parser.add_argument("--report", type=Path, metavar="FILE.json", help="write figures at the end")
    add_trace(parser)
    parser.add_argument(
        "--sweep-memory",
        type=Number(SWEEP_MEMORY_LOW_MIB, SWEEP_MEMORY_HIGH_MIB, "MiB", whole=True),
        default=SWEEP_MEMORY_MIB,
        metavar="MIB",
        help="memory for key frames, MiB (default: %(default)s)",
    )
    parser.add_argument(
        "--drawing",
        default=DRAWINGS[0],
        metavar="|".join(DRAWINGS),
        help="blend key frames, or draw every frame live: faces at 512 or 256 px anywhere, else "
        f"where that reaches {LEAST_LIVE_FPS:g} pictures a second; auto draws live where every "
        "frame is in time (default: %(default)s)",
    )


def add_kept_state(parser: argparse.ArgumentParser) -> None:
    """Add the options for what a show goes through, and goes on from after a crash."""
    parser.add_argument(
        "--set-list",
        type=Path,
        metavar="FILE.toml",
        help="the presets of an evening in their order, which /vjnode/set/next goes through",
    )
    parser.add_argument(
        "--state",
        type=Path,
        metavar="FILE.json",
        help="keep the state of every parameter as it changes, and go on from it after a crash",
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on from --state after an end in order, too"
    )
