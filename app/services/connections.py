"""A person's connected applications: seen, narrowed and disconnected by nobody but himself."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from app.protocol.events import Event
from app.services.occasion import Occasion
from app.store import records, trail, usage
from app.store.database import Database
from app.store.records import Record
from app.store.trail import Place, Selection, TrailEntry, TrailPage
from app.store.usage import LiveFamily

NARROWED = Event.AUTHORIZATION_NARROWED
REVOKED = Event.AUTHORIZATION_REVOKED
ENDED_BY_PERSON = "ended_by_person"
"""Why a sign-in of an application ended, in its audit row."""

APPLICATION_DELETED = "application_deleted"
NOT_USED = "not_used_for_long"
"""Why a record ended that nobody disconnected, in its audit row."""

_BY_CLIENT_ID = frozenset({Event.AUTHORIZATION_GRANTED, NARROWED, REVOKED})
"""Events of a record whose subject is the application, by its client_id."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A live record of the person; `last_used` is None until the application got a token it still holds."""

    record: Record
    last_used: datetime | None


@dataclass(frozen=True, slots=True)
class Ended:
    """A record that is over, with its application as it was called then; it may be gone for good by now.

    `ended_at` is None when nothing tells how it ended. `by_himself` says whether the person ended it.
    """

    record_id: UUID
    client_id: str
    name: str
    host: str
    checked: bool
    ended_at: datetime | None
    by_himself: bool


def read_id(text: str) -> UUID | None:
    """Return the record id in a path or query; None for anything that is not spelled as we spell it."""
    try:
        known = UUID(text)
    except ValueError:
        return None
    return known if str(known) == text else None


async def list_all(database: Database, user_id: UUID) -> list[Connection]:
    """Return the person's connections, the one used last first."""
    used = await usage.last_used(database, user_id)
    found = [Connection(record, used.get(record.id)) for record in await records.list_for_user(database, user_id)]
    return sorted(found, key=lambda one: one.last_used or one.record.updated_at, reverse=True)


async def list_page(database: Database, user_id: UUID, *, after: UUID | None, limit: int) -> list[Connection]:
    """Return up to `limit` of the person's connections, the newest first; with `after`, those older than that one."""
    found = await records.page_for_user(database, user_id, after=after, limit=limit)
    used = await usage.last_used(database, user_id)
    return [Connection(record, used.get(record.id)) for record in found]


async def find(database: Database, user_id: UUID, record_id: UUID) -> Connection | None:
    """Return one connection; None when it is over, never was, or is somebody else's: nobody can tell which."""
    record = await records.get(database, record_id)
    if record is None or record.user_id != user_id:
        return None
    return Connection(record, (await usage.last_used(database, user_id)).get(record_id))


async def history(database: Database, record_id: UUID, *, before: UUID | None = None, limit: int = 100) -> TrailPage:
    """Return what happened to a record, newest first, also to one that is over; with `before`, what is older.

    Sign-ins that changed nothing and asked nobody are left out. Whose record it is, the caller has checked.
    """
    return await trail.page(database, Selection(authorization_id=record_id, changes=True), Place(before), limit)


async def list_ended(
    database: Database, user_id: UUID, *, before: UUID | None = None, limit: int
) -> tuple[list[Ended], UUID | None]:
    """Return up to `limit` of the person's records that are over, the latest first, and where to go on (None: nowhere).

    Out of the audit trail: it remembers them longer than applications and records live.
    """
    selection = Selection(user_id=user_id, events=frozenset({REVOKED}))
    page = await trail.page(database, selection, Place(before), limit)
    ended = [_ended(entry.authorization_id, user_id, entry, entry) for entry in page.entries if entry.authorization_id]
    return ended, page.onwards


async def find_ended(database: Database, user_id: UUID, record_id: UUID) -> Ended | None:
    """Return a record of the person that is over; None when it is live, never was, or is somebody else's."""
    if await records.get(database, record_id) is not None:
        return None
    mine = Selection(authorization_id=record_id, user_id=user_id)
    newest = (await trail.page(database, mine, Place(), 1)).entries
    if not newest:
        return None
    ends = (await trail.page(database, replace(mine, events=frozenset({REVOKED})), Place(), 1)).entries
    return _ended(record_id, user_id, newest[0], ends[0] if ends else None)


async def live_families(database: Database, connection: Connection, now: datetime) -> int:
    """Return how many token families descend from the record and are in force at the aware moment `now`."""
    return await usage.live_families(database, connection.record.user_id, connection.record.id, now)


async def remove(
    database: Database, connection: Connection, pair: str, occasion: Occasion, *, version: int | None = None
) -> bool:
    """Take one permission away, from every live token too; False when it was not there.

    With a `version`, raises `VersionChanged` when the record is at another one.
    """
    record = connection.record
    entry = occasion.entry(
        NARROWED,
        user_id=record.user_id,
        application_id=record.application_id,
        subject_id=record.client_id,
        removed=[pair],
    )
    return await records.narrow(database, record.id, [pair], occasion.now, entry, version)


async def disconnect(
    database: Database,
    connection: Connection,
    occasion: Occasion,
    *,
    host: str,
    checked: bool,
    version: int | None = None,
) -> bool:
    """End the record and with it every token of it; False when somebody was faster.

    `host` and `checked` are how the application was introduced to the person; the audit trail remembers them. With a
    `version`, raises `VersionChanged` when the record is at another one.
    """
    record = connection.record
    entry = occasion.entry(
        REVOKED,
        user_id=record.user_id,
        application_id=record.application_id,
        subject_id=record.client_id,
        name=record.application_name,
        host=host,
        checked="yes" if checked else "no",
    )
    return await records.revoke(database, record.id, occasion.now, entry, version)


async def families(
    database: Database, connection: Connection, now: datetime, *, after: UUID | None = None, limit: int
) -> list[LiveFamily]:
    """Return where the application is signed in, the newest sign-in first; with `after`, those older than it."""
    record = connection.record
    return await usage.families(database, record.user_id, record.id, now, after=after, limit=limit)


async def end_family(database: Database, connection: Connection, family_id: UUID, occasion: Occasion) -> bool:
    """End one sign-in of the application with all its tokens; False when it is over, or none of this record's."""
    record = connection.record
    if not await usage.is_live(database, record.user_id, record.id, family_id, occasion.now):
        return False
    entry = occasion.entry(
        Event.FAMILY_REVOKED,
        user_id=record.user_id,
        application_id=record.application_id,
        subject_id=str(family_id),
        reason=ENDED_BY_PERSON,
    )
    return await database.hot.revoke_family(family_id, record.application_id, occasion.now, ENDED_BY_PERSON, entry)


async def just_disconnected(database: Database, user_id: UUID, record_id: UUID) -> Ended | None:
    """Return the application of a record that this very person disconnected; None for anything else."""
    ended = await find_ended(database, user_id, record_id)
    return ended if ended is not None and ended.by_himself else None


def _ended(record_id: UUID, user_id: UUID, newest: TrailEntry, end: TrailEntry | None) -> Ended:
    """Return what the trail remembers of a record; `end` is the entry that tells how it ended."""
    data = end.data if end else {}
    client_id = next((entry.subject_id for entry in (end, newest) if entry and entry.event in _BY_CLIENT_ID), "")
    return Ended(
        record_id=record_id,
        client_id=client_id,
        name=str(data.get("name") or client_id),
        host=str(data.get("host") or ""),
        checked=data.get("checked") == "yes",
        ended_at=end.at if end else None,
        by_himself=end is not None and end.actor_kind == "user" and end.actor_id == str(user_id),
    )
