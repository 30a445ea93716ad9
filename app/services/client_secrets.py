"""Client secrets: made, recognised, judged. What is kept of one is its digest, unless it serves as a MAC key."""

from datetime import datetime

from app.crypto.hashing import digest
from app.crypto.secrets import new_id, random_bytes
from app.protocol.token_format import Credential, Prefix, format_credential

WEAK_SECRET_LENGTH = 32
"""Characters; a shorter client secret, or one of few different characters, is reported as weak (RFC 6749 §10.10)."""


def new_client_secret(now: datetime) -> str:
    """Return a random client secret that secret scanners recognise."""
    return format_credential(Prefix.CLIENT_SECRET, Credential(new_id(now), random_bytes()))


def secret_digest(client_secret: str) -> bytes:
    """Return what the store keeps of a client secret: the SHA-256 digest of its UTF-8 bytes."""
    return digest(client_secret.encode("utf-8"))


def last_four(client_secret: str) -> str:
    """Return what may be shown of a secret; nothing of a weak one, of which four characters would tell too much."""
    return "" if is_weak_secret(client_secret) else client_secret[-4:]


def is_weak_secret(client_secret: str) -> bool:
    """Tell whether a client secret that was given, not generated, could be guessed."""
    return len(client_secret) < WEAK_SECRET_LENGTH or len(set(client_secret)) < 10


def problem_with_mac_key(client_secret: str, signing_alg: str) -> str | None:
    """Return why a secret must not be a MAC key, in half a sentence, None when it may (RFC 7518 §3.2).

    `signing_alg` is the registered algorithm; empty: HS256 at least has to be possible.
    """
    needed = int((signing_alg or "HS256").removeprefix("HS")) // 8
    if len(client_secret.encode("utf-8")) < needed:
        return f"must have at least {needed} bytes for {signing_alg or 'HS256'}"
    return "must not be easy to guess: it is a key" if is_weak_secret(client_secret) else None
