"""Users and applications as the operator looks for them: newest first, by the beginning of a name, page by page.

However many there are, an index gives the order or the names. Values differ much in how many rows they find, so each
search is planned for its own (`force_custom_plan`).
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, func, not_, or_, select, text, update
from sqlalchemy.orm import aliased
from sqlmodel import col

from app.models import Application, Authorization, BrowserSession, OrganizationMember, PersonalToken, User
from app.models.application import ApplicationStatus
from app.store.application_states import SwitchedBy
from app.store.database import Database
from app.store.live_records import live
from app.store.transaction import Transaction

STATUSES: tuple[ApplicationStatus, ...] = get_args(ApplicationStatus)
"""The states in which applications can be looked for."""

_LIKE_SIGNS = re.compile(r"([\\%_])")


@dataclass(frozen=True, slots=True)
class Person:
    """A person as the operator sees him. `disabled_at` is None for somebody who may sign in."""

    id: UUID
    username: str
    email: str | None
    name: str
    operator: bool
    disabled_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Holdings:
    """How much a person has that ends when he is disabled, and what he owns."""

    sessions: int
    authorizations: int
    personal_tokens: int
    organizations: int
    applications: int


@dataclass(frozen=True, slots=True)
class Listed:
    """An application as the operator sees it. `checked_by` is the username of who checked it, empty when nobody did."""

    id: UUID
    client_id: str
    name: str
    kind: str
    status: ApplicationStatus
    off_by: SwitchedBy
    owner_user_id: UUID | None
    owner_organization_id: UUID | None
    owner_name: str
    redirect_uris: tuple[str, ...]
    self_registered: bool
    verified: bool
    checked_at: datetime | None
    checked_by: str
    checked_note: str
    version: int
    created_at: datetime

    @property
    def unchecked(self) -> bool:
        """Nobody has looked at what its owner says about it; for those without one the operator answers himself."""
        return not self.verified and (self.self_registered or self.owner_name != "")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which applications are looked for: whose name or client_id begins so, in this state, checked by nobody, that
    introduced themselves."""

    text: str = ""
    status: ApplicationStatus | None = None
    unchecked: bool = False
    self_registered: bool = False


_PERSON = (
    col(User.id),
    col(User.username),
    col(User.email),
    func.coalesce(col(User.claims)["name"].astext, "").label("name"),
    col(User.operator),
    col(User.disabled_at),
    col(User.created_at),
)
"""The columns of a `Person`, in its order."""

_checker = aliased(User)
_LISTED = (
    col(Application.id),
    col(Application.client_id),
    col(Application.name),
    col(Application.kind),
    col(Application.status),
    col(Application.off_by),
    col(Application.owner_user_id),
    col(Application.owner_organization_id),
    col(Application.owner_name),
    col(Application.redirect_uris),
    col(Application.self_registered),
    col(Application.verified),
    col(Application.checked_at),
    func.coalesce(_checker.username, "").label("checked_by"),
    col(Application.checked_note),
    col(Application.version),
    col(Application.created_at),
)
"""The columns of a `Listed`, in its order."""


async def people(database: Database, key: str, *, after: UUID | None, limit: int) -> list[Person]:
    """Return up to `limit` people whose username or email address begins with the folded text `key`, newest first."""
    query = select(*_PERSON).order_by(col(User.id).desc()).limit(limit)
    if key:
        beginning = _pattern(key)
        query = query.where(or_(col(User.username_key).like(beginning), col(User.email_key).like(beginning)))
    if after is not None:
        query = query.where(col(User.id) < after)
    return [Person(*row) for row in await _rows(database, query)]


async def person(database: Database, user_id: UUID) -> Person | None:
    """Return one person."""
    rows = await _rows(database, select(*_PERSON).where(col(User.id) == user_id))
    return Person(*rows[0]) if rows else None


async def holdings(database: Database, user_id: UUID, now: datetime) -> Holdings:
    """Return how much a person has, counted by the indexes on his id."""
    live_session = and_(
        col(BrowserSession.ended_at).is_(None),
        col(BrowserSession.idle_expires_at) > now,
        col(BrowserSession.user_epoch) == col(User.epoch),
    )
    live_token = and_(
        col(PersonalToken.revoked_at).is_(None),
        or_(col(PersonalToken.expires_at).is_(None), col(PersonalToken.expires_at) > now),
        col(PersonalToken.user_epoch) == col(User.epoch),
    )
    counts = (
        _count(BrowserSession, col(BrowserSession.user_id) == user_id, live_session),
        _count(
            *(Authorization, col(Authorization.user_id) == user_id, live()),
            each=col(Authorization.application_id),
        ),
        _count(PersonalToken, col(PersonalToken.user_id) == user_id, live_token),
        _count(OrganizationMember, col(OrganizationMember.user_id) == user_id),
        _count(Application, col(Application.owner_user_id) == user_id, col(Application.deleted_at).is_(None)),
    )
    [row] = await _rows(database, select(*counts).where(col(User.id) == user_id))
    return Holdings(*row)


async def active_operators(transaction: Transaction) -> set[UUID]:
    """Return the operators who may sign in."""
    query = select(col(User.id)).where(col(User.operator), col(User.disabled_at).is_(None))
    return set((await transaction.scalars(query)).all())


async def applications(database: Database, wanted: Wanted, *, after: UUID | None, limit: int) -> list[Listed]:
    """Return up to `limit` applications that fit, newest first; deleted ones are left out."""
    query = _applications().order_by(col(Application.id).desc()).limit(limit)
    if wanted.text:
        beginning = _pattern(wanted.text)
        named = func.lower(col(Application.name)).like(func.lower(beginning))
        query = query.where(or_(named, col(Application.client_id).like(beginning)))
    if wanted.status is not None:
        query = query.where(col(Application.status) == wanted.status)
    if wanted.unchecked:
        query = query.where(_unchecked())
    if wanted.self_registered:
        query = query.where(col(Application.self_registered))
    if after is not None:
        query = query.where(col(Application.id) < after)
    return [_listed(row) for row in await _rows(database, query)]


async def application(database: Database, client_id: str) -> Listed | None:
    """Return one application, unless it is deleted."""
    rows = await _rows(database, _applications().where(col(Application.client_id) == client_id))
    return _listed(rows[0]) if rows else None


async def mark(
    transaction: Transaction, client_id: str, *, verified: bool, by: UUID, note: str, now: datetime
) -> UUID | None:
    """Write down that an operator has checked an application, or takes that back; None: it was so, or is gone."""
    marked = await transaction.execute(
        update(Application)
        .where(
            col(Application.client_id) == client_id,
            col(Application.verified).is_(not verified),
            col(Application.deleted_at).is_(None),
        )
        .values(
            verified=verified,
            checked_at=now if verified else None,
            checked_by=by if verified else None,
            checked_note=note if verified else "",
            version=col(Application.version) + 1,
            updated_at=now,
        )
        .returning(col(Application.id))
    )
    return marked.scalar_one_or_none()


def _applications() -> Select[*tuple[Any, ...]]:
    return (
        select(*_LISTED)
        .outerjoin(_checker, _checker.id == col(Application.checked_by))  # type: ignore[arg-type]
        .where(col(Application.deleted_at).is_(None))
    )


def _unchecked() -> ColumnElement[bool]:
    """Return the condition of `Listed.unchecked`, which is that of the index `application_unchecked`."""
    owned = or_(col(Application.self_registered), col(Application.owner_name) != "")
    return and_(not_(col(Application.verified)), owned)


def _pattern(beginning: str) -> str:
    return _LIKE_SIGNS.sub(r"\\\1", beginning) + "%"


def _count(table: Any, *conditions: ColumnElement[bool], each: Any = None) -> ColumnElement[int]:
    """Count rows, or what they have in a column, each value once."""
    number = func.count() if each is None else func.count(each.distinct())
    return select(number).select_from(table).where(*conditions).correlate(User).scalar_subquery()


async def _rows(database: Database, query: Select[*tuple[Any, ...]]) -> list[Row[*tuple[Any, ...]]]:
    async with database.transaction() as transaction:
        await transaction.execute(text("set local plan_cache_mode = force_custom_plan"))
        return list((await transaction.execute(query)).all())


def _listed(row: Row[*tuple[Any, ...]]) -> Listed:
    values: dict[str, Any] = row._asdict()
    return Listed(**values | {"redirect_uris": tuple(row.redirect_uris)})
