"""``vjnode midi bridge``: controllers play a show on another machine."""

import argparse
import logging
import time
from contextlib import ExitStack, closing

from vjnode.cli.options import Parser
from vjnode.config import OSC_HOST, OSC_PORT, parse_address
from vjnode.control.midi.remote_show import RemoteShow
from vjnode.control.midi.server import MidiServer
from vjnode.control.presets import load_stock
from vjnode.faces.catalogue import expression_names, face_names

_log = logging.getLogger(__name__)


def add_bridge(actions: "argparse._SubParsersAction[Parser]") -> None:
    """Add ``bridge`` to ``vjnode midi``."""
    bridge = actions.add_parser(
        "bridge", help="play a show on another machine by OSC; Ctrl-C ends it"
    )
    bridge.set_defaults(command=_bridge)
    bridge.add_argument(
        "--to",
        type=parse_address,
        default=f"{OSC_HOST}:{OSC_PORT}",
        metavar="HOST:PORT",
        help="where the show listens for OSC (default: %(default)s)",
    )
    bridge.add_argument(
        "--midi",
        action="append",
        default=[],
        metavar="NAME",
        help="repeatable: a controller, by a part of its name; without it, all that are known",
    )


def _bridge(options: argparse.Namespace) -> None:
    host, port = options.to
    available = load_stock(face_names(), expression_names())
    with ExitStack() as stack:
        show = stack.enter_context(closing(RemoteShow(host, port, available)))
        stack.enter_context(closing(MidiServer(options.midi or [""], show)))
        _log.info("MIDI plays %s:%d by OSC; Ctrl-C ends it", host, port)
        while True:
            time.sleep(1.0)
