"""Encryption at rest: what the server has to be able to read again, and the database must not (architecture §5).

Each purpose has a key of its own, derived from the root secret by label. A process that seals and opens holds these
keys and never the root. The first byte of what is sealed names the root that it was sealed under, so that another one
can follow without sealing everything anew at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from app.crypto.derivation import derive_key
from app.crypto.sealing import seal, unseal


class Purpose(StrEnum):
    """What is sealed; nothing that was sealed for one purpose opens for another."""

    SIGNING_KEY = "signing-key"
    """A private JWK; its context is the key's `kid`."""
    CLIENT_SECRET = "client-secret"
    """A client secret that serves as a MAC key; its context is the 16 bytes of the application's id."""
    NOTIFICATION = "notification"
    """What a client is told when a person has decided, and what it knows us by; its context is the 16 bytes of the
    request's id."""


@dataclass(frozen=True, slots=True)
class Vault:
    """The sealing keys: by the number of the root, and by purpose. `current` is the number that seals."""

    current: int
    keys: Mapping[int, Mapping[Purpose, bytes]] = field(repr=False)

    def seal(self, purpose: Purpose, content: bytes, context: bytes) -> bytes:
        """Return the content sealed; to open it, purpose and context have to be known again."""
        return bytes([self.current]) + seal(self.keys[self.current][purpose], content, context)

    def unseal(self, purpose: Purpose, sealed: bytes, context: bytes) -> bytes | None:
        """Return the content; None when it was sealed otherwise: other root, purpose or context, or no seal at all."""
        keys = self.keys.get(sealed[0]) if sealed else None
        return None if keys is None else unseal(keys[purpose], sealed[1:], context)


def open_vault(*roots: bytes) -> Vault:
    """Return the vault of a server whose roots were these, the last of them being the current one."""
    numbered = dict(enumerate(roots, start=1))
    keys = {
        number: {purpose: derive_key(root, f"sealed/{purpose}/1") for purpose in Purpose}
        for number, root in numbered.items()
    }
    return Vault(current=len(roots), keys=keys)
