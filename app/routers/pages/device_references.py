"""Which device a page asks about: a reference that only this server makes, and that opens for one person alone.

It is made when the person has typed the code, so it cannot be guessed instead of the code (DV-5), nor handed to
somebody else (SE-7). The code is in it, to be shown once more: sealed, so that no address tells it.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from functools import lru_cache
from uuid import UUID

from app.crypto.derivation import derive_key
from app.crypto.sealing import seal, unseal
from app.pipeline.server import Server
from app.protocol.facts import SessionFact

_LONGEST = 200
_ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class Device:
    """The device code with this id, whose user code the person has typed."""

    id: UUID
    user_code: str = field(repr=False)


def reference_to(server: Server, session: SessionFact, device: Device) -> str:
    """Return the reference for the person who is signed in."""
    key = _key(server.keys.by_version[server.keys.current])
    sealed = seal(key, device.id.bytes + device.user_code.encode("ascii"), session.user_id.bytes)
    return urlsafe_b64encode(sealed).rstrip(b"=").decode("ascii")


def device_behind(server: Server, session: SessionFact, reference: str) -> Device | None:
    """Return what a reference of this person's stands for; None for any other text."""
    if not 0 < len(reference) <= _LONGEST or not reference.isascii():
        return None
    try:
        sealed = urlsafe_b64decode(reference + "=" * (-len(reference) % 4))
    except ValueError:  # what base64 raises is one
        return None
    for server_key in server.keys.by_version.values():
        content = unseal(_key(server_key), sealed, session.user_id.bytes)
        if content is not None:
            return Device(UUID(bytes=content[:_ID_BYTES]), content[_ID_BYTES:].decode("ascii"))
    return None


@lru_cache(maxsize=16)
def _key(server_key: bytes) -> bytes:
    return derive_key(server_key, "device-question")
