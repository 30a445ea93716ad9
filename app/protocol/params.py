"""Request parameters: bytes become a mapping once, by the rules that hold at every endpoint (standards G4).

A value that is empty counts as absent; unknown parameters are kept and ignored by whoever does not know them; a
repeated parameter is `invalid_request` unless its extension allows repetition.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from app.protocol.errors import ErrorCode, OAuthError

MAX_BODY = 1_000_000
"""Bytes; a larger body is answered 413."""

MAX_PARAMETERS = 200
MAX_ESCAPES = 20_000
"""Escapes in one body: decoding one takes as long as a hundred plain bytes, and nobody needs so many."""

REPEATABLE = frozenset({"resource", "audience"})

_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of one request.

    `single` has each value once, `repeated` holds the repeatable ones in order, `duplicated` names the others that
    came more than once: whoever can already tell the client refuses them with `require_unique`.
    """

    single: Mapping[str, str]
    repeated: Mapping[str, tuple[str, ...]]
    duplicated: tuple[str, ...] = ()

    def get(self, name: str) -> str | None:
        """Return the value, or None when absent or empty."""
        return self.single.get(name)

    def all(self, name: str) -> tuple[str, ...]:
        """Return every value of a repeatable parameter."""
        return self.repeated.get(name, ())

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Return everything as pairs, for storage; `Parameters.of(p.pairs())` gives the same parameters back."""
        return (*self.single.items(), *((name, value) for name, values in self.repeated.items() for value in values))

    def only(self, names: Collection[str]) -> "Parameters":
        """Return the parameters with these names alone."""
        return Parameters.of(pair for pair in self.pairs() if pair[0] in names)

    def without(self, name: str) -> "Parameters":
        """Return the parameters without one that comes once and that means nothing here (G4)."""
        single = {other: value for other, value in self.single.items() if other != name}
        return Parameters(single, self.repeated, tuple(other for other in self.duplicated if other != name))

    def replaced(self, name: str, value: str) -> "Parameters":
        """Return the parameters with another value for one that comes once."""
        return Parameters({**self.single, name: value}, self.repeated, self.duplicated)

    def require_unique(self) -> None:
        """Raise `invalid_request` when a parameter was repeated (RFC 6749 §3.1, §3.2)."""
        if self.duplicated:
            raise OAuthError(
                ErrorCode.INVALID_REQUEST, f"{self.duplicated[0][:60]} was sent more than once; send it once"
            )

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> "Parameters":
        """Sort decoded pairs by the rules above; a duplicated parameter has no value."""
        single: dict[str, str] = {}
        repeated: dict[str, tuple[str, ...]] = {}
        seen: set[str] = set()
        duplicated: dict[str, None] = {}
        for name, value in pairs:
            if name in REPEATABLE:
                if value:
                    repeated[name] = (*repeated.get(name, ()), value)
            elif name in seen:
                duplicated[name] = None
                single.pop(name, None)
            else:
                seen.add(name)
                if value:
                    single[name] = value
        return cls(single, repeated, tuple(duplicated))


def parse_form(raw: bytes) -> Parameters:
    """Read application/x-www-form-urlencoded bytes (RFC 6749 appendix B); raises `invalid_request`.

    Repeated parameters are left to `Parameters.require_unique`. Refuses bad
    percent-encoding, bad UTF-8 and NUL instead of repairing them: no two parsers shall read one request differently.
    """
    return Parameters.of(decode_pairs(raw))


def decode_pairs(raw: bytes) -> list[tuple[str, str]]:
    """Return the decoded pairs in their order, repeated ones included; raises `invalid_request`."""
    if not raw:
        return []
    pieces = raw.split(b"&")
    if len(pieces) > MAX_PARAMETERS:
        raise OAuthError(ErrorCode.INVALID_REQUEST, f"the request has more than {MAX_PARAMETERS} parameters")
    if raw.count(b"%") > MAX_ESCAPES:
        raise OAuthError(ErrorCode.INVALID_REQUEST, f"the request has more than {MAX_ESCAPES} escaped characters")
    pairs: list[tuple[str, str]] = []
    for piece in pieces:
        if piece:
            name, _, value = piece.partition(b"=")
            pairs.append((decode(name), decode(value)))
    return pairs


def decode(raw: bytes) -> str:
    """Return the text of one form-encoded name or value."""
    try:
        if b"%" in raw or b"+" in raw:
            if _BAD_ESCAPE.search(raw):
                raise OAuthError(ErrorCode.INVALID_REQUEST, "a parameter has a percent sign without two hex digits")
            text = unquote_to_bytes(raw.replace(b"+", b" ")).decode("utf-8")
        else:
            text = raw.decode("utf-8")
    except UnicodeDecodeError as bad:
        raise OAuthError(ErrorCode.INVALID_REQUEST, "a parameter is not valid UTF-8") from bad
    if "\0" in text:
        raise OAuthError(ErrorCode.INVALID_REQUEST, "a parameter has a NUL character")
    return text
