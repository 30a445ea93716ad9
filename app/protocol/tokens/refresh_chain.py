"""The chain of refresh secrets: each follows from the one before it and a server key (storage.md §5).

`secret(g+1) = HMAC-SHA256(server key, label ‖ family id ‖ g+1 ‖ secret(g))`; generation 0 is random. Both sides of a
race and every repeat compute the same successor, and a token of any age is recognised without a row for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from app.crypto.hashing import digest, keyed, matches
from app.protocol.facts import FamilyFact
from app.protocol.token_format import Credential

_LABEL = b"assent/refresh/1"
MAX_STEPS = 20_000
"""Above this distance a token is not judged genuine: about two years of hourly rotation, 35 ms of work."""


@dataclass(frozen=True, slots=True)
class ServerKeys:
    """The server keys by version; `current` makes the next secret, older ones only recognise reuse."""

    current: int
    by_version: Mapping[int, bytes] = field(repr=False)


def successor(key: bytes, family_id: UUID, generation: int, secret: bytes) -> bytes:
    """Return the secret of `generation`, which follows `secret` of `generation - 1`."""
    return keyed(key, _LABEL, family_id.bytes, generation.to_bytes(4), secret)


def genuine(keys: ServerKeys, presented: Credential, family: FamilyFact) -> bool:
    """Tell whether the presented secret, carried forward to the current generation, meets the family's digest.

    A forged generation number leads nowhere, so it can revoke nothing. Key versions that are no longer known make
    an old token unrecognisable, never wrongly genuine.
    """
    distance = family.generation - presented.generation
    if family.digest is None or not 0 <= distance <= MAX_STEPS:
        return False
    secret = presented.secret
    for generation in range(presented.generation + 1, family.generation + 1):
        key = keys.by_version.get(key_version_of(family.key_since, generation))
        if key is None:
            return False
        secret = successor(key, family.id, generation, secret)
    return matches(digest(secret), family.digest)


def key_version_of(key_since: tuple[tuple[int, int], ...], generation: int) -> int:
    """Return the version of the server key that made this generation."""
    version = 0
    for candidate, first in key_since:
        if first <= generation:
            version = candidate
    return version
