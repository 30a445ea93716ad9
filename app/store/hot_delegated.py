"""Tokens that a JWT or another token pays for, on the hot path: one method is one round trip."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from app.protocol.facts import Basis, ClientFact, Origin
from app.protocol.names import name_key
from app.protocol.sender import UNBOUND, Binding, Proof
from app.protocol.single_use import SingleUse
from app.protocol.trusted_issuers import Means, PersonFact
from app.store import client_rows, delegated_sql, hot_arguments
from app.store.application_cache import ApplicationCache
from app.store.hot_pool import HotPool
from app.store.hot_trips import Trips
from app.store.orders import AuditEntry, Settled

_BY = {
    "sub": delegated_sql.GATHER_PERSON_BY_SUB,
    "username": delegated_sql.GATHER_PERSON_BY_USERNAME,
    "email": delegated_sql.GATHER_PERSON_BY_EMAIL,
}
_STATEMENTS = delegated_sql.SETTLE_DELEGATED, delegated_sql.SETTLE_DELEGATED_PROVED


@dataclass(frozen=True, slots=True)
class DelegatedSettlement:
    """Insert an access token that speaks for a person because of a JWT or another token. `id` is a UUIDv7 of `now`.

    `use` is what marks the JWT as used, `application_version` that of the application as it was decided on.
    """

    id: UUID
    digest: bytes = field(repr=False)
    origin: Origin
    application_version: int
    now: datetime
    expires_at: datetime
    audit: AuditEntry
    family_id: UUID | None = None
    actor: Mapping[str, Any] | None = None
    use: SingleUse | None = None
    binding: Binding = UNBOUND
    proof: Proof | None = None


class Delegated:
    """The people whom JWTs mean, and the tokens that come of it."""

    def __init__(self, pool: HotPool, applications: ApplicationCache) -> None:
        self._trips = Trips(pool, applications)

    async def gather_person(
        self, client_id: str, means: Means, name: str | None, use: SingleUse | None
    ) -> tuple[ClientFact | None, PersonFact | None, bool]:
        """Return the active application that asks, the user with this name, and whether this use was noted before."""
        key = name if name is None or means == "sub" else name_key(name)
        marks = (None, None) if use is None else (list(use.hours), use.digest)
        row, client = await self._trips.with_client(_BY[means], client_id, key, *marks)
        if row is None:
            return client, None, False
        at = client_rows.CLIENT_WIDTH
        if row[at] is None:
            return client, None, row[at + 5]
        person = PersonFact(row[at], row[at + 1], row[at + 2], active=row[at + 3], epoch=row[at + 4])
        return client, person, row[at + 5]

    async def settle(self, order: DelegatedSettlement) -> Settled:
        """Note the use and insert the token.

        Nothing is written when the JWT was used before, or when the application is no longer what was decided on.
        """
        origin, use = order.origin, order.use
        return await self._trips.paid(
            origin.application_id,
            _STATEMENTS,
            order.proof,
            origin.application_id,
            order.application_version,
            order.now,
            *hot_arguments.paid_audit(order.audit),
            () if use is None else use.hours,
            b"" if use is None else use.digest,
            order.id,
            order.digest,
            origin.user_id,
            order.family_id,
            origin.record_id,
            origin.record_version,
            origin.user_epoch,
            origin.scopes,
            origin.resources,
            order.expires_at,
            order.binding.stored,
            None if order.actor is None else hot_arguments.json(order.actor),
            None if origin.basis is None else hot_arguments.json(_basis(origin.basis)),
        )


def _basis(basis: Basis) -> dict[str, dict[str, Any]]:
    """Return a basis as the column of that name keeps it."""
    applications = {str(application): epoch for application, epoch in basis.applications.items()}
    return {"pairs": dict(basis.pairs), "applications": applications}
