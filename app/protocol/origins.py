"""Allowed origins: from which websites a credential may be used (original behaviour §4.1).

An entry is `*`, a host (`example.com`, `localhost`: any port), a host with everything below it (`*.example.com`), or
an origin (`https://example.com`: that one alone). No entry allows no website: what was made for a server does not work
in a browser.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

MAX_LENGTH = 255
"""Characters of one entry."""

MAX_ENTRIES = 50
"""Entries of one credential."""

ANY = "*"
OPAQUE = "null"
"""What a browser says for pages without an origin. Every website can make one, in a sandboxed frame."""

_ENTRY = re.compile(
    r"(?:(?P<scheme>[a-z][a-z0-9+.-]*)://)?"
    r"(?P<host>\*|(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])"
    r"(?::(?P<port>[0-9]{1,5}))?"
)
_DEFAULT_PORTS = {"http": "80", "https": "443"}


@dataclass(frozen=True, slots=True)
class _Origin:
    """The parts of an entry, or of an Origin header, in lower case; None where it names none."""

    scheme: str | None
    host: str
    port: str | None


def problem_with(origin: str) -> str | None:
    """Return what is wrong with an entry, for whoever wrote it; None when it is one.

    A port is refused, as in the original: a host stands for all of its ports.
    """
    if len(origin) > MAX_LENGTH:
        return f"must be at most {MAX_LENGTH} characters"
    entry = _read(origin)
    if entry is None:
        return "must be *, a host such as example.com, *.example.com, or an origin such as https://example.com"
    if entry.port is not None:
        return "must have no port; a host without one stands for all of its ports"
    return None


def allows(allowed: Sequence[str], origin: str) -> bool:
    """Tell whether a request whose `Origin` header says `origin` may use the credential.

    Pages without an origin (`null`) are allowed only where every website is.
    """
    if origin == OPAQUE:
        return ANY in allowed
    asking = _read(origin)
    if asking is None or asking.scheme is None or asking.host.startswith(ANY):
        return False
    entries = (_read(text) for text in allowed)
    return any(entry is not None and _matches(entry, asking) for entry in entries)


def is_wildcard(origin: str) -> bool:
    """Tell whether an entry lets in websites of strangers: any host, or every host below a top-level domain."""
    entry = _read(origin)
    if entry is None:
        return False
    below = entry.host.removeprefix("*.")
    return entry.host == ANY or (below != entry.host and "." not in below and below != "localhost")


def origin_of(url: str) -> str:
    """Return the origin of a URL as browsers serialise it (RFC 6454 §6.2): no default port, no path."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    port = str(parts.port or "")
    return f"{parts.scheme}://{host}" + (f":{port}" if port and port != _DEFAULT_PORTS.get(parts.scheme) else "")


def _read(text: str) -> _Origin | None:
    found = _ENTRY.fullmatch(text.lower()) if text.isascii() else None
    return None if found is None else _Origin(found["scheme"], found["host"], found["port"])


def _matches(entry: _Origin, asking: _Origin) -> bool:
    if entry.scheme is not None and entry.scheme != asking.scheme:
        return False
    # The entries `*:8080` and `https://example.com:8443` come from the original only; see `problem_with`.
    if (entry.port is not None or _is_exact(entry)) and _port_of(entry, asking.scheme) != _port_of(asking):
        return False
    below = entry.host.removeprefix("*.")
    if below != entry.host:
        return asking.host == below or asking.host.endswith(f".{below}")
    return entry.host in (ANY, asking.host)


def _is_exact(entry: _Origin) -> bool:
    return entry.scheme is not None and not entry.host.startswith(ANY)


def _port_of(origin: _Origin, scheme: str | None = None) -> str | None:
    return origin.port or _DEFAULT_PORTS.get(origin.scheme or scheme or "")
