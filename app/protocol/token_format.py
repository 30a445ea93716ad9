"""How credentials look on the wire: `<prefix>_<id><secret><checksum>`.

The prefix tells the kind, the UUIDv7 id finds the row, and the CRC-32 lets secret scanners and this module
reject typos without asking a database. Body: base64url without padding of id (16 bytes), for refresh tokens the
generation (4 bytes), secret (32 bytes) and checksum (4 bytes).
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID
from zlib import crc32


class Prefix(StrEnum):
    """The kinds of credentials that carry an id."""

    ACCESS_TOKEN = "asat"
    REFRESH_TOKEN = "asrt"
    AUTHORIZATION_CODE = "asac"
    SESSION = "asse"
    INTERACTION = "asin"
    CLIENT_SECRET = "ascs"
    ONE_TIME_LINK = "asol"


@dataclass(frozen=True, slots=True)
class Credential:
    """A parsed credential. `generation` is 0 for every kind but refresh tokens."""

    id: UUID
    secret: bytes = field(repr=False)
    generation: int = 0


def format_credential(prefix: Prefix, credential: Credential) -> str:
    """Return the string to hand out; the inverse of `parse_credential`."""
    body = credential.id.bytes
    if prefix is Prefix.REFRESH_TOKEN:
        body += credential.generation.to_bytes(4)
    body += credential.secret
    return f"{prefix}_{_encode(body + _checksum(prefix, body))}"


def parse_credential(prefix: Prefix, text: str) -> Credential | None:
    """Return the parts, or None for what this server cannot have made: other kind, length, checksum, alphabet."""
    head, _, encoded = text.partition("_")
    if head != prefix:
        return None
    has_generation = prefix is Prefix.REFRESH_TOKEN
    size = 56 if has_generation else 52
    raw = _decode(encoded, size)
    if raw is None or raw[-4:] != _checksum(prefix, raw[:-4]):
        return None
    secret_at = 20 if has_generation else 16
    generation = int.from_bytes(raw[16:20]) if has_generation else 0
    return Credential(id=UUID(bytes=raw[:16]), secret=raw[secret_at:-4], generation=generation)


def prefix_of(text: str) -> Prefix | None:
    """Return the kind that the prefix claims, without checking the rest."""
    try:
        return Prefix(text.partition("_")[0])
    except ValueError:
        return None


def display_hint(text: str) -> str:
    """Return four characters of a credential that may be shown to people: the last ones before the checksum."""
    return text[-10:-6]


def _checksum(prefix: str, body: bytes) -> bytes:
    return crc32(body, crc32(prefix.encode("ascii"))).to_bytes(4)


def _encode(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _decode(text: str, size: int) -> bytes | None:
    if len(text) != (size * 8 + 5) // 6 or not text.isascii():
        return None
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except Base64Error:
        return None
    # Other last characters decode to the same bytes: only the canonical spelling is a credential.
    return raw if len(raw) == size and _encode(raw) == text else None
