"""Nonces for DPoP proofs (RFC 9449 §8): a proof with one was made lately, whatever the client's clock says.

A nonce is an HMAC of a span of time under a key of the server: nobody can guess one before it is handed out, every
worker knows all of them, and none is stored (DP-10).
"""

from datetime import datetime, timedelta

from app.crypto.hashing import keyed, matches
from app.crypto.jose_text import encoded
from app.protocol.tokens.refresh_chain import ServerKeys

SPAN = timedelta(minutes=3)
"""How long a nonce is the current one; after that it counts for as long again."""

_LABEL = b"assent/dpop-nonce/1"
_BYTES = 18


def key_of(keys: ServerKeys) -> bytes:
    """Return the key of the nonces: derived from the current server key, and of no use for anything else."""
    return keyed(keys.by_version[keys.current], _LABEL)


def current(key: bytes, now: datetime) -> str:
    """Return the nonce to hand out."""
    return _of(key, _span(now))


def is_in_use(key: bytes, nonce: str, now: datetime) -> bool:
    """Tell whether a nonce is the current one or the one before; or the next, of a worker whose clock is ahead."""
    span = _span(now)
    shown = nonce.encode("utf-8")
    return any(matches(_of(key, one).encode("ascii"), shown) for one in (span, span - 1, span + 1))


def _of(key: bytes, span: int) -> str:
    return encoded(keyed(key, span.to_bytes(8))[:_BYTES]).decode("ascii")


def _span(now: datetime) -> int:
    return int(now.timestamp() // SPAN.total_seconds())
