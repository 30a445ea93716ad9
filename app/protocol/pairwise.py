"""Pairwise subjects: a person has another name in each sector, so that applications cannot compare notes about him
(OpenID Connect Core §8.1, ID-7).

A sector is a host: that of `sector_identifier_uri`, or the one that all redirect URIs have. It is worked out when the
application registers, and stays: whoever moves to another host must not find that all his people are others now.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit
from uuid import UUID

from app.crypto.hashing import keyed
from app.protocol import redirect_uri
from app.protocol.fetching import Failed

MEDIA_TYPES = ("application/json",)
MAX_BYTES = 65_536

_LABEL = b"assent/pairwise/1"
_ASK_NOBODY = ("urn:ietf:params:oauth:grant-type:jwt-bearer", "urn:ietf:params:oauth:grant-type:token-exchange")
"""Grant types whose tokens tell of a person by his own subject: no consent made a record that could hold another."""


def subject(key: bytes, sector: str, user_id: UUID) -> str:
    """Return what a person is called in a sector: the same whenever it is worked out, and nobody without the key can
    get from it to the person, or to his names elsewhere."""
    made = keyed(key, _LABEL, user_id.bytes, sector.encode("utf-8"))
    return urlsafe_b64encode(made).rstrip(b"=").decode("ascii")


def sector_of(sector_identifier_uri: str | None, redirect_uris: Sequence[str]) -> str:
    """Return the sector of an application; empty where there is none that is its own.

    Addresses of private networks, loopback ones first, and private schemes are everybody's: applications of whomever
    would be one sector.
    """
    if sector_identifier_uri is not None:
        return urlsplit(sector_identifier_uri).hostname or ""
    hosts = {_own_host(uri) for uri in redirect_uris}
    return hosts.pop() if len(hosts) == 1 else ""


def problems(sector_identifier_uri: str | None, redirect_uris: Sequence[str], grants: Sequence[str]) -> Iterator[str]:
    """Return why an application cannot have pairwise subjects, each a sentence that begins with the member.

    DR-10: several hosts need a `sector_identifier_uri`.
    """
    yield from (
        f"subject_type is pairwise, and with grant_types {grant} nobody is asked who could be told by another subject; "
        "remove it, or register another application for that"
        for grant in _ASK_NOBODY
        if grant in grants
    )
    if not sector_of(sector_identifier_uri, redirect_uris):
        yield (
            "subject_type is pairwise, which needs one https host in all redirect_uris, or a sector_identifier_uri "
            "that lists them"
        )


def read_list(body: bytes) -> frozenset[str]:
    """Return the redirect URIs that a `sector_identifier_uri` lists; raises Failed for what is no such list."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        raise Failed("is not JSON") from None
    if not isinstance(content, list) or not all(isinstance(uri, str) for uri in content):
        raise Failed("is no JSON array of redirect URIs")
    return frozenset(content)


def _own_host(uri: str) -> str:
    """Return the host of an address that one maker has; empty for those that anybody can have on his own network."""
    parts = redirect_uri.parse(uri)
    host = parts.host.lower() if parts is not None and parts.scheme == "https" else ""
    if host.rpartition(".")[2] == "localhost":
        return ""
    try:
        return host if ip_address(host.strip("[]")).is_global else ""
    except ValueError:
        return host
