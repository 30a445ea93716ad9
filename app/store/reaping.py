"""Applications that introduced themselves and that nothing speaks for any more: found, and deleted (DR-13, CI-16).

A batch is one transaction. It locks the rows of what looks dead, then looks a second time, by statements that see
everything that was written before they got the locks; and whoever gives such an application something to live for
holds on to its row in the very statement that does it (`settle_sql.HELD`). So either he is seen, or he finds it gone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import TextClause, text

from app.models.audit import RARE
from app.protocol.events import Event
from app.store import audit
from app.store.database import Database
from app.store.expiry import lowest_id
from app.store.orders import AuditEntry
from app.store.transaction import Transaction

# ruff: noqa: S608 -- put together from constants; every value is a parameter


@dataclass(frozen=True, slots=True)
class Dead:
    """What is dead: registered before one moment, and neither allowed nor given anything since another one.

    Those whose client_ids are `named` in the settings as APIs that ask about tokens are not.
    """

    registered_before: datetime
    unused_since: datetime
    now: datetime
    named: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """How far the applications have been looked through, in the order of their registration."""

    created_at: datetime
    id: UUID


START = Place(datetime(1970, 1, 1, tzinfo=UTC), UUID(int=0))
"""Before all of them."""


@dataclass(frozen=True, slots=True)
class Reaped:
    """An application that is deleted, as it was.

    `address` is from where it was registered, `request_id` by which request; empty when the trail does not know any
    more. `last_used_at` is None when it never got a token.
    """

    id: UUID
    client_id: str
    name: str
    created_at: datetime
    address: str
    request_id: str
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Lapsed:
    """A live record that ends because nobody has used it for long; `pairs` is what it allowed."""

    id: UUID
    user_id: UUID
    application_id: UUID
    client_id: str
    name: str
    pairs: tuple[str, ...]
    version: int


# An API that an operator lets ask about tokens needs none itself. What he has checked he wants to have, and what he
# shut out must not come back as if it were new: it could by its document, but not by registering, for no client_id is
# given out twice. So of what was registered and deleted nothing has to stay, and no tombstones gather where programs
# register and take that back (DM-5).
_LOOKS_DEAD = """
    a.self_registered and a.created_at < :registered_before
    and (a.status = 'active' and not a.verified and a.client_id <> all(cast(:named as text[]))
            and not exists (select from resource r where a.client_id = any(r.introspection_clients))
        or a.deleted_at < :registered_before and a.client_id not like 'https://%')
    and not exists (
        select from "authorization" r
        where r.application_id = a.id and (r.revoked_at is null or r.revoked_at >= :unused_since))
    and not exists (select from application_use u where u.application_id = a.id and u.last_at >= :unused_since)"""

_FIND = text(f"""
select a.id, a.created_at from application a
where {_LOOKS_DEAD} and (a.created_at, a.id) > (:created_at, cast(:id as uuid))
order by a.created_at, a.id limit :limit""")
_IDS = "any(cast(:ids as uuid[]))"
_THESE = f"a.id = {_IDS}"
_LOCK = text(f"select a.id from application a where {_THESE} and {_LOOKS_DEAD} for update skip locked")

# Whatever waits, or is on its way to a token. The trail knows of tokens that no record stands behind, also of those
# whose use has not been written down yet.
_WAITING = {
    "interaction": "closed_at",
    **dict.fromkeys(("pushed_request", "device_grant", "backchannel_request", "grant_code"), "used_at"),
}
"""Each table with the moment when one of its rows is over before its time. None has an index on the application, which
would cost every request: each is read once for a whole batch."""

_WAITS = f"select application_id from {{}} where application_id = {_IDS} and expires_at > :now and {{}} is null"
_DEEDS = f"d.application_id = a.id and d.application_id is not null and {RARE}"
_GOT_A_TOKEN = f"""select from audit d
    where {_DEEDS} and d.id >= :first_deed and d.event = '{Event.TOKEN_ISSUED}'"""
_IS_DEAD = text(
    f"select a.id from application a where {_THESE} and {_LOOKS_DEAD}"
    + "".join(f"\n    and a.id <> all(array({_WAITS.format(*waiting)}))" for waiting in _WAITING.items())
    + f"\n    and not exists ({_GOT_A_TOKEN})"
)

_DESCRIBE = text(f"""
select a.id, a.client_id, a.name, a.created_at, coalesce(d.address, ''), coalesce(d.request_id, ''), u.last_at
from application a
left join application_use u on u.application_id = a.id
left join lateral (
    select address, request_id from audit d
    where {_DEEDS} and d.event in ('{Event.APPLICATION_REGISTERED}', '{Event.APPLICATION_INTRODUCED}')
    order by d.id limit 1) d on true
where {_THESE} order by a.created_at, a.id""")

_DELETE: Sequence[TextClause] = (
    text(f"delete from application_secret where application_id = {_IDS}"),
    text(
        "delete from authorization_scope where authorization_id in "
        f'(select id from "authorization" where application_id = {_IDS})'
    ),
    text(f'delete from "authorization" where application_id = {_IDS}'),
    text(f"delete from application_use where application_id = {_IDS}"),
    text(f"delete from application where id = {_IDS}"),
)

_STALE = text("""
select r.id, r.user_id, r.application_id, a.client_id, a.name, r.pairs, r.version
from application a join "authorization" r on r.application_id = a.id
where a.self_registered and a.client_id like 'https://%' and (r.revoked_at is null or r.revoked_at = 'infinity')
    and r.updated_at < :unused_since
    and not exists (
        select from token_family f
        where f.user_id = r.user_id and f.revoked_at is null and f.authorization_id = r.id
            and f.idle_expires_at > :now and f.expires_at > :now)
order by r.id limit :limit for update of r skip locked""")
_END = text("""
update "authorization" set revoked_at = :now, version = version + 1, last_change = :change, updated_at = :now
where id = :id""")


async def reap(
    database: Database, dead: Dead, after: Place, *, limit: int, entry_of: Callable[[Reaped], AuditEntry]
) -> tuple[int, Place | None]:
    """Delete the dead ones among the next `limit` applications that look so, each with an audit row.

    Return how many, and where to go on; None: that was all. What others hold on to at this moment is left alone.
    """
    looked_for: dict[str, object] = {
        "registered_before": dead.registered_before,
        "unused_since": dead.unused_since,
        "named": list(dead.named),
    }
    async with database.transaction() as transaction:
        behind = {"created_at": after.created_at, "id": after.id, "limit": limit}
        found = (await transaction.execute(_FIND, looked_for | behind)).all()
        if not found:
            return 0, None
        locked = list(await transaction.scalars(_LOCK, looked_for | {"ids": [row.id for row in found]}))
        asked = {"ids": locked, "now": dead.now, "first_deed": lowest_id(dead.unused_since)}
        ids = list(await transaction.scalars(_IS_DEAD, looked_for | asked))
        if ids:
            await _delete(transaction, ids, entry_of)
    last = found[-1]
    return len(ids), Place(last.created_at, last.id) if len(found) == limit else None


async def end_unused_records(
    database: Database, unused_since: datetime, now: datetime, *, limit: int, entry_of: Callable[[Lapsed], AuditEntry]
) -> int:
    """End up to `limit` live records of applications that are known by a document alone, where nothing has been granted
    since a moment and nothing is in force any more; return how many.

    Whoever grants something at this moment has the record locked, or changed it: it is left alone.
    """
    async with database.transaction() as transaction:
        asked = {"unused_since": unused_since, "now": now, "limit": limit}
        rows = (await transaction.execute(_STALE, asked)).all()
        lapsed = [Lapsed(**{**row._mapping, "pairs": tuple(row.pairs)}) for row in rows]
        entries = [(entry_of(record), record.id) for record in lapsed]
        await audit.record_all(transaction, entries)
        if entries:
            ended = [{"id": record_id, "now": now, "change": entry.id} for entry, record_id in entries]
            await transaction.execute(_END, ended)
    return len(lapsed)


async def _delete(transaction: Transaction, ids: Sequence[UUID], entry_of: Callable[[Reaped], AuditEntry]) -> None:
    rows = await transaction.execute(_DESCRIBE, {"ids": ids})
    await audit.record_all(transaction, [(entry_of(Reaped(*row)), None) for row in rows])
    for statement in _DELETE:
        await transaction.execute(statement, {"ids": ids})
