"""Which URLs of others the server asks, and what they name (NS-4).

A URL that two parsers could read differently is refused, not repaired: whoever checks it and whoever connects by it
must mean the same host.

Ports: 443, and those from 1024 on. Below lie the services that do not speak https (mail, shells, names), and a server
that knocks there on request is a scanner in a stranger's hand; above, people without root serve https too (8443).
"""

import re
from collections.abc import Set
from dataclasses import dataclass
from ipaddress import ip_address

from app.protocol import redirect_uri
from app.protocol.fetching import Refused
from app.protocol.outbound_addresses import Address, forbidden

HTTPS_PORT = 443
FIRST_FREE_PORT = 1024
"""Ports below belong to the system's services (RFC 6335 §6)."""

_PORTS = {"https": HTTPS_PORT, "http": 80}
_NAME = re.compile(
    r"(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*"
)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes. `host` is the URL's in lower case, IPv6 without brackets; `request` path and query.

    `literal` is the address when the URL names one. `exempt` targets may be in our own network, and may do without TLS.
    """

    https: bool
    host: str
    port: int
    request: str
    literal: Address | None
    exempt: bool

    @property
    def place(self) -> str:
        """Host and port: what logs may say of a URL (NS-5)."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def target_of(url: str, allow: Set[str] = frozenset()) -> Target:
    """Take a URL apart and judge everything that can be judged before names are resolved.

    `allow` are the exempted `host:port` pairs in lower case. Raises Refused.
    """
    parts = redirect_uri.parse(url)
    if parts is None or not parts.host:
        raise Refused(
            "must be an absolute https URL of at most 2000 printable ASCII characters with a plain host name, "
            "without user name"
        )
    if parts.fragment:
        raise Refused("must not have a fragment")
    if parts.scheme not in _PORTS:
        raise Refused("must use https")
    written = parts.host.lower()
    port = _PORTS[parts.scheme] if parts.port is None else int(parts.port)
    exempt = f"{written}:{port}" in allow
    if parts.scheme != "https" and not exempt:
        raise Refused("must use https")
    if not exempt and port != HTTPS_PORT and port < FIRST_FREE_PORT:
        raise Refused(f"must use port {HTTPS_PORT}, or one from {FIRST_FREE_PORT} on")
    literal = _literal(written)
    if literal is None and not _NAME.fullmatch(written):
        raise Refused("must have a plain host name, such as keys.example.com")
    if literal is not None and (kind := forbidden(literal, exempt=exempt)):
        raise Refused(f"must name a public host; its address is {kind}")
    path = parts.rest if parts.rest.startswith("/") else f"/{parts.rest}"
    return Target(parts.scheme == "https", written.strip("[]"), port, path, literal, exempt)


def _literal(host: str) -> Address | None:
    """Return the address that a host is, None for a name. Numbers that are no plain address are refused.

    A host whose last label is a number is an IPv4 address to browsers and resolvers, in octal, hexadecimal, as one
    number or with parts left out (WHATWG URL §3.5).
    """
    if not host.startswith("[") and not _NUMBER.fullmatch(host.rpartition(".")[2]):
        return None
    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        raise Refused("must write an address in its plain form, such as 192.0.2.1") from None
