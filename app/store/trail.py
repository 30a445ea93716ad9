"""The audit trail as it is read: an organization's, a person's, or all of it, newest first.

Ids are UUIDv7, so every page is a range of ids: the planner leaves out the months beside it, and an index gives the
order. A filter that hardly anything fits would walk through years; so one page looks at a bounded number of rows, and
says where the next one begins.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, SQLColumnExpression, false, literal_column, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.models import Application, Audit, Organization, User
from app.models.audit import RARE
from app.protocol.events import Event
from app.store.database import Database
from app.store.expiry import lowest_id

WINDOW = 20_000
"""So many rows one page looks at, at most."""

_FIRST = datetime(1970, 1, 1, tzinfo=UTC)

_COLUMNS = (
    col(Audit.id),
    col(Audit.at),
    col(Audit.event),
    col(Audit.request_id),
    col(Audit.actor_kind),
    col(Audit.actor_id),
    col(Audit.actor_label),
    col(Audit.user_id),
    col(Audit.application_id),
    col(Audit.authorization_id),
    col(Audit.organization_id),
    col(Audit.subject_id),
    col(Audit.address),
    col(Audit.user_agent),
    col(Audit.data),
)
"""The columns of a `TrailEntry`, in its order."""


@dataclass(frozen=True, slots=True)
class TrailEntry:
    """One deed as it was written down; `at` is aware UTC. `data` may hold `before` and `after`."""

    id: UUID
    at: datetime
    event: str
    request_id: str
    actor_kind: str
    actor_id: str
    actor_label: str
    user_id: UUID | None
    application_id: UUID | None
    authorization_id: UUID | None
    organization_id: UUID | None
    subject_id: str
    address: str
    user_agent: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Whose trail, and which part of it. Nobody's: all of it.

    `authorization_id` is a record whose history it is; with `changes` without the sign-ins that changed nothing and
    asked nobody. `events` None: any, empty: none. `actor` and `subject` are ids as the rows have them; `words` are
    texts of which one names the actor, the subject or the request. From the moment `since` up to, without it, the
    moment `until`.
    """

    organization_id: UUID | None = None
    user_id: UUID | None = None
    authorization_id: UUID | None = None
    changes: bool = False
    events: frozenset[Event] | None = None
    actor: str = ""
    subject: str = ""
    words: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins: beyond the row with this id, on the older or the newer side; no row: at the newest."""

    id: UUID | None = None
    side: Literal["older", "newer"] = "older"


@dataclass(frozen=True, slots=True)
class TrailPage:
    """Entries, newest first. `onwards` is where the next page in the same direction begins; None: that was all.

    There may be a next page after one that is not full, or even empty: see `WINDOW`.
    """

    entries: tuple[TrailEntry, ...]
    onwards: UUID | None


@dataclass(frozen=True, slots=True)
class Names:
    """What those are called whom some entries name by their ids. Who is gone for good has no name any more."""

    people: dict[str, str]
    applications: dict[str, str]
    organizations: dict[str, str]


async def page(
    database: Database, selection: Selection, place: Place, limit: int, *, window: int = WINDOW
) -> TrailPage:
    """Return up to `limit` entries; two statements at most, and no more than `window` rows are looked at."""
    query = statement(selection, place, limit + 1, window)
    async with database.transaction() as transaction:
        await transaction.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        found = [_entry(row) for row in (await transaction.execute(query)).all()]
        if len(found) > limit:
            found = found[:limit]
            onwards = found[-1].id if found else None
        elif _filters(selection):
            ids = select(col(Audit.id)).where(*_range(selection, place)).order_by(_order(col(Audit.id), place))
            onwards = (await transaction.execute(ids.offset(window - 1).limit(1))).scalar_one_or_none()
        else:
            onwards = None
    return TrailPage(tuple(found if place.side == "older" else reversed(found)), onwards)


def statement(selection: Selection, place: Place, limit: int, window: int = WINDOW) -> Select[*tuple[Any, ...]]:
    """Return the query for up to `limit` entries among the next `window` rows."""
    looked_at = select(*_COLUMNS).where(*_range(selection, place)).order_by(_order(col(Audit.id), place))
    if not _filters(selection):
        return looked_at.limit(limit)
    within = looked_at.limit(window).subquery()
    return select(within).where(*_filters(selection, within.c)).order_by(_order(within.c.id, place)).limit(limit)


async def names(database: Database, entries: Iterable[TrailEntry]) -> Names:
    """Return what people, applications and organizations of these entries are called; three statements."""
    people: set[UUID] = set()
    applications: set[UUID] = set()
    client_ids: set[str] = set()
    organizations: set[UUID] = set()
    for entry in entries:
        people |= {entry.user_id} if entry.user_id else set()
        people |= _ids(entry.actor_id if entry.actor_kind in {"user", "operator"} else "", entry.subject_id)
        applications |= {entry.application_id} if entry.application_id else set()
        client_ids |= {entry.actor_id} if entry.actor_kind == "application" else set()
        organizations |= {entry.organization_id} if entry.organization_id else set()
    async with database.transaction() as transaction:
        return Names(
            people=await _people(transaction, people),
            applications=await _applications(transaction, applications, client_ids),
            organizations=await _organizations(transaction, organizations),
        )


async def ids_of_people(database: Database, username_key: str) -> tuple[str, ...]:
    """Return the id of whoever has this username, as rows name him."""
    query = select(col(User.id)).where(col(User.username_key) == username_key)
    async with database.transaction() as transaction:
        return tuple(str(found) for found in (await transaction.scalars(query)).all())


def _range(selection: Selection, place: Place) -> list[ColumnElement[bool]]:
    """Return whose rows, between which ids: what the indexes and the partitions are made for."""
    conditions: list[ColumnElement[bool]] = []
    if selection.organization_id is not None:
        conditions.append(col(Audit.organization_id) == selection.organization_id)
    if selection.authorization_id is not None:
        conditions.append(col(Audit.authorization_id) == selection.authorization_id)
    if selection.user_id is not None:
        conditions += [col(Audit.user_id) == selection.user_id, literal_column(f"({RARE})")]
    if selection.since is not None:
        conditions.append(col(Audit.id) >= _bound(selection.since))
    if selection.until is not None:
        conditions.append(col(Audit.id) < _bound(selection.until))
    if place.id is not None:
        conditions.append(col(Audit.id) < place.id if place.side == "older" else col(Audit.id) > place.id)
    return conditions


def _order(identifier: SQLColumnExpression[UUID], place: Place) -> ColumnElement[UUID]:
    return identifier.desc() if place.side == "older" else identifier.asc()


def _bound(moment: datetime) -> UUID:
    """Return the first id of a moment; ids begin in 1970."""
    return lowest_id(max(moment, _FIRST))


def _filters(selection: Selection, columns: Any = None) -> list[ColumnElement[bool]]:
    """Return what else a row must fit, over the table or over a subquery of it."""
    where = Audit.__table__.c if columns is None else columns  # type: ignore[attr-defined]
    conditions: list[ColumnElement[bool]] = []
    if selection.events is not None:
        conditions.append(where.event.in_(sorted(selection.events)) if selection.events else false())
    if selection.changes:
        conditions.append(
            or_(
                where.event != Event.AUTHORIZATION_GRANTED,
                where.data["on_page"].as_string().is_distinct_from("no"),
                where.data["before"] != where.data["after"],
            )
        )
    if selection.actor:
        conditions.append(where.actor_id == selection.actor)
    if selection.subject:
        conditions.append(where.subject_id == selection.subject)
    if selection.words:
        named = (where.actor_id, where.actor_label, where.subject_id, where.request_id)
        conditions.append(or_(*(column.in_(selection.words) for column in named)))
    return conditions


def _entry(row: Row[*tuple[Any, ...]]) -> TrailEntry:
    return TrailEntry(*row)


def _ids(*texts: str) -> set[UUID]:
    found = set()
    for text in texts:
        try:
            found.add(UUID(text))
        except ValueError:
            continue
    return found


async def _people(transaction: AsyncSession, ids: set[UUID]) -> dict[str, str]:
    query = select(col(User.id), col(User.username), col(User.claims)["name"].as_string()).where(col(User.id).in_(ids))
    rows = (await transaction.execute(query)).all()
    return {str(identifier): name or username for identifier, username, name in rows}


async def _applications(transaction: AsyncSession, ids: set[UUID], client_ids: set[str]) -> dict[str, str]:
    """Return names by id and by client_id: rows name applications by either."""
    query = select(col(Application.id), col(Application.client_id), col(Application.name)).where(
        or_(col(Application.id).in_(ids), col(Application.client_id).in_(client_ids))
    )
    rows = (await transaction.execute(query)).all()
    return {key: row.name for row in rows if row.name for key in (str(row.id), row.client_id)}


async def _organizations(transaction: AsyncSession, ids: set[UUID]) -> dict[str, str]:
    query = select(col(Organization.id), col(Organization.name)).where(col(Organization.id).in_(ids))
    return {str(identifier): name for identifier, name in (await transaction.execute(query)).all()}
