"""Check of a request's origin: the server's own pages and programs may ask, foreign pages not.

Any page in a browser can send requests to 127.0.0.1. A foreign page is recognised by its origin,
which the browser sends, and a page that rebinds its own domain to 127.0.0.1 by that domain in
``Host``.
"""

import ipaddress
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit


def refusal(headers: Mapping[str, str], *, loopback: bool) -> str | None:
    """Return why a request with these headers is refused, or None if it is allowed.

    loopback: whether the server listens on this machine only, so that only its names are valid
        as the host.
    """
    host = headers.get("Host", "")
    if not _is_ours(_name_in(host), loopback=loopback):
        return f"the host '{host}' is not this node; open it by its address"
    origin = headers.get("Origin")
    if origin is not None and origin != f"http://{host}":
        return f"pages of {origin} may not ask this node"
    # Browsers fetch pictures and scripts without an origin, but with this. Links are allowed.
    if headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"} and (
        headers.get("Sec-Fetch-Mode") != "navigate" or headers.get("Sec-Fetch-Dest") != "document"
    ):
        return "other pages may not ask this node"
    return None


def _name_in(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:  # an unclosed bracket
        return ""


def _is_ours(name: str, *, loopback: bool) -> bool:
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback or not loopback
    except ValueError:
        own = socket.gethostname().lower()
        return not loopback and name in {own, f"{own}.local"}
