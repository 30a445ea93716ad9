"""How credentials look on the wire: `<prefix>_<id><secret><checksum>`.

The prefix tells the kind, the UUIDv7 id finds the row, and the CRC-32 lets secret scanners and this module
reject typos without asking a database. Body: base64url without padding of id (16 bytes), for refresh tokens the
generation (4 bytes), secret (32 bytes) and checksum (4 bytes).
"""

from base64 import urlsafe_b64encode
from binascii import Error as Base64Error
from binascii import a2b_base64
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
    PERSONAL_TOKEN = "aspt"
    API_KEY = "asak"
    INVITATION = "asiv"
    LEGACY_TOKEN = "aslt"
    DEVICE_CODE = "asdc"
    BACKCHANNEL_REQUEST = "asbr"
    PUSHED_REQUEST = "aspr"
    REGISTRATION = "asra"
    INITIAL_ACCESS = "asia"


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


def _checksum(prefix: str, body: bytes) -> bytes:
    return crc32(body, crc32(prefix.encode("ascii"))).to_bytes(4)


def _encode(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


# Length of the text, its padding, and the last characters whose unused bits are zero: another last character decodes
# to the same bytes, and only the canonical spelling is a credential.
_SPELLING = {52: (70, b"==", frozenset("AQgw")), 56: (75, b"=", frozenset("AEIMQUYcgkosw048"))}
_STANDARD_ALPHABET = bytes.maketrans(b"-_", b"+/")
_URL_ALPHABET_ONLY = frozenset("+/=")


def _decode(text: str, size: int) -> bytes | None:
    length, padding, last = _SPELLING[size]
    if len(text) != length or text[-1] not in last or not _URL_ALPHABET_ONLY.isdisjoint(text):
        return None
    try:
        return a2b_base64(text.encode("ascii").translate(_STANDARD_ALPHABET) + padding, strict_mode=True)
    except (Base64Error, UnicodeEncodeError):
        return None
