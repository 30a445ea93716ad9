"""Which device a page asks about: a reference that only this server makes, and that opens for one person alone.

It is made when the person has typed the code, so it cannot be guessed instead of the code (DV-5), nor handed to
somebody else (SE-7). The code is in it, to be shown once more: sealed, so that no address tells it.
"""

from dataclasses import dataclass, field
from uuid import UUID

from app.pipeline.server import Server
from app.protocol.facts import SessionFact
from app.routers.pages import sealed_references

_PURPOSE = "device-question"
_LONGEST = 200
_ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class Device:
    """The device code with this id, whose user code the person has typed."""

    id: UUID
    user_code: str = field(repr=False)


def reference_to(server: Server, session: SessionFact, device: Device) -> str:
    """Return the reference for the person who is signed in."""
    content = device.id.bytes + device.user_code.encode("ascii")
    return sealed_references.make(server, _PURPOSE, content, session.user_id.bytes)


def device_behind(server: Server, session: SessionFact, reference: str) -> Device | None:
    """Return what a reference of this person's stands for; None for any other text."""
    content = sealed_references.read(server, _PURPOSE, reference, session.user_id.bytes, longest=_LONGEST)
    return None if content is None else Device(UUID(bytes=content[:_ID_BYTES]), content[_ID_BYTES:].decode("ascii"))
