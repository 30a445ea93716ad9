"""Grants that clients ask for until a person has decided, from the decision to the redemption: one method is one round
trip."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from app.protocol import details, granted_details
from app.protocol.facts import Authentication, ClientFact
from app.protocol.grant_management import GrantTarget
from app.protocol.granted_details import GrantedDetail
from app.protocol.polling import PolledFact
from app.store import grant_sql, hot_arguments, polled_rows
from app.store.application_cache import ApplicationCache
from app.store.hot_pool import HotPool
from app.store.hot_trips import Trips
from app.store.orders import AuditEntry, CodeSettlement, Settled, SettledAuthorization
from app.store.polled_sql import PolledStatements


@dataclass(frozen=True, slots=True)
class Approval:
    """Approve a grant that waits: merge `pairs` into the record of person and application, copy the approved scopes and
    details. `new_record_id` is used when there is no live record yet, `subject` and `target` as in
    `AuthorizationSettlement`."""

    grant_id: UUID
    now: datetime
    application_id: UUID
    application_epoch: int
    user_id: UUID
    user_epoch: int
    scopes: tuple[str, ...]
    pairs: tuple[str, ...]
    new_record_id: UUID
    authentication: Authentication
    audit: AuditEntry
    subject: str | None = None
    details: tuple[GrantedDetail, ...] = ()
    target: GrantTarget | None = None


class PolledGrants:
    """The grants of one table."""

    def __init__(self, pool: HotPool, applications: ApplicationCache, statements: PolledStatements) -> None:
        self._pool = pool
        self._applications = applications
        self._trips = Trips(pool, applications)
        self._statements = statements

    async def gather(self, client_id: str, grant_id: UUID | None) -> tuple[ClientFact | None, PolledFact | None]:
        """Return an active application and a grant, also one of another application: then it has no standing.

        The application may come from the cache: whoever settles has it checked again.
        """
        row, at, client = await self._trips.asked(client_id, self._statements.gather, grant_id)
        return client, None if row is None else polled_rows.polled(row, at, client)

    async def approve(self, order: Approval) -> SettledAuthorization | None:
        """Write the record and approve the grant.

        None, and nothing is written, when it no longer waits for this person, or user or application are no longer what
        they were when the order was decided.
        """
        statements, target = self._statements, order.target
        row = await self._pool.write(
            statements.approve if target is None else statements.approve_into(target.action),
            order.grant_id,
            order.now,
            order.user_id,
            order.user_epoch,
            order.application_id,
            order.application_epoch,
            grant_sql.record_id(target, order.new_record_id),
            list(dict.fromkeys(order.pairs)),
            *hot_arguments.audit(order.audit),
            *(order.subject, None, hot_arguments.json(details.kept(order.details)), None),
            order.scopes,
            *hot_arguments.authentication(order.authentication),
            granted_details.stored(order.details),
        )
        return None if row is None else SettledAuthorization(row[0], row[1], tuple(row[2]))

    async def deny(self, grant_id: UUID, user_id: UUID, now: datetime, audit: AuditEntry) -> bool:
        """Deny a grant that waits for this person; False when it no longer does."""
        arguments = (grant_id, now, user_id, *hot_arguments.audit(audit))
        return await self._pool.write(self._statements.deny, *arguments) is not None

    async def note_poll(self, grant_id: UUID, now: datetime, asked_last: datetime | None) -> bool:
        """Note that a client asked; False when it has asked again since `asked_last`, or somebody has decided."""
        return await self._pool.write(self._statements.note_poll, grant_id, now, asked_last) is not None

    async def slow_down(self, grant_id: UUID, now: datetime, by: timedelta) -> None:
        """Note that a client asked too soon, and let it wait longer from now on."""
        await self._pool.write(self._statements.slow_down, grant_id, now, int(by.total_seconds()))

    async def settle(self, order: CodeSettlement) -> Settled:
        """Consume the grant, begin its family, insert its token.

        Nothing is written when it is spent, or when the application is no longer what was decided on.
        """
        application_id = order.token.origin.application_id
        arguments = hot_arguments.redemption(order)
        return await self._trips.paid(application_id, self._statements.settle, order.proof, *arguments)
