"""A person's connected applications: seen, narrowed and disconnected by nobody but himself."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.services.occasion import Occasion
from app.store import records, usage
from app.store.database import Database
from app.store.records import HistoryEntry, Record

NARROWED = "authorization.narrowed"
REVOKED = "authorization.revoked"


@dataclass(frozen=True, slots=True)
class Connection:
    """A live record of the person; `last_used` is None until the application got a token it still holds."""

    record: Record
    last_used: datetime | None


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The application that the person has just taken everything from, as it was called then."""

    name: str
    host: str
    checked: bool


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


async def history(database: Database, connection: Connection) -> list[HistoryEntry]:
    """Return what happened to the record, newest first."""
    return await records.history(database, connection.record.id)


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


async def just_disconnected(database: Database, user_id: UUID, record_id: UUID) -> Disconnected | None:
    """Return the application of a record that this very person disconnected; None for anything else."""
    latest = await records.history(database, record_id, limit=1)
    if not latest or latest[0].event != REVOKED or latest[0].actor_id != str(user_id):
        return None
    data = latest[0].data
    return Disconnected(name=str(data["name"]), host=str(data["host"]), checked=data["checked"] == "yes")
