"""Time partitions: made ahead, counted, and dropped when everything in them is dead (storage.md §2).

Ids are UUIDv7, so a range of ids is a span of time. There is no default partition. A missing one is made through the
database's own function `ensure_partition`, which the runtime role may call; dropping needs the owner.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import asyncpg
import sqlalchemy as sa

from app.crypto.secrets import id_time
from app.store.database import Database

Step = Literal["hour", "day", "month"]

STEPS: dict[str, Step] = {"access_token": "day", "decision_trace": "day", "audit": "month", "proof": "hour"}
"""The partitioned tables, and the span of one partition."""

AHEAD = 2
"""How many partitions there are to be beyond that of now."""

LONGEST_ACCESS_TOKEN = timedelta(hours=24)
PROOF_LIFE = timedelta(minutes=10)
"""How long after its own moment a proof could still be accepted, at the most: the widest window and the skew, twice."""

_JOB_LOCK = 0x617373656E75
_DETACH_PATIENCE = "30s"
_ORPHAN = r"_[0-9]{8}([0-9]{2})?$"
_BOUND = re.compile(r"FROM \('([^']+)'\) TO \('([^']+)'\)")

_PARTITIONS = """
select c.relname, pg_get_expr(c.relpartbound, c.oid), i.inhdetachpending
from pg_inherits i join pg_class c on c.oid = i.inhrelid
where i.inhparent = to_regclass('public.' || $1) and c.relkind = 'r'"""

_DETACHED = """
select relname from pg_class
where relnamespace = 'public'::regnamespace and relkind = 'r' and not relispartition and relname ~ ('^' || $1 || $2)"""


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition holds the ids from the moment `begin` up to, without it, the moment `end`."""

    name: str
    begin: datetime
    end: datetime
    detach_pending: bool = False


def _kept() -> dict[str, timedelta]:
    return {
        "access_token": LONGEST_ACCESS_TOKEN,
        "decision_trace": timedelta(days=14),
        "audit": timedelta(days=400),
        "proof": PROOF_LIFE,
    }


@dataclass(frozen=True, slots=True)
class Retention:
    """How long after its end a partition is kept, by table."""

    kept: Mapping[str, timedelta] = field(default_factory=_kept)


async def ensure_ahead(database: Database, now: datetime) -> None:
    """Make the partitions of now and of the time ahead; nothing happens to those that are there."""
    for table, step in STEPS.items():
        for count in range(AHEAD + 1):
            await database.ensure_partition(table, _later(now, step, count))


async def left(database: Database, now: datetime) -> dict[str, int]:
    """Return by table how many partitions follow each other without a gap from `now` on; 0 calls for attention."""
    counted = {}
    async with database.transaction() as transaction:
        connection = await transaction.connection()
        for table in STEPS:
            rows = await connection.execute(sa.text(_PARTITIONS.replace("$1", ":parent")), {"parent": table})
            counted[table] = unbroken(_read(rows), now)
    return counted


def unbroken(partitions: Iterable[Partition], now: datetime) -> int:
    """Count the partitions that cover the time from `now` on without a gap."""
    count, covered = 0, now
    for partition in sorted(partitions, key=lambda one: one.begin):
        if partition.begin <= covered < partition.end:
            count, covered = count + 1, partition.end
    return count


async def drop_expired(owner_url: str, now: datetime, retention: Retention | None = None) -> list[str]:
    """Drop the partitions whose time is over, and what an interrupted run left behind; return their names.

    One process at a time; another one finds nothing to do. Look-ups and inserts go on meanwhile: DETACH CONCURRENTLY
    waits for the transactions that it would disturb, and what it had to give up is finished by the next run.
    """
    connection = await asyncpg.connect(owner_url, server_settings={"lock_timeout": _DETACH_PATIENCE})
    try:
        if not await connection.fetchval("select pg_try_advisory_lock($1)", _JOB_LOCK):
            return []
        dropped = []
        for table, kept in (retention or Retention()).kept.items():
            await _detach(connection, table, now - kept)
            for (name,) in await connection.fetch(_DETACHED, table, _ORPHAN):
                await connection.execute(f'drop table public."{name}"')
                dropped.append(name)
        return dropped
    finally:
        await connection.close()


def _later(now: datetime, step: Step, count: int) -> datetime:
    """Return a moment that lies `count` hours, days or months after the hour, day or month of `now`."""
    if step == "hour":
        return now + timedelta(hours=count)
    if step == "day":
        return now + timedelta(days=count)
    years, month = divmod(now.month - 1 + count, 12)
    return datetime(now.year + years, month + 1, 1, tzinfo=UTC)


async def _detach(connection: asyncpg.Connection, table: str, until: datetime) -> None:
    partitions = _read(await connection.fetch(_PARTITIONS, table))
    for pending in (one for one in partitions if one.detach_pending):
        await connection.execute(f'alter table public."{table}" detach partition public."{pending.name}" finalize')
    for over in (one for one in partitions if one.end <= until and not one.detach_pending):
        await connection.execute(f'alter table public."{table}" detach partition public."{over.name}" concurrently')


def _read(rows: Iterable[Any]) -> list[Partition]:
    found = []
    for name, bound, detach_pending in rows:
        if (ids := _BOUND.search(bound)) is not None:
            found.append(Partition(name, _moment(ids[1]), _moment(ids[2]), detach_pending))
    return found


def _moment(bound: str) -> datetime:
    """Return the moment that a bound stands for: an id carries one, and proofs have theirs as such."""
    return id_time(UUID(bound)) if len(bound) == 36 else datetime.fromisoformat(bound).astimezone(UTC)
