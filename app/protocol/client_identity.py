"""What people judge a client by that nobody here answers for, as one text: when it changes they are asked again
(CI-11)."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

from app.crypto.hashing import digest
from app.crypto.jose import JoseError, thumbprint
from app.protocol import redirect_uri
from app.protocol.client_metadata import ClientMetadata

CHANGES = {
    "name": "its name",
    "logo": "its logo",
    "hosts": "where it sends people back to",
    "proof": "how it proves who it is",
}
"""The parts of an identity, in their order, and what they are called towards people."""

_PART = 27
"""Characters of each part: 162 bits, so that nobody finds two names with the same."""


def identity_of(metadata: ClientMetadata) -> str:
    """Return what people judge a client by: parts in the order of `CHANGES`, each of which is another text when
    something about it is (CI-11)."""
    material = metadata.key_material()
    keys = sorted(map(_key_name, material.jwks))
    parts = (
        metadata.client_name,
        metadata.logo_uri or "",
        sorted({_place(uri) for uri in metadata.redirect_uris}),
        [metadata.token_endpoint_auth_method, material.jwks_uri, keys],
    )
    return ".".join(_part(part) for part in parts)


def changes(before: str, now: str) -> tuple[str, ...]:
    """Return what is different between two identities, in words for people; nothing where one is not known."""
    if not before or not now:
        return ()
    pairs = zip(CHANGES.values(), before.split("."), now.split("."), strict=False)
    return tuple(words for words, old, new in pairs if old != new)


def _place(uri: str) -> str:
    """Where an answer goes to. The names of one's own computer are one place: none of them is anybody's."""
    parts = redirect_uri.parse(uri)
    if parts is None or parts.loopback:
        return "loopback"
    return parts.host.lower() or f"{parts.scheme}:"


def _key_name(key: Mapping[str, Any]) -> str:
    try:
        return thumbprint(key)
    except JoseError:  # it is for nothing that we do
        return json.dumps(key, sort_keys=True)


def _part(value: object) -> str:
    made = digest(json.dumps(value).encode("ascii"))
    return urlsafe_b64encode(made)[:_PART].decode("ascii")
