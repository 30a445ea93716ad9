"""What a system of the bitmask era kept, read the way that system read it (original behaviour §1.7).

Scopes stand in a list, or, where the list is empty, in a mask; the two are never put together.

Credentials are bare hexadecimal strings without an id. At the door such a string is looked up by its digest and, once
its row is known, becomes a credential of ours: the id of the row, and a secret that follows from the string and not
from the digest, so that whoever reads the database can make neither.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from app.crypto.hashing import Digest, digest
from app.protocol.scopes import ScopeRegistry
from app.protocol.token_format import Credential, Prefix, format_credential

CredentialKind = Literal["access_token", "refresh_token", "personal_token", "api_key"]

_PREFIXES: dict[CredentialKind, Prefix] = {
    "access_token": Prefix.LEGACY_TOKEN,
    "refresh_token": Prefix.REFRESH_TOKEN,
    "personal_token": Prefix.PERSONAL_TOKEN,
    "api_key": Prefix.API_KEY,
}

_STRING = re.compile(r"(?:[0-9a-f]{32}){1,2}")


@dataclass(frozen=True, slots=True)
class Effective:
    """The scopes in force, in order and each once; `nameless` are bits that no scope of the registry has."""

    scopes: tuple[str, ...]
    nameless: tuple[int, ...] = ()


def effective_scopes(names: Sequence[str], mask: int, registry: ScopeRegistry) -> Effective:
    """Return what a list and a mask stand for: the list unless it is empty, else the mask in the order of its bits."""
    if names:
        return Effective(tuple(dict.fromkeys(names)))
    bits = [bit for bit in range(max(mask, 0).bit_length()) if mask >> bit & 1]
    return Effective(
        tuple(registry.by_bit[bit] for bit in bits if bit in registry.by_bit),
        tuple(bit for bit in bits if bit not in registry.by_bit),
    )


def may_be_legacy(text: str) -> bool:
    """Tell whether a string looks like a credential of that system: 32 or 64 hexadecimal digits in lower case."""
    return _STRING.fullmatch(text) is not None


def lookup_digest(text: str) -> Digest:
    """Return the digest by which an old string is found."""
    return digest(text.encode("utf-8", "surrogatepass"))


def row_digest(text: str) -> Digest:
    """Return what the row of an old string keeps where others keep the digest of their secret."""
    return digest(_secret(text))


def canonical(kind: CredentialKind, target_id: UUID, text: str) -> str:
    """Return an old string as a credential of ours, for the row that it was found to belong to."""
    return format_credential(_PREFIXES[kind], Credential(target_id, _secret(text)))


def _secret(text: str) -> bytes:
    return digest(b"assent/legacy/1\0" + text.encode("utf-8", "surrogatepass"))
