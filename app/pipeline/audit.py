"""Audit entries of the protocol endpoints: who did what to whom, by ids, never with a secret (AR-15)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.protocol.events import Event
from app.protocol.facts import MachineOrigin, Origin
from app.store import orders
from app.store.orders import ActorKind, AuditEntry, audit_entry


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a client, a user or the server itself, from which address, in which request."""

    kind: ActorKind
    id: str
    address: str
    request_id: str


def entry(
    actor: Actor,
    event: Event,
    now: datetime,
    origin: Origin | MachineOrigin | None,
    data: Mapping[str, object],
    *,
    subject_id: str = "",
    user_id: UUID | None = None,
    application_id: UUID | None = None,
) -> AuditEntry:
    """Return the row for one deed; user and application come from the origin unless they are given."""
    return audit_entry(
        event,
        now,
        orders.Actor(actor.kind, actor.id),
        request_id=actor.request_id,
        address=actor.address,
        user_id=origin.user_id if isinstance(origin, Origin) else user_id,
        application_id=origin.application_id if origin else application_id,
        subject_id=subject_id,
        data=data,
    )
