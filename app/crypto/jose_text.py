"""JWTs as text: compact form, base64url and JSON, read strictly and in bounded time (RFC 7515, RFC 7519, RFC 8725).

Nothing is believed here: the result says what a token claims, and `jose.verify` who said so.
"""

import binascii
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.crypto import strict_json

LONGEST = 16_384
"""Characters of a token; whoever asks for more says so."""

_LEVELS = 17
_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]*)\.([A-Za-z0-9_-]*)", re.ASCII)
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")


class JoseError(Exception):
    """A token or key that is refused. `str()` may be shown to whoever sent it: it holds nothing of token or key."""


@dataclass(frozen=True, slots=True)
class Jwt:
    """A signed JWT, taken apart. `signed` is what `signature` is about."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any] = field(repr=False)
    signed: bytes = field(default=b"", repr=False)
    signature: bytes = field(default=b"", repr=False)

    @property
    def kid(self) -> str | None:
        """The id of the key that the sender says he used."""
        return self.header.get("kid")

    @property
    def typ(self) -> str | None:
        """What kind of JWT the sender says it is."""
        return self.header.get("typ")


def peek(token: str, *, longest: int = LONGEST) -> Jwt:
    """Return what a JWT says, unverified; raises JoseError unless it is a JWS in compact form around an object.

    Refused are also (JV-5): what is longer than `longest` characters or nested deeply, members that come twice,
    critical headers (this server implements no extension), unencoded payloads (RFC 7797), and strings that no database
    can hold.
    """
    if len(token) > longest:
        raise JoseError(f"the JWT is longer than {longest} characters")
    parts = _COMPACT.fullmatch(token)
    if parts is None:
        raise JoseError("this is not a signed JWT in compact form")
    head, body, signature = parts.groups()
    header = read_header(head)
    return Jwt(
        header=header,
        claims=_object(_decoded(body), "claims"),
        signed=token[: parts.end(2)].encode("ascii"),
        signature=_decoded(signature),
    )


def read_header(segment: str) -> dict[str, Any]:
    """Return the protected header in a segment; raises JoseError for what nobody here understands (JV-5)."""
    header = _object(_decoded(segment), "header")
    if "crit" in header:
        raise JoseError("the JWT has critical headers, and this server implements none of them")
    if header.get("b64", True) is not True:
        raise JoseError("the JWT has an unencoded payload")
    if not isinstance(header.get("alg"), str):
        raise JoseError("the JWT names no algorithm")
    for name in ("kid", "typ", "cty"):
        if not isinstance(header.get(name, ""), str):
            raise JoseError(f"the header {name} of the JWT is no string")
    return header


def encoded(content: bytes) -> bytes:
    """Return base64url without padding (RFC 7515 §2)."""
    return urlsafe_b64encode(content).rstrip(b"=")


def decoded(text: object) -> bytes:
    """Return the bytes of base64url; raises ValueError unless it is written in the one canonical way."""
    if not isinstance(text, str) or not text.isascii():
        raise ValueError("no base64url")
    content = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    # The decoder leaves out what it does not know and ignores spare bits: two texts for one content.
    if encoded(content).decode("ascii") != text:
        raise ValueError("no canonical base64url")
    return content


def is_storable(value: Any) -> bool:
    """Tell whether a database can hold every string in a JSON value, however deeply it is nested: none has NUL or half
    a character."""
    left = [value]
    while left:
        match left.pop():
            case str(text) if _UNSTORABLE.search(text):
                return False
            case list(items):
                left += items
            case dict(members):
                left += [*members, *members.values()]
    return True


def _decoded(segment: str) -> bytes:
    try:
        return decoded(segment)
    except (ValueError, binascii.Error):
        raise JoseError("the JWT is not base64url throughout") from None


def _object(content: bytes, part: str) -> dict[str, Any]:
    try:
        text = content.decode("utf-8")
        found = strict_json.read(text, _LEVELS)
    except strict_json.Unreadable as flaw:
        raise JoseError(f"the {part} of the JWT {flaw}") from None
    except UnicodeDecodeError:
        raise JoseError(f"the {part} of the JWT is not JSON") from None
    if not isinstance(found, dict):
        raise JoseError(f"the {part} of the JWT is no JSON object")
    if "\\u" in text and not is_storable(found):  # written plainly, none of them is JSON in UTF-8
        raise JoseError(f"the {part} of the JWT has characters that are none")
    return found
