"""Audit entries of the protocol endpoints: who did what to whom, by ids, never with a secret."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.crypto.secrets import new_id
from app.protocol.facts import Origin
from app.store.orders import AuditEntry


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a client, a user or the server itself, from which address, in which request."""

    kind: str
    id: str
    address: str
    request_id: str


def entry(
    actor: Actor,
    event: str,
    now: datetime,
    origin: Origin | None,
    data: Mapping[str, str | int | Sequence[str] | None],
    *,
    subject_id: str = "",
    user_id: UUID | None = None,
    application_id: UUID | None = None,
) -> AuditEntry:
    """Return the row for one deed; user and application come from the origin unless they are given."""
    return AuditEntry(
        id=new_id(now),
        at=now,
        event=event,
        request_id=actor.request_id,
        actor_kind=actor.kind,
        actor_id=actor.id,
        user_id=origin.user_id if origin else user_id,
        application_id=origin.application_id if origin else application_id,
        subject_id=subject_id,
        address=actor.address,
        data=dict(data),
    )
