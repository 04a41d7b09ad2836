"""Opening OSCQuery for a show."""

from __future__ import annotations

import logging
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

from vjnode.control.destination import is_loopback
from vjnode.control.features import FEATURES
from vjnode.control.parameters import BY_NAME
from vjnode.show.oscquery.announcement import Announcement
from vjnode.show.oscquery.tree import Tree, host_info

if TYPE_CHECKING:
    from vjnode.config import ShowConfig
    from vjnode.control.osc import OscServer
    from vjnode.control.osc_out import OscOut
    from vjnode.control.parameter import Value
    from vjnode.show.control_sync import ControlWriter
    from vjnode.show.oscquery.server import OscQuery

_log = logging.getLogger(__name__)


def serve_oscquery(
    stack: ExitStack,
    config: ShowConfig,
    *,
    osc: OscServer,
    out: OscOut,
    writer: ControlWriter,
) -> None:
    """Serve and announce what a show is asked to, until ``stack`` ends.

    Raises:
        VjnodeError: see ``open_oscquery`` and ``Announcement``.
    """
    if config.oscquery is None:
        return
    server = open_oscquery(config.oscquery, config, osc=osc, out=out, writer=writer)
    stack.enter_context(closing(server))
    if is_loopback(config.osc_host) and not is_loopback(server.host):
        _log.warning(
            "OSCQuery tells the network of OSC at %s, where only this machine can send; "
            "add --osc 0.0.0.0:%d",
            config.osc_host,
            config.osc_port,
        )
    if config.announce:
        stack.enter_context(closing(Announcement(server.host, server.port)))


def open_oscquery(
    address: tuple[str, int],
    config: ShowConfig,
    *,
    osc: OscServer,
    out: OscOut,
    writer: ControlWriter,
) -> OscQuery:
    """Return a server at ``address``; its values are those that are told at the same addresses.

    Raises:
        VjnodeError: its port is taken, or its host is not one of this machine.
    """
    from vjnode.show.oscquery.server import OscQuery  # noqa: PLC0415 - aiohttp takes a while

    told = FEATURES if config.osc_out_rate else {}

    def value(name: str) -> Value | None:
        return writer.controls.value(name) if name in BY_NAME else out.newest.get(name)

    server = OscQuery(
        *address,
        tree=Tree(writer.names, value, told.values(), learns=bool(config.midi)),
        info=host_info("vjnode", config.osc_host, config.osc_port),
        osc=osc,
        out=out,
    )
    _log.info("OSCQuery at http://%s:%d", server.host, server.port)
    return server
