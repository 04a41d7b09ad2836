"""Announcement of OSCQuery by zeroconf, so that programs on the network find it by themselves.

What listens on this machine alone is announced on this machine alone.
"""

import ipaddress
import logging
import socket
import threading

from vjnode.errors import InputError, VjnodeError
from vjnode.remedies import install_extra

_log = logging.getLogger(__name__)

SERVICE = "_oscjson._tcp.local."
"""Type of service that the OSCQuery proposal names."""

CLOSE_S = 2.0
"""Time, s, that the end of a show waits for the thread that announces."""

_LONGEST_NAME = 63  # bytes of a label of DNS


class Announcement:
    """Announces one port, in a thread of its own: others are asked first whether the name is free.

    host: that the port is bound to; 0.0.0.0 for all addresses of this machine.
    """

    def __init__(self, host: str, port: int) -> None:
        """Open the sockets of multicast DNS.

        Raises:
            VjnodeError: the package is missing, or there is no network to announce on.
            InputError: the host is no IPv4 address.
        """
        try:
            import ifaddr  # noqa: PLC0415 - an extra
            import zeroconf  # noqa: PLC0415 - likewise
        except ImportError as error:
            raise VjnodeError(
                f"--announce needs zeroconf, which is not installed: {install_extra('announce')}"
            ) from error
        try:
            ipaddress.IPv4Address(host)
        except ValueError as error:
            raise InputError(
                f"--announce needs --oscquery at an IPv4 address, not {host}"
            ) from error
        everywhere = host == "0.0.0.0"  # noqa: S104
        try:
            self._zeroconf = zeroconf.Zeroconf(
                zeroconf.InterfaceChoice.All if everywhere else [host],
                ip_version=zeroconf.IPVersion.V4Only,
            )
            cards = ifaddr.get_adapters() if everywhere else []
        except OSError as error:
            raise VjnodeError(
                f"OSCQuery cannot be announced at {host} ({error.strerror or error}); "
                "leave --announce away, and give programs its address"
            ) from error
        found = [str(one.ip) for card in cards for one in card.ips if one.is_IPv4]
        others = [one for one in found if not ipaddress.ip_address(one).is_loopback]
        own = socket.gethostname().lower()
        self._fault = zeroconf.Error
        self.info = zeroconf.ServiceInfo(
            SERVICE,
            f"{_label(own, port)}.{SERVICE}",
            port=port,
            parsed_addresses=others or found or [host],
            server=f"{own.removesuffix('.local')}.local.",
        )
        self._thread = threading.Thread(target=self._announce, name="announce", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Say that it has gone."""
        self._thread.join(CLOSE_S)  # what is begun is ended, or it would complain
        self._zeroconf.close()

    def _announce(self) -> None:
        try:
            self._zeroconf.register_service(self.info, allow_name_change=True)
        except (self._fault, OSError, RuntimeError) as error:
            _log.warning("OSCQuery is not announced: %s", str(error) or type(error).__name__)
        else:
            _log.info("OSCQuery is announced as %s", self.info.get_name())


def _label(machine: str, port: int) -> str:
    """Return the name of the service, which a list of services shows.

    With the port, for two nodes that begin at one moment would not hear of each other's name.
    """
    name = f"vjnode ({machine.partition('.')[0]}, {port})"
    return name if len(name.encode()) <= _LONGEST_NAME else f"vjnode ({port})"
