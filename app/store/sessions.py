"""Browser sessions: begun, looked up, kept alive, ended."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, insert, inspect, literal, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.models.browser_session import BrowserSession
from app.models.user import User
from app.protocol.facts import SessionFact
from app.store.database import Database


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session about to begin; `digest` is that of the cookie's secret, times are aware UTC.

    `sid` is that of the session which it goes on with, None for one that begins anew (SE-8).
    """

    id: UUID
    digest: bytes = field(repr=False)
    user_id: UUID
    user_epoch: int
    amr: tuple[str, ...]
    auth_time: datetime
    idle_expires_at: datetime
    expires_at: datetime
    address: str = ""
    user_agent: str = ""
    sid: UUID | None = None


async def insert_session(transaction: AsyncSession, session: NewSession) -> bool:
    """Begin the session; False when the user was disabled meanwhile."""
    row = {
        "id": session.id,
        "digest": session.digest,
        "auth_time": session.auth_time,
        "amr": list(session.amr),
        "acr": "",
        "sid": session.sid,
        "user_agent": session.user_agent,
        "address": session.address,
        "created_at": session.auth_time,
        "last_used_at": session.auth_time,
        "idle_expires_at": session.idle_expires_at,
        "expires_at": session.expires_at,
    }
    types = inspect(BrowserSession).columns
    user = select(
        col(User.id), col(User.epoch), *(literal(value, types[name].type) for name, value in row.items())
    ).where(col(User.id) == session.user_id, col(User.epoch) == session.user_epoch, col(User.disabled_at).is_(None))
    begun = await transaction.execute(
        insert(BrowserSession)
        .from_select(["user_id", "user_epoch", *row], user, include_defaults=False)
        .returning(col(BrowserSession.id))
    )
    return begun.first() is not None


@dataclass(frozen=True, slots=True)
class HeldSession:
    """A session that a browser holds the credential of, over or not; its person is active."""

    session: SessionFact
    live: bool


@dataclass(frozen=True, slots=True)
class HeldRow:
    """A session that a browser holds the credential of, as signing in on that browser needs it."""

    id: UUID
    digest: bytes = field(repr=False)
    user_id: UUID
    user_epoch: int
    sid: UUID
    live: bool


_sid = func.coalesce(col(BrowserSession.sid), col(BrowserSession.id))

_COLUMNS = (
    col(BrowserSession.id),
    col(BrowserSession.digest),
    col(BrowserSession.user_id),
    col(BrowserSession.user_epoch),
    col(User.sub),
    col(User.username),
    col(User.email),
    col(User.claims)["name"].as_string(),
    col(BrowserSession.auth_time),
    col(BrowserSession.amr),
    col(BrowserSession.last_used_at),
    col(BrowserSession.idle_expires_at),
    col(BrowserSession.expires_at),
    col(User.operator),
    col(BrowserSession.sid),
)


async def find_live(database: Database, session_id: UUID, now: datetime) -> SessionFact | None:
    """Return the session while neither it nor its user has ended."""
    statement = (
        select(*_COLUMNS)
        .join(User, col(User.id) == col(BrowserSession.user_id))
        .where(
            col(BrowserSession.id) == session_id,
            *_open_at(now),
            col(User.disabled_at).is_(None),
            col(User.epoch) == col(BrowserSession.user_epoch),
        )
    )
    async with database.transaction() as transaction:
        row = (await transaction.execute(statement)).one_or_none()
    return _fact(row) if row is not None else None


async def find_several(database: Database, ids: Collection[UUID], now: datetime) -> list[HeldSession]:
    """Return the sessions with these ids, the latest used first; those of people who are shut out are not there."""
    live = and_(*_open_at(now), col(User.epoch) == col(BrowserSession.user_epoch))
    statement = (
        select(*_COLUMNS, live)
        .join(User, col(User.id) == col(BrowserSession.user_id))
        .where(col(BrowserSession.id).in_(ids), col(User.disabled_at).is_(None))
        .order_by(col(BrowserSession.last_used_at).desc(), col(BrowserSession.id))
    )
    async with database.transaction() as transaction:
        rows = (await transaction.execute(statement)).all()
    at = len(_COLUMNS)
    return [HeldSession(_fact(row), live=row[at]) for row in rows]


async def touch(database: Database, session_id: UUID, now: datetime, idle_expires_at: datetime) -> None:
    """Note the use of a session that is still alive; never backwards."""
    async with database.transaction() as transaction:
        await transaction.execute(
            update(BrowserSession)
            .where(_open(session_id), col(BrowserSession.idle_expires_at) > now, col(BrowserSession.last_used_at) < now)
            .values(last_used_at=now, idle_expires_at=idle_expires_at)
        )


async def lock_held(transaction: AsyncSession, ids: Collection[UUID], now: datetime) -> dict[UUID, HeldRow]:
    """Return the sessions with these ids by id, and let nobody change them before the transaction ends.

    They are locked in the order of their ids, so that no two transactions wait for each other crosswise.
    """
    statement = (
        select(
            col(BrowserSession.id),
            col(BrowserSession.digest),
            col(BrowserSession.user_id),
            col(BrowserSession.user_epoch),
            _sid,
            and_(*_open_at(now)),
        )
        .where(col(BrowserSession.id).in_(ids))
        .order_by(col(BrowserSession.id))
        .with_for_update()
    )
    return {row[0]: HeldRow(*row) for row in await transaction.execute(statement)}


async def end_for_next(transaction: AsyncSession, user_id: UUID, sid: UUID, now: datetime) -> list[UUID]:
    """End what is open of the session called `sid`, for the person's next one to go on with it; return the ids.

    None: somebody ended it for good. Its applications are told nothing: for them it goes on (SE-8).
    """
    ended = await transaction.execute(
        update(BrowserSession)
        .where(col(BrowserSession.user_id) == user_id, col(BrowserSession.ended_at).is_(None), _sid == sid)
        .values(ended_at=now)
        .returning(col(BrowserSession.id))
    )
    return list(ended.scalars())


async def ran_idle(database: Database, session_id: UUID, digest: bytes, now: datetime) -> bool:
    """Tell whether the session is over for no other reason than that nobody used it."""
    statement = select(col(BrowserSession.id)).where(
        _open(session_id),
        col(BrowserSession.digest) == digest,
        col(BrowserSession.idle_expires_at) <= now,
        col(BrowserSession.idle_expires_at) < col(BrowserSession.expires_at),
    )
    async with database.transaction() as transaction:
        return (await transaction.execute(statement)).first() is not None


def _open_at(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """SE-3: neither ended, nor too long without use, nor too old."""
    return (
        col(BrowserSession.ended_at).is_(None),
        col(BrowserSession.idle_expires_at) > now,
        col(BrowserSession.expires_at) > now,
    )


def _open(session_id: UUID) -> ColumnElement[bool]:
    return and_(col(BrowserSession.id) == session_id, col(BrowserSession.ended_at).is_(None))


def _fact(row: Sequence[Any]) -> SessionFact:
    """Read `_COLUMNS`."""
    return SessionFact(
        id=row[0],
        digest=row[1],
        user_id=row[2],
        user_epoch=row[3],
        subject=row[4],
        username=row[5],
        email=row[6] or "",
        display_name=row[7] or "",
        auth_time=row[8],
        amr=tuple(row[9]),
        last_used_at=row[10],
        idle_expires_at=row[11],
        expires_at=row[12],
        operator=row[13],
        sid=row[14] or row[0],
    )
