"""Deletion of expired rows in slices of their ids (storage.md §2): each slice is one short transaction.

Ids are UUIDv7, so a span of ids is a span of time. Where the last run ended is remembered: beginning at the smallest
id again would walk over everything that was deleted since the last vacuum.
"""

from datetime import datetime, timedelta
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, CursorResult, Delete, delete, func, or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.crypto.secrets import id_time
from app.models.backchannel_request import BackchannelRequest
from app.models.browser_session import BrowserSession
from app.models.device_grant import DeviceGrant
from app.models.failure import Failure
from app.models.grant_code import GrantCode
from app.models.interaction import Interaction
from app.models.one_time_link import OneTimeLink
from app.models.pushed_request import PushedRequest
from app.models.revoked_token import RevokedToken
from app.models.server_meta import ServerMeta
from app.models.session_application import SessionApplication
from app.models.token import TokenFamily
from app.store.database import Database

_FIRST_SPAN = timedelta(minutes=10)
_SHORTEST_SPAN, _LONGEST_SPAN = timedelta(seconds=1), timedelta(days=7)
_MANY, _FEW = 5_000, 500
"""Rows of one slice above which the next span is halved, and below which it is doubled."""


class Expiring(Enum):
    """The tables whose rows expire; the value is the name under which the progress is remembered."""

    INTERACTIONS = "interactions"
    CODES = "codes"
    DEVICE_CODES = "device_codes"
    BACKCHANNEL_REQUESTS = "backchannel_requests"
    PUSHED_REQUESTS = "pushed_requests"
    SESSIONS = "sessions"
    FAMILIES = "families"
    LINKS = "links"


_TABLES: dict[Expiring, Any] = {
    Expiring.INTERACTIONS: Interaction,
    Expiring.CODES: GrantCode,
    Expiring.DEVICE_CODES: DeviceGrant,
    Expiring.BACKCHANNEL_REQUESTS: BackchannelRequest,
    Expiring.PUSHED_REQUESTS: PushedRequest,
    Expiring.SESSIONS: BrowserSession,
    Expiring.FAMILIES: TokenFamily,
    Expiring.LINKS: OneTimeLink,
}


async def remove(database: Database, kind: Expiring, *, born_before: datetime, now: datetime) -> int:
    """Delete the rows made before `born_before` that have expired at `now`; returns how many.

    A row that outlives the lifetimes of today (they were longer once) stays until a later run finds it expired.
    """
    table = _TABLES[kind]
    begin = await _begin(database, kind, table)
    survivor: datetime | None = None
    removed, span = 0, _FIRST_SPAN
    while begin is not None and begin < born_before:
        end = min(begin + span, born_before)
        within = (col(table.id) >= lowest_id(begin), col(table.id) < lowest_id(end))
        async with database.transaction() as transaction:
            gone = await _rows(transaction, delete(table).where(*within, col(table.expires_at) <= now))
            survivor = survivor or await _first(transaction, table, *within)
            await _remember(transaction, kind, survivor or end)
        removed += gone
        span = next_span(span, gone)
        begin = end
    return removed


async def forget_failures(database: Database, *, quiet_since: datetime, now: datetime) -> int:
    """Forget counters that nothing has added to since `quiet_since` and that block nobody; returns how many."""
    idle: tuple[ColumnElement[bool], ...] = (
        col(Failure.last_at) < quiet_since,
        or_(col(Failure.blocked_until).is_(None), col(Failure.blocked_until) < now),
    )
    async with database.transaction() as transaction:
        return await _rows(transaction, delete(Failure).where(*idle))


async def forget_revoked_tokens(database: Database, *, expired_before: datetime, limit: int) -> int:
    """Forget revoked tokens without a row that ended by themselves before a moment; returns how many, `limit` at most.

    What counts as expired everywhere need not be remembered as revoked.
    """
    ended = select(col(RevokedToken.id)).where(col(RevokedToken.expires_at) < expired_before)
    oldest = ended.order_by(col(RevokedToken.expires_at)).limit(limit)
    async with database.transaction() as transaction:
        return await _rows(transaction, delete(RevokedToken).where(col(RevokedToken.id).in_(oldest)))


async def forget_session_applications(database: Database, *, begun_before: datetime, limit: int) -> int:
    """Forget which applications the sessions had that began before a moment and are gone; returns how many rows,
    `limit` at most.

    A session that somebody keeps signing in to has the same `sid` for as long as it goes on.
    """
    goes_on = (
        select(col(BrowserSession.id))
        .where(
            col(BrowserSession.user_id) == col(SessionApplication.user_id),
            col(BrowserSession.ended_at).is_(None),
            func.coalesce(col(BrowserSession.sid), col(BrowserSession.id)) == col(SessionApplication.sid),
        )
        .exists()
    )
    key = tuple_(col(SessionApplication.sid), col(SessionApplication.application_id))
    oldest = select(*key).where(col(SessionApplication.sid) < lowest_id(begun_before), ~goes_on).limit(limit)
    async with database.transaction() as transaction:
        return await _rows(transaction, delete(SessionApplication).where(key.in_(oldest)))


def next_span(span: timedelta, removed: int) -> timedelta:
    """Return the span of the next slice, so that a slice stays short whatever the traffic was."""
    if removed > _MANY:
        return max(span / 2, _SHORTEST_SPAN)
    return min(span * 2, _LONGEST_SPAN) if removed < _FEW else span


def lowest_id(moment: datetime) -> UUID:
    """Return the smallest UUIDv7 of a moment: its milliseconds, everything else zero."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


async def _begin(database: Database, kind: Expiring, table: Any) -> datetime | None:
    """Return where the last run ended, else the moment of the oldest row, None when there is no row."""
    async with database.transaction() as transaction:
        remembered = select(col(ServerMeta.value)).where(col(ServerMeta.key) == _key(kind))
        position = (await transaction.execute(remembered)).scalar_one_or_none()
        return await _first(transaction, table) if position is None else datetime.fromisoformat(position)


async def _first(transaction: AsyncSession, table: Any, *within: ColumnElement[bool]) -> datetime | None:
    oldest = select(col(table.id)).where(*within).order_by(col(table.id)).limit(1)
    identifier = (await transaction.execute(oldest)).scalar_one_or_none()
    return None if identifier is None else id_time(identifier)


async def _remember(transaction: AsyncSession, kind: Expiring, position: datetime) -> None:
    row = insert(ServerMeta).values(key=_key(kind), value=position.isoformat())
    await transaction.execute(
        row.on_conflict_do_update(index_elements=[col(ServerMeta.key)], set_={"value": row.excluded.value})
    )


async def _rows(transaction: AsyncSession, statement: Delete) -> int:
    result = await transaction.execute(statement)
    return result.rowcount if isinstance(result, CursorResult) else 0


def _key(kind: Expiring) -> str:
    return f"expired.{kind.value}"
