"""Certificates of clients (RFC 8705): how the server meets them, and how a proxy in front tells of them (RFC 9440).

A certificate is shown in the TLS handshake. Either the server was there itself, or a proxy that the operator trusts
says so in the header `Client-Cert`; from anybody else that header counts for nothing (MT-5).
"""

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping
from dataclasses import dataclass, field

from app.crypto.certificates import Certificate
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.features import Feature, FeatureSet

SHOWN = "client_certificate"
"""Under this name a request's state holds the certificate of its own connection: DER, checked by TLS."""

BY_PROXY = "by_trusted_proxy"
"""Under this name a request's state is true when a trusted proxy has made the connection."""

MOST_ABOVE = 8
"""Certificates of authorities that may come along with one."""

ALIASED = (
    "token_endpoint",
    "revocation_endpoint",
    "introspection_endpoint",
    "device_authorization_endpoint",
    "backchannel_authentication_endpoint",
    "pushed_authorization_request_endpoint",
    "userinfo_endpoint",
)
"""Endpoints where a client may have to show its certificate (RFC 8705 §5)."""

_ITEM = re.compile(r" *:([A-Za-z0-9+/=]*): *")


@dataclass(frozen=True, slots=True)
class MutualTls:
    """How the server meets client certificates.

    `authorities` is the PEM text of those that vouch for clients. `proxy_header`: trusted proxies forward certificates.
    `url` is the address of the server at which clients are asked for them, None: the issuer's own.
    """

    authorities: bytes = field(default=b"", repr=False)
    proxy_header: bool = False
    url: str | None = None


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A certificate whose key the client of a request has proved to hold.

    `trusted`: one of the configured authorities vouches for what it says; otherwise only its key counts.
    """

    shown: Certificate
    trusted: bool


def is_offered(features: FeatureSet) -> bool:
    """Tell whether certificates count here; otherwise nobody looks at them."""
    return Feature.MUTUAL_TLS in features


def forwarded(header: str) -> bytes:
    """Return the certificate (DER) in `Client-Cert` (RFC 9440 §2.2); raises `invalid_request` for anything else.

    Twice is anything else: one of both may be the client's own, which the proxy should have removed (MT-5).
    """
    return _bytes_of(header, "Client-Cert")


def forwarded_chain(header: str | None) -> tuple[bytes, ...]:
    """Return the certificates in `Client-Cert-Chain`, the nearest first (RFC 9440 §2.3); raises `invalid_request`."""
    if not header:
        return ()
    items = header.split(",")
    if len(items) > MOST_ABOVE:
        raise OAuthError(ErrorCode.INVALID_REQUEST, f"Client-Cert-Chain has more than {MOST_ABOVE} certificates")
    return tuple(_bytes_of(item, "Client-Cert-Chain") for item in items)


def aliases(members: Mapping[str, object], issuer: str, url: str | None) -> dict[str, str]:
    """Return `mtls_endpoint_aliases`: where the endpoints of the metadata are for clients that show a certificate
    (MT-3); nothing when that is where they are anyway."""
    if url is None:
        return {}
    return {name: url + str(members[name]).removeprefix(issuer) for name in ALIASED if name in members}


def _bytes_of(item: str, name: str) -> bytes:
    """RFC 8941 §3.3.5: a byte sequence is base64 between colons."""
    found = _ITEM.fullmatch(item)
    try:
        if found is not None:
            return b64decode(found[1], validate=True)
    except Base64Error:
        pass
    raise OAuthError(ErrorCode.INVALID_REQUEST, f"the header {name} is not as RFC 9440 says, or came twice")
