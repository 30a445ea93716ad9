"""Authorization records as their user sees them: listed, narrowed, revoked. Their history is in the audit trail.

Whoever calls this has checked that the record is the user's own. The merge is `Hot.settle_authorization`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.models import Application, Authorization, AuthorizationScope
from app.protocol.names import is_vouched_for
from app.protocol.scopes import OFFLINE_ACCESS
from app.store import audit, session_ends
from app.store.database import Database
from app.store.live_records import beside, has_others, live
from app.store.orders import AuditEntry
from app.store.versions import VersionChanged


@dataclass(frozen=True, slots=True)
class GrantedPair:
    """One permission of a record: when it was granted without a break since, and last confirmed (aware UTC).

    `content` is the object of authorization details that it stands for, None where it stands for none.
    """

    pair: str
    first_granted: datetime
    last_granted: datetime
    content: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """A live record with its application; `pairs` in the order in which they were granted.

    `beside`: the application made it by Grant Management, next to the one that everything else goes into. `several`:
    the person has further live ones for the same application.
    """

    id: UUID
    user_id: UUID
    application_id: UUID
    client_id: str
    application_name: str
    owner_name: str
    client_uri: str
    redirect_uris: tuple[str, ...]
    grant_types: frozenset[str]
    self_registered: bool
    verified: bool
    version: int
    pairs: tuple[GrantedPair, ...]
    created_at: datetime
    updated_at: datetime
    beside: bool = False
    several: bool = False

    @property
    def vouched_for(self) -> bool:
        """Whether somebody here answers for the application's name; see `ClientFact.vouched_for`."""
        return is_vouched_for(verified=self.verified, self_registered=self.self_registered, owner_name=self.owner_name)


async def list_for_user(database: Database, user_id: UUID) -> list[Record]:
    """Return the user's live records, the one changed last first."""
    query = _live().where(col(Authorization.user_id) == user_id).order_by(col(Authorization.updated_at).desc())
    async with database.transaction() as transaction:
        return await _read(transaction, query)


async def page_for_user(database: Database, user_id: UUID, *, after: UUID | None, limit: int) -> list[Record]:
    """Return up to `limit` of the user's live records, the newest first; with `after`, those older than that record."""
    query = _live().where(col(Authorization.user_id) == user_id).order_by(col(Authorization.id).desc()).limit(limit)
    if after is not None:
        query = query.where(col(Authorization.id) < after)
    async with database.transaction() as transaction:
        return await _read(transaction, query)


async def get(database: Database, record_id: UUID) -> Record | None:
    """Return a live record."""
    async with database.transaction() as transaction:
        found = await _read(transaction, _live().where(col(Authorization.id) == record_id))
    return found[0] if found else None


async def first_granted(database: Database, record_id: UUID) -> dict[str, datetime]:
    """Return by pair when it was granted first, without a break since."""
    query = select(col(AuthorizationScope.pair), col(AuthorizationScope.first_granted)).where(
        col(AuthorizationScope.authorization_id) == record_id
    )
    async with database.transaction() as transaction:
        return dict((await transaction.execute(query)).all())


async def narrow(
    database: Database,
    record_id: UUID,
    remove: Iterable[str],
    now: datetime,
    entry: AuditEntry,
    version: int | None = None,
) -> bool:
    """Take pairs away, from every live token too; False when the record is revoked or holds none of them.

    What goes is named, never what stays, so that a consent next to it loses nothing. The audit row gets `before` and
    `after`, and `details` with the objects that go. With a `version`, raises `VersionChanged` when the record is at
    another one.
    """
    going = frozenset(remove)
    async with database.transaction() as transaction:
        record = await _locked(transaction, record_id, version)
        if record is None or going.isdisjoint(record.pairs):
            return False
        staying = [(pair, since) for pair, since in zip(record.pairs, record.since, strict=True) if pair not in going]
        await transaction.execute(
            update(Authorization)
            .where(col(Authorization.id) == record_id)
            .values(
                pairs=[pair for pair, _ in staying],
                since=[since for _, since in staying],
                details={pair: content for pair, content in record.details.items() if pair not in going},
                version=record.version + 1,
                last_change=entry.id,
                updated_at=max(now, record.updated_at),
            )
        )
        await transaction.execute(
            delete(AuthorizationScope).where(
                col(AuthorizationScope.authorization_id) == record_id, col(AuthorizationScope.pair).in_(going)
            )
        )
        change = {"before": record.pairs, "after": [pair for pair, _ in staying], "version": record.version + 1}
        if gone := [content for pair, content in record.details.items() if pair in going]:
            change["details"] = gone
        await audit.record(transaction, replace(entry, data={**entry.data, **change}), authorization_id=record_id)
        if OFFLINE_ACCESS in going:
            await session_ends.end_what_worked_offline(transaction, record_id, record.user_id, now)
    return True


async def revoke(
    database: Database, record_id: UUID, now: datetime, entry: AuditEntry, version: int | None = None
) -> bool:
    """End a record for good, and with it every token of it; False when it was ended before.

    One row is updated, however many tokens there are. The next consent begins a new record. With a `version`, raises
    `VersionChanged` when the record is at another one.
    """
    async with database.transaction() as transaction:
        record = await _locked(transaction, record_id, version)
        if record is None:
            return False
        await transaction.execute(
            update(Authorization)
            .where(col(Authorization.id) == record_id)
            .values(
                revoked_at=now, version=record.version + 1, last_change=entry.id, updated_at=max(now, record.updated_at)
            )
        )
        change: dict[str, object] = {"before": record.pairs, "after": [], "version": record.version + 1}
        await audit.record(transaction, replace(entry, data={**entry.data, **change}), authorization_id=record_id)
    return True


async def _locked(
    transaction: AsyncSession, record_id: UUID, version: int | None
) -> Row[list[str], list[int], int, datetime, UUID, dict[str, Any]] | None:
    """Lock a live record, so that what follows in this transaction sees, and changes, its latest state."""
    query = (
        select(
            col(Authorization.pairs),
            col(Authorization.since),
            col(Authorization.version),
            col(Authorization.updated_at),
            col(Authorization.user_id),
            col(Authorization.details),
        )
        .where(col(Authorization.id) == record_id, live())
        .with_for_update()
    )
    record = (await transaction.execute(query)).one_or_none()
    if record is not None and version is not None and record.version != version:
        raise VersionChanged
    return record


def _live() -> Select[*tuple[Any, ...]]:
    return (
        select(
            col(Authorization.id),
            col(Authorization.user_id),
            col(Authorization.application_id),
            col(Application.client_id),
            col(Application.name),
            col(Application.owner_name),
            col(Application.client_uri),
            col(Application.redirect_uris),
            col(Application.grant_types),
            col(Application.self_registered),
            col(Application.verified),
            col(Authorization.version),
            col(Authorization.pairs),
            col(Authorization.details),
            col(Authorization.created_at),
            col(Authorization.updated_at),
            beside().label("beside"),
            has_others().label("several"),
        )
        .join(Application, col(Application.id) == col(Authorization.application_id))
        .where(live())
    )


async def _read(transaction: AsyncSession, live: Select[*tuple[Any, ...]]) -> list[Record]:
    """Read records and the dates of their pairs as of one moment."""
    await transaction.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    rows = (await transaction.execute(live)).all()
    query = select(
        col(AuthorizationScope.authorization_id),
        col(AuthorizationScope.pair),
        col(AuthorizationScope.first_granted),
        col(AuthorizationScope.last_granted),
    ).where(col(AuthorizationScope.authorization_id).in_([row.id for row in rows]))
    dates = {
        (record_id, pair): GrantedPair(pair, first, last)
        for record_id, pair, first, last in await transaction.execute(query)
    }
    return [
        Record(
            id=row.id,
            user_id=row.user_id,
            application_id=row.application_id,
            client_id=row.client_id,
            application_name=row.name,
            owner_name=row.owner_name,
            client_uri=row.client_uri,
            redirect_uris=tuple(row.redirect_uris),
            grant_types=frozenset(row.grant_types),
            self_registered=row.self_registered,
            verified=row.verified,
            version=row.version,
            pairs=tuple(replace(dates[row.id, pair], content=row.details.get(pair)) for pair in row.pairs),
            created_at=row.created_at,
            updated_at=row.updated_at,
            beside=bool(row.beside),
            several=row.several,
        )
        for row in rows
    ]
