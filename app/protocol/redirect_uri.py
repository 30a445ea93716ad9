"""Redirect URIs: which may be registered, and which request matches which registration (standards B6).

Comparison is by exact string (RFC 9700 §4.1.3); the one exception is the port of loopback http URIs (RFC 8252 §7.3).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address
from urllib.parse import urlencode

from app.protocol.errors import ErrorCode, OAuthError

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "[::1]", "localhost"})
"""The hosts that are this computer, as they stand in a URI (RFC 8252 §7.3, §8.3)."""

LOOPBACK_NAMES = frozenset(host.strip("[]") for host in LOOPBACK_HOSTS)
"""The same without brackets, as `urllib.parse` names them."""

DANGEROUS_SCHEMES = frozenset({"javascript", "data", "vbscript", "file", "blob", "about", "ws", "wss", "ftp", "mailto"})
KNOWN_SCHEMES = frozenset({"cursor"})
"""Private schemes without a dot that well-known programs answer to, and cannot change (docs/decisions/0048)."""

MAX_LENGTH = 2000

_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_PARTS = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.\-]*):(?://(?P<authority>[^/?#]*))?(?P<rest>[^#]*)(?P<fragment>#.*)?"
)
_AUTHORITY = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._\-]+)(?::(?P<port>[0-9]{1,5}))?")


@dataclass(frozen=True, slots=True)
class Parts:
    """A redirect URI taken apart; `authority` is None for private-use schemes with a single slash."""

    scheme: str
    authority: str | None
    host: str
    port: str | None
    rest: str
    fragment: bool

    @property
    def loopback(self) -> bool:
        """Whether the port of this URI does not count: http on a loopback literal or localhost (RU-2, RU-3)."""
        return self.scheme == "http" and self.host in LOOPBACK_HOSTS


def parse(uri: str) -> Parts | None:
    """Take a URI apart strictly; None for anything relative, not printable ASCII, with userinfo or a backslash."""
    if len(uri) > MAX_LENGTH or not _PRINTABLE.fullmatch(uri) or "\\" in uri or '"' in uri or "<" in uri or ">" in uri:
        return None
    found = _PARTS.fullmatch(uri)
    if found is None:
        return None
    authority, host, port = found["authority"], "", None
    if authority is not None:
        split = _AUTHORITY.fullmatch(authority)
        if split is None or (split["port"] is not None and int(split["port"]) > 65_535):
            return None
        host, port = split["host"], split["port"]
    return Parts(found["scheme"], authority, host, port, found["rest"], found["fragment"] is not None)


def check_registrable(uri: str) -> None:
    """Raise `invalid_redirect_uri` for what may never be registered (G7, RU-4 to RU-7, RU-9, RU-10); says which rule is
    broken. All three kinds that native applications have are acceptable (NA-3)."""
    parts = parse(uri)
    if parts is None:
        raise _refused(
            "must be an absolute URI of at most 2000 printable ASCII characters, without user name or wildcard"
        )
    scheme = parts.scheme.lower()
    if parts.fragment:
        raise _refused("must not have a fragment")
    if parts.host.startswith("[") and not _is_ipv6(parts.host.strip("[]")):
        raise _refused("must have an IPv6 address in brackets, and nothing else")
    if scheme in DANGEROUS_SCHEMES:
        raise _refused(f"must not use the scheme {scheme}")
    if scheme != parts.scheme:
        raise _refused("must have its scheme in lower case")
    if scheme == "https":
        if not parts.host:
            raise _refused("must name a host")
    elif scheme == "http":
        if parts.host not in LOOPBACK_HOSTS:
            raise _refused("must use https; plain http is accepted only for 127.0.0.1, [::1] and localhost")
    elif scheme in KNOWN_SCHEMES:
        if parts.authority is not None and not parts.host:
            raise _refused(f"must name its program behind {scheme}://")
    elif "." not in scheme:
        raise _refused(
            "must use https, loopback http, or a private scheme in reverse-domain form such as com.example.app"
        )
    elif parts.authority is not None:
        raise _refused("with a private scheme must have a single slash, such as com.example.app:/callback")
    if _has_dot_segment(parts.rest):
        raise _refused("must not have . or .. segments in its path")


def match(registered: Iterable[str], requested: str) -> str | None:
    """Return the string to send the answer to, or None when nothing registered matches (G2, RU-1).

    It is the registered string, with the requested port where the loopback rule applies (RU-9).
    """
    for candidate in registered:
        if candidate == requested:
            return candidate if _may_redirect(candidate) else None
    asked = parse(requested)
    if asked is None or not asked.loopback or asked.fragment:
        return None
    for candidate in registered:
        known = parse(candidate)
        if known is not None and known.loopback and (known.host, known.rest) == (asked.host, asked.rest):
            port = f":{asked.port}" if asked.port is not None else ""
            return f"http://{known.host}{port}{known.rest}"
    return None


def with_query(uri: str, members: Mapping[str, str]) -> str:
    """Return a URI with further members behind its own query, which stays as it is."""
    return f"{uri}{'&' if '?' in uri else '?'}{urlencode(members)}"


def display_host(uri: str) -> str:
    """Return what a person should read as the destination: the host, or the scheme of a private-use URI (CS-1)."""
    parts = parse(uri)
    if parts is None:
        return ""
    return parts.host if parts.scheme in ("https", "http") else f"{parts.scheme}:"


def known_host(uris: Sequence[str], *, vouched: bool) -> str:
    """Return the host to know an application by, of its registered addresses: the first one's where somebody here
    answers for it. Whoever nobody answers for may register anybody's beside his own: with several there is none."""
    hosts = [display_host(uri) for uri in uris]
    places = {"localhost" if host in LOOPBACK_HOSTS else host for host in hosts}
    return hosts[0] if hosts and (vouched or len(places) == 1) else ""


def assured(uri: str) -> bool:
    """Whether the destination identifies the application: an https host, no loopback, no private scheme (CS-3)."""
    parts = parse(uri)
    return parts is not None and parts.scheme == "https" and parts.host not in LOOPBACK_HOSTS


def is_of_origin(uri: str, address: str) -> bool:
    """Whether the destination is of the https origin of an address: whoever gets the answer is who has that, and nobody
    else (CI-7, BB-5)."""
    there, here = parse(uri), parse(address)
    if there is None or here is None or not there.host or there.scheme != "https":
        return False
    return (there.host.lower(), there.port or "443") == (here.host.lower(), here.port or "443")


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except ValueError:
        return False
    return True


def _may_redirect(uri: str) -> bool:
    """RU-10: what registration would refuse today is not redirected to, even if an old row holds it."""
    try:
        check_registrable(uri)
    except OAuthError:
        return False
    return True


def _has_dot_segment(rest: str) -> bool:
    path = rest.partition("?")[0]
    return any(segment in {".", ".."} for segment in path.split("/"))


def _refused(rule: str) -> OAuthError:
    return OAuthError(ErrorCode.INVALID_REDIRECT_URI, f"redirect_uri {rule}")
