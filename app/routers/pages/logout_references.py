"""What a sign-out is about, from one request to the next: sealed into a reference that only this server makes.

Nothing has to be stored for somebody whom nobody knows yet, and no address tells where he goes, or the ID token that a
form brought along (SE-11). The question that a person is asked opens for his browser alone (SE-7).
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import orjson

from app.pipeline.server import Server
from app.protocol.id_token_hint import Hinted
from app.protocol.logout import Order
from app.routers.pages import sealed_references

ANYBODY = b""
"""The context of a reference that no browser is bound to yet: it came from another site, and without a cookie."""

_PURPOSE = "sign-out"
_LONGEST = 49_152
"""Characters of a reference: more than any makes whose request was accepted, whatever its parameters consist of."""


@dataclass(frozen=True, slots=True)
class Pending:
    """An order, as of a moment; `session` is the `sid` of the one that the person is asked about."""

    order: Order
    made_at: datetime
    session: UUID | None = None


def reference_to(server: Server, pending: Pending, browser: bytes) -> str:
    """Return the reference; `browser` is the secret of the one that it is for, or `ANYBODY`."""
    asked = pending.order
    hinted = None if asked.hinted is None else [asked.hinted.client_id, asked.hinted.subject, asked.hinted.sid]
    session = None if pending.session is None else pending.session.hex
    said = [asked.client_id, hinted, asked.return_uri, asked.account, asked.travels]
    content = [*said, pending.made_at.timestamp(), session]
    return sealed_references.make(server, _PURPOSE, orjson.dumps(content), browser)


def pending_behind(server: Server, reference: str, browser: bytes, now: datetime) -> Pending | None:
    """Return what a reference stands for; None for one that is too old, another browser's, or no reference at all."""
    content = sealed_references.read(server, _PURPOSE, reference, browser, longest=_LONGEST)
    pending = None if content is None else _read(content)
    expired = pending is None or now >= pending.made_at + server.policy.lifetimes.interaction
    return None if expired else pending


def _read(content: bytes) -> Pending:
    client_id, hinted, return_uri, account, travels, made_at, session = orjson.loads(content)
    return Pending(
        Order(client_id, None if hinted is None else Hinted(*hinted), return_uri, account, travels),
        datetime.fromtimestamp(made_at, UTC),
        None if session is None else UUID(hex=session),
    )
